package services

import (
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// vendorService is the VendorService.
type vendorService struct {
	pb.UnsafeVendorServiceServer
	vendors *vendors.Registry
}

var _ pb.VendorServiceServer = (*vendorService)(nil)

func (s *vendorService) ListVendors(ctx context.Context, req *pb.ListVendorsRequest) (*pb.ListVendorsResponse, error) {
	caller := auth.FromContext(ctx)
	seen := slices.DeleteFunc(slices.Clone(s.vendors.All()), func(v vendors.Vendor) bool {
		return !caller.SeesVendor(v.ID)
	})
	page, next, err := paging.Slice(req, seen)
	if err != nil {
		return nil, err
	}
	res := &pb.ListVendorsResponse{NextPageToken: next, TotalSize: int32(len(seen))}
	for _, v := range page {
		res.Vendors = append(res.Vendors, v.Proto())
	}
	return res, nil
}

func (s *vendorService) GetVendor(_ context.Context, req *pb.GetVendorRequest) (*pb.Vendor, error) {
	v, err := s.vendors.Lookup(req.GetName())
	if err != nil {
		return nil, err
	}
	return v.Proto(), nil
}

// CheckVendor makes one read at the vendor. A failure of that read is a field of the response. Only
// the caller's deadline or cancellation fails the call.
func (s *vendorService) CheckVendor(ctx context.Context, req *pb.CheckVendorRequest) (*pb.CheckVendorResponse, error) {
	v, err := s.vendors.Lookup(req.GetName())
	if err != nil {
		return nil, err
	}
	c := v.Check(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	res := &pb.CheckVendorResponse{Ok: c.Err == nil, AccessLevel: c.AccessLevel, Latency: durationpb.New(c.Latency)}
	if c.Err != nil {
		res.Error = c.Err.GRPCStatus().Proto()
	}
	return res, nil
}
