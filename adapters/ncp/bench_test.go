package ncp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// prepared returns a transport to a vendor with one page of rows.
func prepared(page string) wiretest.Prepared {
	return wiretest.Prepared{JSON: page, FirstPage: "pageNo=1", NoRows: `{"success":true,"content":[],"error":null}`}
}

// licensePage returns a page of a license history.
func licensePage(rows int) string {
	var page strings.Builder
	page.WriteString(`{"success":true,"content":[`)
	for i := range rows {
		if i > 0 {
			page.WriteByte(',')
		}
		fmt.Fprintf(&page, `{"siteId":"DEMO","contentId":"movie-%04d","licenseStatus":"success","drmType":"Widevine",`+
			`"userId":"d41d8cd98f00b204e9800998%08d","deviceId":"c0ffee00-0000-4000-8000-%012d",`+
			`"deviceModel":"SM-G998N","platformName":"Android","licenseCreatedTime":%d}`,
			i%7, i, i, 1_767_000_000_000-i*5000)
	}
	fmt.Fprintf(&page, `],"total":%d,"error":null}`, rows)
	return page.String()
}

func BenchmarkListLicenses(b *testing.B) {
	const rows = 100
	adapter := adapterTo(b, config(), prepared(licensePage(rows)))
	b.ReportAllocs()
	for b.Loop() {
		page, err := adapter.ListLicenses(b.Context(), &pb.ListLicensesRequest{Parent: demo})
		if err != nil || len(page.GetLicenses()) != rows {
			b.Fatal(len(page.GetLicenses()), err)
		}
	}
}

// BenchmarkListSites makes a small call: three sites with their statistics.
func BenchmarkListSites(b *testing.B) {
	sites := make([]string, 3)
	for i := range sites {
		sites[i] = fmt.Sprintf(`{"siteId":"SIT%d","siteName":"Service %d","siteStatus":"RUNNING","siteEnabledYn":true,`+
			`"policyId":0,"fairPlayCert":{"certFile":"fairplay.cer"},"statistics":{"siteMontlyActiveUser":%d,`+
			`"siteMontlyActiveDevice":7,"siteMontlyActiveLicense":8},"siteCreatedTime":1767000000000,`+
			`"siteUpdatedTime":1767000000000}`, i, i, i)
	}
	page := `{"success":true,"content":[` + strings.Join(sites, ",") + `],"total":3,"error":null}`
	adapter := adapterTo(b, config(), prepared(page))
	b.ReportAllocs()
	for b.Loop() {
		got, err := adapter.ListSites(b.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
		if err != nil || len(got.GetSites()) != len(sites) {
			b.Fatal(len(got.GetSites()), err)
		}
	}
}
