package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

// BenchmarkCall measures what a call costs from the HTTP request to its response, around a service
// that costs nothing.
func BenchmarkCall(b *testing.B) {
	rows := &pb.ListLicensesResponse{}
	for i := range 100 {
		rows.Licenses = append(rows.Licenses, &pb.License{
			Site: "vendors/v/sites/s", ContentId: fmt.Sprint("film-", i), ErrorCode: "0000",
		})
	}
	for _, c := range []struct {
		name, path, query string
		res               proto.Message
	}{
		{"small", "/v1/vendors", "", &pb.ListVendorsResponse{Vendors: []*pb.Vendor{{Name: "vendors/v"}}}},
		{"rows", "/v1/vendors/v/sites/s/licenses", "pageSize=100", rows},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := backend{call: func(context.Context, string, proto.Message) (proto.Message, error) {
				return c.res, nil
			}}.handler(b, gateway.Options{})
			b.ReportAllocs()
			for b.Loop() {
				r := record(h, (&http.Request{
					Method: "GET", URL: &url.URL{Path: c.path, RawQuery: c.query}, RemoteAddr: "127.0.0.1:4711",
					Header: http.Header{
						"User-Agent": {"curl"}, "Authorization": {"Bearer x"}, "Accept-Encoding": {"gzip"},
					},
					Body: http.NoBody,
				}).WithContext(b.Context()))
				if r.status != http.StatusOK {
					b.Fatal(r.body.String())
				}
			}
		})
	}
}
