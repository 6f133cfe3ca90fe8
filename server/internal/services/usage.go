package services

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/usage"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// A monthOf is one month of a site.
type monthOf struct {
	vendor vendors.Vendor
	ledger usage.Ledger
	count  usage.Count
}

// A reportPosition is the last report of a page. Its page token confers no rights: each page
// chooses its sites anew.
type reportPosition struct {
	Site  string      `json:"s"`
	Month usage.Month `json:"m"`
	// Done are the ids of the vendors whose reports came before that of Site. The configuration may
	// since have lost the vendor of Site, or may have another order.
	Done []string `json:"d,omitempty"`
}

// next returns the position after a page that begins at p.
func (p reportPosition) next(page []monthOf) reportPosition {
	for _, m := range page {
		if before := vendorOf(p.Site); before != "" && before != m.vendor.ID {
			p.Done = append(p.Done, before)
		}
		p.Site, p.Month = m.ledger.Site.Name, m.count.Month
	}
	return p
}

// after returns the months that follow the position: later sites of its vendor, older months of its
// site, and then the vendors that are not done.
func (p reportPosition) after(months []monthOf) []monthOf {
	var current, rest []monthOf
	for _, m := range months {
		switch {
		case m.vendor.ID == vendorOf(p.Site):
			if cmp.Or(strings.Compare(m.ledger.Site.Name, p.Site), cmp.Compare(p.Month, m.count.Month)) > 0 {
				current = append(current, m)
			}
		case !slices.Contains(p.Done, m.vendor.ID):
			rest = append(rest, m)
		}
	}
	return append(current, rest...)
}

// ListUsageReports compares the archive's count of each month with the vendor's own.
func (s *archives) ListUsageReports(
	ctx context.Context, req *pb.ListUsageReportsRequest,
) (*pb.ListUsageReportsResponse, error) {
	var at reportPosition
	resumed, err := paging.Resume(req, &at)
	if err != nil {
		return nil, err
	}
	chosen, err := s.choose(ctx, req.GetParent())
	if err != nil {
		return nil, err
	}
	months, err := s.months(ctx, chosen, req.GetMonth())
	if err != nil {
		return nil, err
	}
	res := &pb.ListUsageReportsResponse{TotalSize: count32(int64(len(months))), Unreachable: chosen.unreachable}
	if resumed {
		months = at.after(months)
	}
	page := months[:min(paging.Size(req.GetPageSize()), len(months))]
	if res.UsageReports, err = s.reports(ctx, page); err != nil {
		return nil, err
	}
	if len(page) < len(months) {
		res.NextPageToken, err = paging.Token(req, at.next(page))
	}
	return res, err
}

// months returns the months of all sites that the archive holds, or one month of each site.
func (s *archives) months(ctx context.Context, c chosen, month string) (all []monthOf, err error) {
	for _, site := range c.sites {
		m := monthOf{vendor: c.accounts[vendorOf(site.Name)]}
		m.ledger = usage.NewLedger(s.engine, site, m.vendor.Adapter.Describe().History)
		var counts []usage.Count
		if month == "" {
			counts, err = m.ledger.Months(ctx)
		} else {
			counts = make([]usage.Count, 1)
			var wanted usage.Month
			if wanted, err = usage.ParseMonth(month); err == nil {
				counts[0], err = m.ledger.Month(ctx, wanted)
			}
		}
		if err != nil {
			return nil, err
		}
		for _, m.count = range counts {
			all = append(all, m)
		}
	}
	return all, nil
}

// reports makes the reports of these months. It asks the vendors for their figures, several at
// once.
func (s *archives) reports(ctx context.Context, months []monthOf) ([]*pb.UsageReport, error) {
	responses := begin(ctx, newTimeShares(ctx), len(months), len(months) == 1,
		func(ctx context.Context, i int) (*pb.Usage, error) { return months[i].vendorUsage(ctx) })
	defer responses.stop()
	var all []*pb.UsageReport
	for i, m := range months {
		got := responses.next(i)
		if got.slow {
			got.err = errSlow(m.vendor.ID, got.part)
		}
		if ctx.Err() != nil {
			return nil, apierror.FromContext(ctx)
		}
		r, err := m.report(ctx, got.value, got.err)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// vendorUsage returns the vendor's own figures for the month.
func (m monthOf) vendorUsage(ctx context.Context) (*pb.Usage, error) {
	getter, ok := vendors.As[adapters.UsageGetter](m.vendor)
	if !ok {
		return nil, apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
			"vendor %q (%s) shows no usage", m.vendor.ID, m.vendor.Kind).With(apierror.Vendor, m.vendor.ID)
	}
	day := m.count.Month.LastDay(time.Now(), m.ledger.Rule.Zone)
	if day == "" {
		return nil, apierror.Invalid("month", "%s has not begun in %s, the time zone of vendor %q",
			m.count.Month, m.ledger.Rule.Zone, m.vendor.ID)
	}
	u, err := getter.GetUsage(ctx, &pb.GetUsageRequest{Name: m.ledger.Site.Name + "/usage", Date: day})
	return u, withVendor(m.vendor, err)
}

// report compares the count with what the vendor says, or with nothing.
func (m monthOf) report(ctx context.Context, vendor *pb.Usage, failed error) (*pb.UsageReport, error) {
	span := m.count.Month.Span(m.ledger.Rule.Zone)
	r := &pb.UsageReport{
		Site: m.ledger.Site.Name, Month: m.count.Month.String(), CountingRule: m.ledger.Rule.Proto(),
		Archived: figuresOf(m.count.Archived), Coverage: covered(m.ledger.Site, period{Span: span}),
	}
	if failed != nil {
		r.VendorError = apierror.Convert(failed).GRPCStatus().Proto()
		return r, nil
	}
	claim := usage.Claim{Has: [3]bool{true, true, true}, Date: vendor.GetDate(), Figures: usage.Figures{
		int64(vendor.GetMonthlyActiveLicenses()), int64(vendor.GetMonthlyActiveUsers()),
		int64(vendor.GetMonthlyActiveDevices()),
	}}
	r.Vendor = figuresOf(claim.Figures)
	r.Vendor.Date = claim.Date
	r.Difference = figuresOf(m.count.Archived.Minus(claim.Figures))
	why, err := m.ledger.Explain(ctx, m.count, claim, time.Now())
	r.Explanations = explanationsOf(why)
	return r, err
}

func figuresOf(f usage.Figures) *pb.UsageReport_Figures {
	return &pb.UsageReport_Figures{
		Licenses: count32(f[usage.Licenses]), Users: count32(f[usage.Users]), Devices: count32(f[usage.Devices]),
	}
}

func explanationsOf(why []usage.Explanation) (all []*pb.UsageReport_Explanation) {
	for _, x := range why {
		all = append(all, &pb.UsageReport_Explanation{
			Reason: x.Reason, Figures: figuresOf(x.Figures), Message: x.Message,
		})
	}
	return all
}
