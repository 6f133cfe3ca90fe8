package adaptertest

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var memberPromises = []Promise{
	{"ListMembers gives every member exactly once, as the vendor holds it, whatever the page sizes", needs(memberLister), everyMemberOnce},
	{"ListMembers without members is empty", needs(memberLister), noMembers},
	{"ListMembers refuses what is no page token", needs(memberLister), membersRefuseGarbage},
	{"CreateMember is listed", needs(memberCreator, memberLister), createdMemberIsListed},
	{"CreateMember with the e-mail address of a member is ALREADY_EXISTS, and sends nothing", needs(memberCreator, memberLister), memberExists},
	{"UpdateMember changes what its mask names, and nobody else", needs(memberUpdater, memberLister), updatesOneMember},
	{"UpdateMember takes a member as it was read, and refuses another e-mail address", needs(memberUpdater, memberLister), keepsTheAddress},
}

var memberWrites = []write{
	{
		needs: needs(memberCreator),
		prepare: func(_ T, h Harness) *attempt {
			wanted := &pb.Member{Email: "new.member+1@shop.example", Group: pb.Member_TECHNICAL_SUPPORT}
			return &attempt{creating(h, wanted), wanting(func(t T, what string, got *pb.Member) {
				if got.GetName() == "" || got.GetEmail() != wanted.GetEmail() || got.GetGroup() != wanted.GetGroup() {
					t.Errorf("%s: the member is %v, want a named one of %v", what, got, wanted)
				}
			})}
		},
	},
	{
		needs: needs(memberUpdater, memberLister),
		prepare: func(t T, h Harness) *attempt {
			m := newMembers(t, h, 2)[0]
			wanted := &pb.Member{Name: m.GetName(), Group: anotherGroup(m), State: pb.Member_INACTIVE}
			return &attempt{updatingMember(h, wanted, "group", "state"), wanting(func(t T, what string, got *pb.Member) {
				if got.GetName() != m.GetName() || got.GetEmail() != m.GetEmail() || got.GetGroup() != wanted.GetGroup() || got.GetState() != wanted.GetState() {
					t.Errorf("%s: the member is %v, want %v of %s", what, got, wanted, m.GetEmail())
				}
			})}
		},
		ofNothing: func(_ T, h Harness) call {
			return updatingMember(h, &pb.Member{Name: names.Member.Name(h.Vendor, "999999"), State: pb.Member_INACTIVE}, "state")
		},
		what: "member",
	},
	{
		needs: needs(memberPasswordResetter, memberLister),
		prepare: func(t T, h Harness) *attempt {
			return &attempt{resetting(h, newMembers(t, h, 1)[0].GetName()), wanting(func(T, string, *pb.ResetMemberPasswordResponse) {})}
		},
		ofNothing:      func(_ T, h Harness) call { return resetting(h, names.Member.Name(h.Vendor, "none")) },
		what:           "member",
		mayStayUnknown: true,
	},
}

func creating(h Harness, m *pb.Member) call {
	return typed(h.Adapter.(adapters.MemberCreator).CreateMember, &pb.CreateMemberRequest{Parent: vendorName(h), Member: m})
}

