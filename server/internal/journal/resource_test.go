package journal_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestTheResourceOfACall(t *testing.T) {
	for _, c := range []struct {
		method string
		req    proto.Message
		want   string
	}{
		{pb.SiteService_DisableSite_FullMethodName, &pb.DisableSiteRequest{RequestId: id, Name: site}, site},
		{pb.SiteService_UpdateSite_FullMethodName, &pb.UpdateSiteRequest{RequestId: id, Site: &pb.Site{Name: site}}, site},
		{pb.MemberService_CreateMember_FullMethodName, &pb.CreateMemberRequest{RequestId: id, Parent: "vendors/v"}, "vendors/v"},
		{pb.MemberService_CreateMember_FullMethodName, &pb.CreateMemberRequest{RequestId: id, Parent: "vendors/v", Member: &pb.Member{Name: "of no meaning here"}}, "vendors/v"},
		{
			pb.ProductLicenseService_ReplaceProductLicense_FullMethodName,
			&pb.ReplaceProductLicenseRequest{RequestId: id, Name: "vendors/v/productLicenses/l", ProductLicense: &pb.ProductLicense{Name: "of no meaning here"}}, "vendors/v/productLicenses/l",
		},
		{
			pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName,
			&pb.BatchDeleteProductLicensesRequest{RequestId: id, Parent: "vendors/v", Names: []string{"vendors/v/productLicenses/l"}}, "vendors/v",
		},
	} {
		r := start(t, &world{}, calm)
		_, err := r.Unary(t.Context(), c.req, &grpc.UnaryServerInfo{FullMethod: c.method}, func(context.Context, any) (any, error) { return &pb.Site{}, nil })
		if err != nil {
			t.Fatal(err)
		}
		if got := texts(t, r, "SELECT resource FROM mutations"); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s %v: %q, want %q", c.method, c.req, got, c.want)
		}
	}
}
