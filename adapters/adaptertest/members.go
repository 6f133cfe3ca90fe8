package adaptertest

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// members are the members of a vendor account.
var members = kind[*pb.Member]{
	rpc: "ListMembers", row: "member",
	list: func(h Harness) listing[*pb.Member] {
		return listing[*pb.Member]{h, &pb.ListMembersRequest{Parent: vendorName(h)}}
	},
	put: func(t T, h Harness, n int) []*pb.Member {
		var seeds []*pb.Member
		for i := range n {
			seeds = append(seeds, &pb.Member{
				Email: fmt.Sprintf("Member.%d@shop.example", i), Group: pb.Member_BUSINESS + pb.Member_Group(i%3),
				State: pb.Member_ACTIVE + pb.Member_State(i%2), CreateDate: fmt.Sprintf("2024-03-%02d", 1+i%31),
			})
		}
		return held(t, h.Members, seeds...)
	},
	unnamed: true,
}

var memberPromises = append(members.promises(),
	Promise{"CreateMember is listed", needs("CreateMember", "ListMembers"), createdMemberIsListed},
	Promise{"CreateMember with the e-mail address of a member is ALREADY_EXISTS, and sends nothing",
		needs("CreateMember", "ListMembers"), memberExists},
	Promise{"UpdateMember changes what its mask names, and nobody else",
		needs("UpdateMember", "ListMembers"), updatesOneMember},
	Promise{"UpdateMember takes a member as it was read, and refuses another e-mail address",
		needs("UpdateMember", "ListMembers"), keepsTheAddress},
)

var memberWrites = []write{
	{
		needs: needs("CreateMember"),
		prepare: func(_ T, h Harness) *attempt {
			wanted := &pb.Member{Email: "new.member+1@shop.example", Group: pb.Member_TECHNICAL_SUPPORT}
			return &attempt{h.calling(creating(h, wanted)), wanting(func(t T, what string, got *pb.Member) {
				if got.GetName() == "" || !sameFields(got, wanted, "email", "group") {
					t.Errorf("%s: the member is %v, want a named one of %v", what, got, wanted)
				}
			})}
		},
	},
	{
		needs: needs("UpdateMember", "ListMembers"),
		prepare: func(t T, h Harness) *attempt {
			m := newMembers(t, h, 2)[0]
			wanted := &pb.Member{Name: m.GetName(), Group: anotherGroup(m), State: pb.Member_INACTIVE}
			update := h.calling(updatingMember(wanted, "group", "state"))
			return &attempt{update, wanting(func(t T, what string, got *pb.Member) {
				if got.GetEmail() != m.GetEmail() || !sameFields(got, wanted, "name", "group", "state") {
					t.Errorf("%s: the member is %v, want %v of %s", what, got, wanted, m.GetEmail())
				}
			})}
		},
		ofNothing: func(_ T, h Harness) call {
			unknown := &pb.Member{Name: names.Member.Name(h.Vendor, "999999"), State: pb.Member_INACTIVE}
			return h.calling(updatingMember(unknown, "state"))
		},
		what: "member",
	},
	{
		needs: needs("ResetMemberPassword", "ListMembers"),
		prepare: func(t T, h Harness) *attempt {
			reset := h.calling(&pb.ResetMemberPasswordRequest{Name: newMembers(t, h, 1)[0].GetName()})
			return &attempt{reset, wanting(func(T, string, *pb.ResetMemberPasswordResponse) {})}
		},
		ofNothing: func(_ T, h Harness) call {
			return h.calling(&pb.ResetMemberPasswordRequest{Name: names.Member.Name(h.Vendor, "none")})
		},
		what:           "member",
		mayStayUnknown: true,
	},
}

func creating(h Harness, m *pb.Member) proto.Message {
	return &pb.CreateMemberRequest{Parent: vendorName(h), Member: m}
}

func updatingMember(m *pb.Member, mask ...string) proto.Message {
	return &pb.UpdateMemberRequest{Member: m, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}}
}

func anotherGroup(m *pb.Member) pb.Member_Group {
	if m.GetGroup() == pb.Member_CLIENT {
		return pb.Member_BUSINESS
	}
	return pb.Member_CLIENT
}

// newMembers adds n members, and returns them with the names that the vendor gives.
func newMembers(t T, h Harness, n int) []*pb.Member {
	t.Helper()
	members.put(t, h, n)
	return members.list(h).all(t, n, 0)
}

func createdMemberIsListed(t T, h Harness) {
	members.put(t, h, 1)
	for group := pb.Member_GROUP_UNSPECIFIED; group <= pb.Member_CLIENT; group++ {
		wanted := &pb.Member{Email: fmt.Sprintf("group-%d@shop.example", group), Group: group}
		created := done[*pb.Member](t, h, creating(h, wanted))
		listed := choose(members.list(h).from(t, "", nil, 0), func(m *pb.Member) bool {
			return sameFields(m, created, "name", "email") && unsetOr(group, m.GetGroup())
		})
		if len(listed) != 1 {
			t.Errorf("CreateMember of the group %s returns %v, and ListMembers gives %v", group, created, listed)
		}
	}
}

func memberExists(t T, h Harness) {
	held := newMembers(t, h, 3)[1]
	_, err := h.calling(creating(h, &pb.Member{Email: held.GetEmail()})).in(t.Context(), newSteps())
	WantError(t, "CreateMember of a member", err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
	wantWrites(t, "CreateMember of a member", h, 0)
}

func updatesOneMember(t T, h Harness) {
	want := newMembers(t, h, 3)
	for _, field := range []string{"group", "state"} {
		set := &pb.Member{Name: want[0].GetName(), Group: anotherGroup(want[0]), State: pb.Member_INACTIVE}
		copyFields(want[0], set, field)
		done[*pb.Member](t, h, updatingMember(set, field))
		for i, m := range members.list(h).all(t, len(want), 0) {
			if !sameFields(m, want[i], "name", "email", "group", "state") {
				t.Errorf("after UpdateMember of the %s of %q: %v, want %v", field, set.GetName(), m, want[i])
			}
		}
	}
}

func keepsTheAddress(t T, h Harness) {
	m := newMembers(t, h, 2)[0]
	m.State = pb.Member_INACTIVE
	done[*pb.Member](t, h, updatingMember(m, "group", "state")) // as it was read but for its state
	h, m.Email, m.State = countFromNow(h), "another@shop.example", pb.Member_ACTIVE
	_, err := h.calling(updatingMember(m, "state")).in(t.Context(), newSteps())
	WantError(t, "UpdateMember with another e-mail address", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	wantWrites(t, "UpdateMember with another e-mail address", h, 0)
}