func updatingMember(h Harness, m *pb.Member, mask ...string) call {
	return typed(h.Adapter.(adapters.MemberUpdater).UpdateMember, &pb.UpdateMemberRequest{Member: m, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
}

func resetting(h Harness, name string) call {
	return typed(h.Adapter.(adapters.MemberPasswordResetter).ResetMemberPassword, &pb.ResetMemberPasswordRequest{Name: name})
}

func anotherGroup(m *pb.Member) pb.Member_Group {
	if m.GetGroup() == pb.Member_CLIENT {
		return pb.Member_BUSINESS
	}
	return pb.Member_CLIENT
}

// putMembers lets the vendor hold n members, as far as it can, and answers what the adapter must
// show of them: without names.
func putMembers(t T, h Harness, n int) []*pb.Member {
	t.Helper()
	var seeds, want []*pb.Member
	for i := range n {
		m := &pb.Member{
			Email: fmt.Sprintf("Member.%d@shop.example", i), Group: pb.Member_BUSINESS + pb.Member_Group(i%3), State: pb.Member_ACTIVE + pb.Member_State(i%2),
			CreateDate: fmt.Sprintf("2024-03-%02d", 1+i%31),
		}
		if shown := h.Members.Show(proto.CloneOf(m)); shown != nil {
			seeds, want = append(seeds, m), append(want, shown)
		}
	}
	if len(want) == 0 {
		t.Fatalf("the harness can hold no members: ShowMember is nil for every one")
	}
	h.Members.Put(seeds...)
	return want
}

// newMembers lets the vendor hold n members, and answers them with the names that it gives.
func newMembers(t T, h Harness, n int) []*pb.Member {
	t.Helper()
	putMembers(t, h, n)
	return listMembers(t, h, 0)
}

// listMembers pages through the members, with these page sizes in turn.
func listMembers(t T, h Harness, sizes ...int32) []*pb.Member {
	t.Helper()
	var members []*pb.Member
	req := &pb.ListMembersRequest{Parent: vendorName(h)}
	for page := range mostPages {
		req.PageSize = sizes[page%len(sizes)]
		res, err := h.Adapter.(adapters.MemberLister).ListMembers(t.Context(), proto.CloneOf(req))
		if err != nil {
			t.Fatalf("ListMembers, page %d of size %d: %v", page, req.GetPageSize(), err)
		}
		if n := len(res.GetMembers()); n > paging.Size(req.GetPageSize()) {
			t.Errorf("ListMembers answers %d members for page_size %d", n, req.GetPageSize())
		}
		members = append(members, res.GetMembers()...)
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			if total := int(res.GetTotalSize()); total != 0 && total != len(members) {
				t.Errorf("ListMembers has total_size %d, and there are %d members", total, len(members))
			}
			return members
		}
	}
	t.Fatalf("ListMembers with page sizes %d does not end", sizes)
	return nil
}

func everyMemberOnce(t T, h Harness) {
	want := putMembers(t, h, 130)
	for _, sizes := range [][]int32{{0}, {1}, {7}, {50}, {65}, {1000}, {5000}, {1, 50, 3}} {
		seen := map[string]bool{}
		got := listMembers(t, h, sizes...)
		for _, m := range got {
			checkNames(t, h.Vendor, "ListMembers", m)
			if m.GetName() == "" || seen[m.GetName()] {
				t.Errorf("page sizes %d: the name %q comes twice, or a member has none", sizes, m.GetName())
			}
			seen[m.GetName()] = true
			m.Name = ""
		}
		sameRows(t, fmt.Sprintf("page sizes %d", sizes), got, want)
	}
}

func noMembers(t T, h Harness) {
	if listed := listMembers(t, h, 0); len(listed) > 0 {
		t.Errorf("ListMembers gives %v, and the vendor holds nothing", listed)
	}
}

func membersRefuseGarbage(t T, h Harness) {
	putMembers(t, h, 130)
	a := h.Adapter.(adapters.MemberLister)
	first, err := a.ListMembers(t.Context(), &pb.ListMembersRequest{Parent: vendorName(h), PageSize: 1})
	if err != nil || first.GetNextPageToken() == "" {
		t.Fatalf("ListMembers, page 0 of size 1 of many: the token is %q, %v", first.GetNextPageToken(), err)
	}
	for what, token := range noTokens(first.GetNextPageToken()) {
		_, err := a.ListMembers(t.Context(), &pb.ListMembersRequest{Parent: vendorName(h), PageToken: token})
		wantTokenRefused(t, what, err)
	}
}

func createdMemberIsListed(t T, h Harness) {
	putMembers(t, h, 1)
	for group := pb.Member_GROUP_UNSPECIFIED; group <= pb.Member_CLIENT; group++ {
		answer, err := creating(h, &pb.Member{Email: fmt.Sprintf("group-%d@shop.example", group), Group: group}).in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("CreateMember of the group %s: %v", group, err)
		}
		created, found := answer.(*pb.Member), false
		for _, m := range listMembers(t, h, 0) {
			if m.GetName() == created.GetName() {
				found = m.GetEmail() == created.GetEmail() && (group == pb.Member_GROUP_UNSPECIFIED || m.GetGroup() == group)
			}
		}
		if !found {
			t.Errorf("CreateMember of the group %s answers %v, and ListMembers gives no such member", group, created)
		}
	}
}

func memberExists(t T, h Harness) {
	held := newMembers(t, h, 3)[1]
	_, err := creating(h, &pb.Member{Email: held.GetEmail()}).in(t.Context(), newSteps())
	wantError(t, "CreateMember of a member", err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
	wantWrites(t, "CreateMember of a member", h, 0)
}

func updatesOneMember(t T, h Harness) {
	before := newMembers(t, h, 3)
	want := proto.CloneOf(before[0])
	for _, field := range []string{"group", "state"} {
		set := &pb.Member{Name: want.GetName(), Group: anotherGroup(want), State: pb.Member_INACTIVE}
		if field == "group" {
			want.Group = set.GetGroup()
		} else {
			want.State = set.GetState()
		}
		if _, err := updatingMember(h, set, field).in(t.Context(), newSteps()); err != nil {
			t.Fatalf("UpdateMember of the %s: %v", field, err)
		}
		for i, m := range listMembers(t, h, 0) {
			expected := before[i]
			if i == 0 {
				expected = want
			}
			if m.GetName() != expected.GetName() || m.GetEmail() != expected.GetEmail() || m.GetGroup() != expected.GetGroup() || m.GetState() != expected.GetState() {
				t.Errorf("after UpdateMember of the %s of %q: %v, want %v", field, want.GetName(), m, expected)
			}
		}
	}
}

func keepsTheAddress(t T, h Harness) {
	m := newMembers(t, h, 2)[0]
	m.State = pb.Member_INACTIVE
	if _, err := updatingMember(h, m, "group", "state").in(t.Context(), newSteps()); err != nil {
		t.Errorf("UpdateMember of %v, as it was read but for its state: %v", m, err)
	}
	h, m.Email, m.State = countFromNow(h), "another@shop.example", pb.Member_ACTIVE
	_, err := updatingMember(h, m, "state").in(t.Context(), newSteps())
	wantError(t, "UpdateMember with another e-mail address", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	wantWrites(t, "UpdateMember with another e-mail address", h, 0)
}
