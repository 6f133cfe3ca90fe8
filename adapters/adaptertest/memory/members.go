package memory

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListMembers answers the vendor's members, a page at a time.
func (a *Adapter) ListMembers(ctx context.Context, req *pb.ListMembersRequest) (*pb.ListMembersResponse, error) {
	members, err := a.members(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := paging.Slice(req, members)
	return &pb.ListMembersResponse{Members: page, NextPageToken: next, TotalSize: int32(len(members))}, err
}

// CreateMember creates a member, unless there is one of this address.
func (a *Adapter) CreateMember(ctx context.Context, req *pb.CreateMemberRequest) (*pb.Member, error) {
	wanted := req.GetMember()
	find := func(ctx context.Context) (*pb.Member, error) {
		return a.findMember(ctx, func(m *pb.Member) bool { return m.GetEmail() == wanted.GetEmail() })
	}
	_, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.Member, error) {
		held, err := find(ctx)
		if held != nil {
			return nil, apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "the vendor holds a member of this address: %s", held.GetName())
		}
		return &pb.Member{}, err
	})
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.Member, error) {
		created, err := a.vendor.AddMember(ctx, wanted)
		if err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		return a.member(created), nil
	}
	check := func(ctx context.Context) (*pb.Member, bool, error) {
		created, err := find(ctx)
		return created, created != nil, err
	}
	expect := func() *pb.Member {
		return &pb.Member{Email: wanted.GetEmail(), Group: wanted.GetGroup()}
	}
	return mutation.Do(ctx, mutation.Write[*pb.Member]{Step: "create", Send: send, ReadBack: check, Preview: expect})
}

// UpdateMember changes what the mask names.
func (a *Adapter) UpdateMember(ctx context.Context, req *pb.UpdateMemberRequest) (*pb.Member, error) {
	wanted, mask := req.GetMember(), req.GetUpdateMask().GetPaths()
	id, err := idOfMember("member.name", wanted.GetName())
	if err != nil {
		return nil, err
	}
	set := func(m *pb.Member) {
		if slices.Contains(mask, "group") {
			m.Group = wanted.GetGroup()
		}
		if slices.Contains(mask, "state") {
			m.State = wanted.GetState()
		}
	}
	find := func(ctx context.Context) (*pb.Member, error) {
		return a.findMember(ctx, func(m *pb.Member) bool { return m.GetName() == wanted.GetName() })
	}
	before, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.Member, error) { return a.heldMember(ctx, wanted.GetName()) })
	if err != nil {
		return nil, err
	}
	if email := wanted.GetEmail(); email != "" && email != before.GetEmail() {
		return nil, apierror.Invalid("member.email", "is not this member's, and cannot be changed")
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.Member, error) {
		changed, err := a.vendor.ChangeMember(ctx, id, set)
		if err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		return a.member(changed), nil
	}
	check := func(ctx context.Context) (*pb.Member, bool, error) {
		now, err := find(ctx)
		if now == nil {
			return nil, false, err
		}
		as := proto.CloneOf(now)
		set(as)
		return now, proto.Equal(now, as), err
	}
	expect := func() *pb.Member {
		set(before)
		return before
	}
	return mutation.Do(ctx, mutation.Write[*pb.Member]{Step: "update", Send: send, ReadBack: check, Preview: expect})
}

// ResetMemberPassword has the vendor make a new password. Nothing shows afterwards whether it did.
func (a *Adapter) ResetMemberPassword(ctx context.Context, req *pb.ResetMemberPasswordRequest) (*pb.ResetMemberPasswordResponse, error) {
	id, err := idOfMember("name", req.GetName())
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.ResetMemberPasswordResponse, error) {
		// the password itself concerns nobody here
		_, err := a.vendor.ChangeMember(ctx, id, func(*pb.Member) {})
		err = mutation.ExplainRefusal(ctx, a.explainWrite(ctx, err), req.GetName(), func(ctx context.Context) error {
			_, err := a.heldMember(ctx, req.GetName())
			return err
		})
		return &pb.ResetMemberPasswordResponse{}, err
	}
	expect := func() *pb.ResetMemberPasswordResponse { return &pb.ResetMemberPasswordResponse{} }
	return mutation.Do(ctx, mutation.Write[*pb.ResetMemberPasswordResponse]{Step: "reset", Send: send, Preview: expect})
}

func (a *Adapter) members(ctx context.Context) ([]*pb.Member, error) {
	members, err := a.vendor.Members(ctx)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	for _, m := range members {
		a.member(m)
	}
	return members, nil
}

// findMember is the first member that matches, or nil.
func (a *Adapter) findMember(ctx context.Context, match func(*pb.Member) bool) (*pb.Member, error) {
	members, err := a.members(ctx)
	if i := slices.IndexFunc(members, match); i >= 0 {
		return members[i], err
	}
	return nil, err
}

func (a *Adapter) heldMember(ctx context.Context, name string) (*pb.Member, error) {
	held, err := a.findMember(ctx, func(m *pb.Member) bool { return m.GetName() == name })
	if err == nil && held == nil {
		err = apierror.NotFound("the vendor holds no member %q", name)
	}
	return held, err
}

func (a *Adapter) member(held *pb.Member) *pb.Member {
	held.Name = names.Member.Name(a.id, held.GetName())
	return held
}

func idOfMember(field, name string) (string, error) {
	ids, err := names.Member.IDs(name)
	if err != nil {
		return "", apierror.Invalid(field, "%v", err)
	}
	return ids[1], nil
}

// Members are all members, oldest first.
func (v *Vendor) Members(ctx context.Context) ([]*pb.Member, error) {
	return readingAll(ctx, v, &v.members)
}

// AddMember takes a member in.
func (v *Vendor) AddMember(ctx context.Context, m *pb.Member) (added *pb.Member, err error) {
	return added, v.write(ctx, func() error {
		added = &pb.Member{Name: v.id(), Email: m.GetEmail(), Group: m.GetGroup(), State: pb.Member_ACTIVE}
		v.members = append(v.members, proto.CloneOf(added))
		return nil
	})
}

// ChangeMember changes the member with this id.
func (v *Vendor) ChangeMember(ctx context.Context, id string, change func(*pb.Member)) (changed *pb.Member, err error) {
	return changed, v.write(ctx, func() error {
		i := slices.IndexFunc(v.members, func(m *pb.Member) bool { return m.GetName() == id })
		if i < 0 {
			return &Failure{Code: noSuchThing}
		}
		change(v.members[i])
		changed = proto.CloneOf(v.members[i])
		return nil
	})
}

// PutMembers lets the vendor hold these members too.
func (v *Vendor) PutMembers(members ...*pb.Member) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range members {
		m = proto.CloneOf(m)
		m.Name = v.id()
		v.members = append(v.members, m)
	}
}
