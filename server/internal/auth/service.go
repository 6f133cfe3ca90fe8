package auth

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Service is the CallerService.
type Service struct {
	pb.UnsafeCallerServiceServer
}

var _ pb.CallerServiceServer = Service{}

// GetCaller returns the caller of the call.
func (Service) GetCaller(ctx context.Context, _ *pb.GetCallerRequest) (*pb.Caller, error) {
	c := FromContext(ctx)
	shown := &pb.Caller{
		Subject: c.Subject, Scopes: c.HeldScopes(), Roles: c.Roles,
		Vendors: c.Vendors, VendorsConfined: c.Vendors != nil,
		Sites: c.Sites, SitesConfined: c.Sites != nil,
		Customers: c.Customers, CustomersConfined: c.Customers != nil,
	}
	if !c.Expires.IsZero() {
		shown.ExpireTime = timestamppb.New(c.Expires)
	}
	return shown, nil
}
