package pallycon_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// licensePage returns a page of a license history.
func licensePage(rows int) string {
	var page strings.Builder
	page.WriteString(`{"error_code":"0000","error_message":"Success","data":[`)
	for i := range rows {
		if i > 0 {
			page.WriteByte(',')
		}
		fmt.Fprintf(&page, `{"cid":"movie-%04d","status":"success","error_code":"","drm_type":"Widevine",`+
			`"user_id":"user-%04d","device_id":"c0ffee00-0000-4000-8000-%012d","device_model":"SM-G998N",`+
			`"license_type":"PALLYCON","platform_name":"Android","reg_time":"202601020304%02d"}`,
			i%7, i, i, 59-i*59/rows)
	}
	fmt.Fprintf(&page, `],"count":%d}`, rows)
	return page.String()
}

func BenchmarkListLicenses(b *testing.B) {
	const rows = 100
	adapter := adapterTo(b, config(), wiretest.Prepared{JSON: licensePage(rows)})
	b.ReportAllocs()
	for b.Loop() {
		page, err := adapter.ListLicenses(b.Context(), &pb.ListLicensesRequest{Parent: demo})
		if err != nil || len(page.GetLicenses()) != rows {
			b.Fatal(len(page.GetLicenses()), err)
		}
	}
}

// BenchmarkListSites makes a small call: three sites with two services each.
func BenchmarkListSites(b *testing.B) {
	sites := make([]string, 3)
	for i := range sites {
		sites[i] = fmt.Sprintf(`{"site_id":"SIT%d","service_name":"Service %d","product_list":[`+
			`{"service_code":"PD001","status_code":"SE000"},{"service_code":"PD002","status_code":"SE001"}]}`, i, i)
	}
	page := `{"error_code":"0000","error_message":"Success","data":[` + strings.Join(sites, ",") + `],"count":3}`
	adapter := adapterTo(b, config(), wiretest.Prepared{JSON: page})
	b.ReportAllocs()
	for b.Loop() {
		got, err := adapter.ListSites(b.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
		if err != nil || len(got.GetSites()) != len(sites) {
			b.Fatal(len(got.GetSites()), err)
		}
	}
}
