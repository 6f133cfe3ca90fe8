package services

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/usage"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

const (
	// defaultSample is how many rows in dispute a line has at most, unless the request says so.
	defaultSample = 20
	// maxDisputed bounds the rows in dispute of one response.
	maxDisputed = 10_000
)

// figureOf returns the figure that a line bills.
func figureOf(metric pb.InvoiceLine_Metric) int {
	return int(metric) - int(pb.InvoiceLine_LICENSES) + usage.Licenses
}

// ReconcileInvoice compares each line of an invoice with the archive.
func (s *archives) ReconcileInvoice(
	ctx context.Context, req *pb.ReconcileInvoiceRequest,
) (*pb.ReconcileInvoiceResponse, error) {
	if s.engine == nil {
		return nil, errArchiveOff()
	}
	v, err := s.vendors.Lookup(req.GetParent())
	if err != nil {
		return nil, err
	}
	history := v.Adapter.Describe().History
	if history == nil {
		return nil, apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
			"vendor %q (%s) shows no license history: nothing can be compared", v.ID, v.Kind).
			With(apierror.Vendor, v.ID)
	}
	month, err := usage.ParseMonth(req.GetMonth())
	if err != nil {
		return nil, apierror.Invalid("month", "must be a month such as 2026-10, in the form YYYY-MM")
	}
	bill, err := newInvoice(ctx, req, v.ID)
	if err != nil {
		return nil, err
	}
	sites, err := s.billedSites(ctx, v, bill)
	if err != nil {
		return nil, err
	}
	res := &pb.ReconcileInvoiceResponse{}
	for i, line := range bill.lines {
		ledger := usage.NewLedger(s.engine, sites[line.GetSite()], history)
		if i == 0 { // The setting may name another zone since the last pass.
			res.CountingRule = ledger.Rule.Proto()
		}
		if err := reconcile(ctx, ledger, month, line, i, sampleSize(req), res); err != nil {
			return nil, err
		}
	}
	return res, nil
}

func sampleSize(req *pb.ReconcileInvoiceRequest) int {
	if req.GetSampleSize() == 0 {
		return defaultSample
	}
	return min(int(req.GetSampleSize()), paging.MaxSize)
}

// An invoice is the lines of a request. at holds where each line of a table begins.
type invoice struct {
	lines []*pb.InvoiceLine
	at    []int
}

// wrong returns the error of the site of a line.
func (v invoice) wrong(i int, format string, args ...any) error {
	problem := fmt.Sprintf(format, args...)
	if v.at != nil {
		return apierror.Invalid("csv", "line %d: site %s", v.at[i], problem)
	}
	return apierror.Invalid(fmt.Sprintf("lines[%d].site", i), "%s", problem)
}

// place returns how a person finds a line.
func (v invoice) place(i int) string {
	if v.at != nil {
		return fmt.Sprintf("line %d", v.at[i])
	}
	return fmt.Sprintf("lines[%d]", i)
}

// newInvoice returns the lines of a request. A caller that may not see the site of a line learns
// nothing about it.
func newInvoice(ctx context.Context, req *pb.ReconcileInvoiceRequest, vendor string) (invoice, error) {
	v := invoice{lines: req.GetLines()}
	if req.GetCsv() != "" {
		var err error
		if v.lines, v.at, err = usage.ReadCSV(vendor, req.GetCsv()); err != nil {
			return v, apierror.Invalid("csv", "%v", err)
		}
	}
	caller := auth.FromContext(ctx)
	for i, line := range v.lines {
		if !caller.SeesSite(line.GetSite()) {
			return v, auth.Denied()
		}
		if vendorOf(line.GetSite()) != vendorOf(req.GetParent()) {
			return v, v.wrong(i, "must belong to the vendor %q, to which the request goes", vendor)
		}
		same := func(o *pb.InvoiceLine) bool {
			return o.GetSite() == line.GetSite() && o.GetMetric() == line.GetMetric()
		}
		if first := slices.IndexFunc(v.lines, same); first < i {
			return v, v.wrong(i, "and metric are those of %s: the archive has one figure for both. Add the two up",
				v.place(first))
		}
	}
	return v, nil
}

// billedSites returns the sites of an invoice. Each is in the archive, or the vendor lists it.
func (s *archives) billedSites(ctx context.Context, v vendors.Vendor, bill invoice) (map[string]archive.Site, error) {
	known := map[string]archive.Site{}
	var listed []string
	var unlisted error // why the vendor did not list all of its sites
	asked := false
	for i, line := range bill.lines {
		name := line.GetSite()
		site, err := s.engine.Site(ctx, name)
		if err != nil {
			return nil, err
		}
		if site.Zone == nil && !asked {
			listed, unlisted = siteNamesFor(ctx, v)
			asked = true
		}
		switch {
		case site.Zone != nil, slices.Contains(listed, name):
		case unlisted != nil:
			return nil, unlisted
		default:
			return nil, bill.wrong(i, "%q does not exist: ListSites lists the sites of the vendor", name)
		}
		known[name] = site
	}
	return known, nil
}

// reconcile adds line i and its rows in dispute to a response.
func reconcile(
	ctx context.Context, ledger usage.Ledger, month usage.Month, line *pb.InvoiceLine, i, sample int,
	res *pb.ReconcileInvoiceResponse,
) error {
	count, err := ledger.Month(ctx, month)
	if err != nil {
		return err
	}
	figure := figureOf(line.GetMetric())
	claim := usage.Claim{}
	claim.Has[figure], claim.Figures[figure] = true, int64(line.GetQuantity())
	why, err := ledger.Explain(ctx, count, claim, time.Now())
	if err != nil {
		return err
	}
	room := min(sample, maxDisputed-len(res.GetDisputedRows()))
	disputed, rows, err := ledger.Disputed(ctx, figure, why, room)
	if err != nil {
		return err
	}
	archived := count.Archived[figure]
	difference := int64(line.GetQuantity()) - archived
	got := &pb.ReconciledLine{
		Line: line, ArchivedQuantity: count32(archived), DifferenceQuantity: count32(difference),
		Explanations: explanationsOf(why), DisputedCount: count32(disputed),
		Coverage: covered(ledger.Site, period{Span: month.Span(ledger.Rule.Zone)}),
	}
	if line.GetUnitPrice() != "" {
		got.DifferenceAmount = usage.Amount(difference, line.GetUnitPrice())
	}
	res.Lines = append(res.Lines, got)
	for _, d := range rows {
		res.DisputedRows = append(res.DisputedRows, &pb.DisputedRow{
			Line: int32(i), Reason: d.Reason, License: licensesOf([]archive.Row{d.Row})[0],
		})
	}
	return nil
}
