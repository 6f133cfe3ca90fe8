package services_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// TestReconcileInvoice reconciles invoices of October 2026.
func TestReconcileInvoice(t *testing.T) {
	october := func(day, hour int) time.Time { return time.Date(2026, 10, day, hour, 0, 0, 0, time.UTC) }
	rows := []requested{
		{at: october(1, 0), user: "a", device: "1"}, {at: october(2, 0), user: "b", device: "1"},
		{at: october(3, 0), user: "c", device: "2", refused: true}, {at: october(31, 20), user: "a", device: "3"},
	}
	all, engine := twins(t, time.UTC, rows), archivetest.NewMemory()
	keep(t, engine, time.UTC, all, "vendors/pc/sites/DEMO")
	all = append(all, configured("bare", bare{}))
	for name, c := range map[string]struct {
		req    *pb.ReconcileInvoiceRequest
		caller auth.Identity
		want   string // for each line: archived, difference, amount, reasons and the number of rows; then the rows
	}{
		"lines": {req: &pb.ReconcileInvoiceRequest{Lines: []*pb.InvoiceLine{
			{Site: "vendors/pc/sites/DEMO", Metric: pb.InvoiceLine_LICENSES, Quantity: 4, UnitPrice: "0.0125"},
			{Site: "vendors/pc/sites/DEMO", Metric: pb.InvoiceLine_USERS, Quantity: 2, UnitPrice: "1"},
			{Site: "vendors/pc/sites/DEMO", Metric: pb.InvoiceLine_DEVICES, Quantity: 1},
		}}, want: "3 1 0.0125 FAILURES_COUNTED 1; 2 0 0 0; 2 -1 OTHER_TIME_ZONE 1; 0 c, 2 a"},
		"a table": {req: &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\nDEMO,MAL,9"},
			want: "3 6 UNEXPLAINED 0"},
		"no sample": {req: &pb.ReconcileInvoiceRequest{SampleSize: 1, Csv: "site,metric,quantity\nDEMO,MAL,2"},
			want: "3 -1 OTHER_TIME_ZONE 1; 0 a"},
		"another vendor": {req: &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\nvendors/nv/sites/demo,MAL,2"},
			want: "csv: line 2"},
		"another vendor's line": {req: &pb.ReconcileInvoiceRequest{Lines: []*pb.InvoiceLine{
			{Site: "vendors/nv/sites/demo", Metric: 1}}}, want: "lines[0].site"},
		"an unknown site": {req: &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\n\nDEMO,MAL,2\nNONE,MAL,2"},
			want: "csv: line 4"},
		"a line twice": {req: &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\nDEMO,MAL,2\nDEMO,LICENSES,2"},
			want: "csv: line 3"},
		"a site that the caller may not see": {
			req:    &pb.ReconcileInvoiceRequest{Csv: "site,metric,quantity\nNONE,MAL,2"},
			caller: sitesOnly("pc/sites/DEMO"), want: codes.PermissionDenied.String()},
		"no history": {req: &pb.ReconcileInvoiceRequest{Parent: "vendors/bare", Csv: "site"},
			want: codes.Unimplemented.String()},
	} {
		t.Run(name, func(t *testing.T) {
			if c.req.Month = "2026-10"; c.req.GetParent() == "" {
				c.req.Parent = "vendors/pc"
			}
			res, err := archiveOf(t, engine, c.caller, all...).ReconcileInvoice(t.Context(), c.req)
			if err != nil {
				e := apierror.Convert(err)
				if !strings.HasPrefix(e.Message, c.want) && e.Code.String() != c.want {
					t.Errorf("%v, want %s", err, c.want)
				}
				return
			}
			var got []string
			for _, l := range res.GetLines() {
				words := []string{fmt.Sprint(l.GetArchivedQuantity()), fmt.Sprint(l.GetDifferenceQuantity())}
				if l.GetDifferenceAmount() != "" {
					words = append(words, l.GetDifferenceAmount())
				}
				for _, x := range l.GetExplanations() {
					words = append(words, x.GetReason().String())
				}
				got = append(got, strings.Join(append(words, fmt.Sprint(l.GetDisputedCount())), " "))
			}
			var disputed []string
			for _, r := range res.GetDisputedRows() {
				disputed = append(disputed, fmt.Sprint(r.GetLine(), " ", r.GetLicense().GetUserId()))
			}
			if disputed != nil {
				got = append(got, strings.Join(disputed, ", "))
			}
			if strings.Join(got, "; ") != c.want || res.GetCountingRule().GetSource() == "" {
				t.Errorf("%s, want %s", strings.Join(got, "; "), c.want)
			}
		})
	}
}
