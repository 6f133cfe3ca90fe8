package services

import (
	"context"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// members is the MemberService. Its Unsafe server makes a missing RPC a compile
// error.
type members struct {
	pb.UnsafeMemberServiceServer
	vendors *vendors.Registry
}

var _ pb.MemberServiceServer = (*members)(nil)

func (s *members) ListMembers(ctx context.Context, req *pb.ListMembersRequest) (*pb.ListMembersResponse, error) {
	return list(ctx, s.vendors, adapters.MemberLister.ListMembers, req)
}

func (s *members) CreateMember(ctx context.Context, req *pb.CreateMemberRequest) (*pb.Member, error) {
	return delegate(ctx, s.vendors, req.GetParent(), adapters.MemberCreator.CreateMember, req)
}

func (s *members) UpdateMember(ctx context.Context, req *pb.UpdateMemberRequest) (*pb.Member, error) {
	return delegate(ctx, s.vendors, req.GetMember().GetName(), adapters.MemberUpdater.UpdateMember, req)
}

func (s *members) ResetMemberPassword(
	ctx context.Context, req *pb.ResetMemberPasswordRequest,
) (*pb.ResetMemberPasswordResponse, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.MemberPasswordResetter.ResetMemberPassword, req)
}
