package telecomx_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// accountPage returns a page of accounts. The devices of each account are as this function writes
// them.
func accountPage(rows int, devices func(i int) string) string {
	all := make([]string, rows)
	for i := range all {
		all[i] = fmt.Sprintf(`{"username":"customer-%04d@example.com","password":"secret-%04d","devices":%s,`+
			`"created":"2026-01-02T03:04:%02dZ"}`, i, i, devices(i), i%60)
	}
	return fmt.Sprintf(`{"offset":0,"limit":100,"total":%d,"accounts":[%s]}`, rows, strings.Join(all, ","))
}

func BenchmarkListDrmAccounts(b *testing.B) {
	const rows = 100
	for view, devices := range map[pb.DrmAccount_View]func(i int) string{
		pb.DrmAccount_BASIC: func(i int) string { return fmt.Sprint(i % 5) },
		pb.DrmAccount_FULL: func(i int) string {
			return fmt.Sprintf(`[{"id":"%024d","type":"IOS","name":"phone","model":"iPhone16,1"}]`, i)
		},
	} {
		b.Run(view.String(), func(b *testing.B) {
			page := accountPage(rows, devices)
			adapter := adapterTo(b, machine(), wiretest.Prepared{JSON: page})
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				req := &pb.ListDrmAccountsRequest{Parent: "vendors/acme", View: view}
				got, err := adapter.ListDrmAccounts(b.Context(), req)
				if err != nil || len(got.GetDrmAccounts()) != rows {
					b.Fatal(len(got.GetDrmAccounts()), err)
				}
			}
		})
	}
}
