package amino_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// prepared returns a transport to a vendor with one page of rows.
func prepared(page string) wiretest.Prepared {
	return wiretest.Prepared{JSON: page, FirstPage: "offset=0", NoRows: nothing}
}

// licensePage returns a part of the list of licenses.
func licensePage(rows int) string {
	all := make([]string, rows)
	for i := range all {
		all[i] = fmt.Sprintf(`{"type":"License","id":"%d","attributes":{"status":"ACTIVE","start_date":%d,`+
			`"stop_date":%d,"order_id":"order-%d","renew_record":{"recurring":true,"expiry_date":%d}},`+
			`"relationships":{"user":{"data":{"type":"User","id":"user-%d"}},`+
			`"product":{"data":{"type":"Product","id":"%d"}}}}`,
			i+1, 1_767_000_000+i, 1_799_000_000+i, i, 1_799_000_000+i, i, i%7)
	}
	return `{"data":[` + strings.Join(all, ",") + `]}`
}

func BenchmarkListProductLicenses(b *testing.B) {
	const rows = 100
	page := licensePage(rows)
	adapter := adapterTo(b, config(), prepared(page))
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		req := &pb.ListProductLicensesRequest{Parent: "vendors/acme"}
		got, err := adapter.ListProductLicenses(b.Context(), req)
		if err != nil || len(got.GetProductLicenses()) != rows {
			b.Fatal(len(got.GetProductLicenses()), err)
		}
	}
}

// productPage returns a part of the list of products.
func productPage(rows int) string {
	all := make([]string, rows)
	for i := range all {
		all[i] = fmt.Sprintf(`{"type":"Product","id":"%d","attributes":{"title":"Product %d",`+
			`"description":"All films","is_buyable":true,"is_premium":false,"is_user_visible":true,`+
			`"auto_grant_on_signup":false,"license_defaults":{"auto_renew":true,"duration":30},`+
			`"price_record":{"amount":%d,"currency":"EUR"}}}`,
			i+1, i+1, i)
	}
	return `{"data":[` + strings.Join(all, ",") + `]}`
}

func BenchmarkListProducts(b *testing.B) {
	for _, rows := range []int{3, 100} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			page := productPage(rows)
			adapter := adapterTo(b, config(), prepared(page))
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				got, err := adapter.ListProducts(b.Context(), &pb.ListProductsRequest{Parent: "vendors/acme"})
				if err != nil || len(got.GetProducts()) != rows {
					b.Fatal(len(got.GetProducts()), err)
				}
			}
		})
	}
}
