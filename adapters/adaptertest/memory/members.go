package memory

import (
	"context"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListMembers returns a page of the vendor's members.
func (a *Adapter) ListMembers(ctx context.Context, req *pb.ListMembersRequest) (*pb.ListMembersResponse, error) {
	members, next, total, err := page(ctx, req, a.vendor.Members.List)
	return &pb.ListMembersResponse{Members: members, NextPageToken: next, TotalSize: total}, err
}

// CreateMember creates a member, unless there is one of this address.
func (a *Adapter) CreateMember(ctx context.Context, req *pb.CreateMemberRequest) (*pb.Member, error) {
	wanted := &pb.Member{Email: req.GetMember().GetEmail(), Group: req.GetMember().GetGroup()}
	return createUnique(ctx, a.vendor.Members, wanted, func(m *pb.Member) bool {
		return m.GetEmail() == wanted.GetEmail()
	})
}

// UpdateMember changes what the mask names.
func (a *Adapter) UpdateMember(ctx context.Context, req *pb.UpdateMemberRequest) (*pb.Member, error) {
	wanted, members := req.GetMember(), a.vendor.Members
	before, err := mutation.Snapshot(ctx, "member", members.Named(wanted.GetName()))
	if err != nil {
		return nil, err
	}
	if email := wanted.GetEmail(); email != "" && email != before.GetEmail() {
		return nil, apierror.Invalid("member.email", "is another member's; leave it out or send %q", before.GetEmail())
	}
	return update(ctx, members, members.Named(wanted.GetName()), fields(wanted, req.GetUpdateMask().GetPaths()))
}

// ResetMemberPassword has the vendor make a new password. Nothing shows afterwards whether it did.
func (a *Adapter) ResetMemberPassword(
	ctx context.Context, req *pb.ResetMemberPasswordRequest,
) (*pb.ResetMemberPasswordResponse, error) {
	member, err := mutation.Snapshot(ctx, "member", a.vendor.Members.Named(req.GetName()))
	if err != nil {
		return nil, err
	}
	none := &pb.ResetMemberPasswordResponse{}
	return mutation.Do(ctx, mutation.Write[*pb.ResetMemberPasswordResponse]{
		Step: "reset",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.ResetMemberPasswordResponse, error) {
			return none, a.vendor.Members.Change(ctx, member.GetName(), func(*pb.Member) error { return nil })
		},
		Preview: func() *pb.ResetMemberPasswordResponse { return none },
	})
}
