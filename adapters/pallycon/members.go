package pallycon

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// memberRow is an element of data in "Get Sub-member List".
type memberRow struct {
	GroupSeq    int64  `json:"group_seq"`
	MemberSeq   int64  `json:"member_seq"`
	MemberEmail string `json:"member_email"`
	StatusCode  string `json:"status_code"`
	RegDate     string `json:"reg_date"`
}

func (r memberRow) identity() (kind, field, id string) {
	return "member", "member_seq", number(r.MemberSeq)
}

// memberGroups is the guide's "Group SEQ List".
var memberGroups = map[string]pb.Member_Group{
	"1000": pb.Member_BUSINESS,
	"1001": pb.Member_TECHNICAL_SUPPORT,
	"1014": pb.Member_CLIENT,
}

var memberStates = map[string]pb.Member_State{
	"MT001": pb.Member_ACTIVE,
	"MT002": pb.Member_INACTIVE,
}

const (
	memberPath = "/account/member"
	memberCode = "UA010700200" // of all calls about sub-members
)

// ListMembers is "Get Sub-member List".
func (a *Adapter) ListMembers(
	ctx context.Context, req *pb.ListMembersRequest,
) (*pb.ListMembersResponse, error) {
	list := a.memberList()
	rows, next, err := list.Page(ctx, req)
	if err != nil {
		return nil, err
	}
	res := &pb.ListMembersResponse{NextPageToken: next, TotalSize: list.Total()}
	for _, row := range rows {
		res.Members = append(res.Members, a.member(row.Row))
	}
	return res, nil
}

// CreateMember is "Create Sub-member".
//
// A lost request is read back from the list: if it arrived, the list has a member with the address.
func (a *Adapter) CreateMember(ctx context.Context, req *pb.CreateMemberRequest) (*pb.Member, error) {
	wanted := req.GetMember()
	switch {
	case wanted.GetEmail() == "":
		return nil, apierror.Invalid("member.email", "must be set: the member logs in with this address")
	case wanted.GetState() != pb.Member_STATE_UNSPECIFIED:
		return nil, apierror.Invalid("member.state",
			"must not be set: PallyCon sets the state of a new member; change it with UpdateMember")
	}
	_, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.Member, error) {
		held, err := a.membersOf(ctx, wanted.GetEmail())
		if err == nil && len(held) > 0 {
			err = apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS,
				"a member with this e-mail address exists: %s", held[0].GetName())
		}
		return &pb.Member{}, err
	})
	if err != nil {
		return nil, err
	}
	params := url.Values{"member_email": {wanted.GetEmail()}}
	group := code(memberGroups, wanted.GetGroup())
	if group != "" {
		params.Set("group_seq", group)
	}
	asked := func() *pb.Member {
		return &pb.Member{Email: wanted.GetEmail(), Group: wanted.GetGroup(), VendorGroup: group}
	}
	return mutation.DoCreate(ctx, mutation.Create[*pb.Member]{
		Step: "create", Preview: asked,
		List: func(ctx context.Context) ([]*pb.Member, error) { return a.membersOf(ctx, wanted.GetEmail()) },
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Member, error) {
			response, err := change[*memberRow](ctx, a, http.MethodPost, call{memberPath, memberCode}, params)
			if err != nil {
				return nil, err
			}
			if response.Data == nil || response.Data.MemberSeq <= 0 {
				return nil, apierror.OutcomeUnknown(
					"Outcome unknown: PallyCon reported success without a member_seq" + mutation.RetryAdvice)
			}
			seq := response.Data.MemberSeq
			created, err := a.findMember(ctx, seq)
			switch {
			case err != nil || created == nil:
				// The member exists although it cannot be read. The result has what is known.
				created = asked()
				created.Name = a.memberName(seq)
			case !strings.EqualFold(created.GetEmail(), wanted.GetEmail()):
				return nil, apierror.OutcomeUnknown("Outcome unknown: PallyCon reported success with the number " +
					"of another member" + mutation.RetryAdvice)
			}
			return created, nil
		},
	})
}

// UpdateMember is "Update Sub-member Information" with the fields of the mask, read back.
func (a *Adapter) UpdateMember(ctx context.Context, req *pb.UpdateMemberRequest) (*pb.Member, error) {
	wanted, mask := req.GetMember(), req.GetUpdateMask().GetPaths()
	seq, err := memberSeq("member.name", wanted.GetName())
	if err != nil {
		return nil, err
	}
	params, err := memberParams(wanted, mask)
	if err != nil {
		return nil, err
	}
	params.Set("member_seq", strconv.FormatInt(seq, 10))
	read := func(ctx context.Context) (*pb.Member, error) {
		held, err := a.findMember(ctx, seq)
		if err == nil && held == nil {
			err = noMember(seq)
		}
		return held, err
	}
	before, err := mutation.Snapshot(ctx, "before", read)
	if err != nil {
		return nil, err
	}
	if email := wanted.GetEmail(); email != "" && !strings.EqualFold(email, before.GetEmail()) {
		return nil, apierror.Invalid("member.email", "cannot be changed: leave it empty")
	}
	apply := func(m *pb.Member) { applyMember(m, wanted, mask) }
	return mutation.DoUpdate(ctx, mutation.Update[*pb.Member]{
		Vendor: vendorName, Step: "update", Before: before, Change: apply, Read: read,
		Send: func(ctx context.Context) error {
			_, err := change[jsontext.Value](ctx, a, http.MethodPut, call{memberPath, memberCode}, params)
			return err
		},
		Confirm: func(ctx context.Context) (*pb.Member, error) {
			changed, err := a.findMember(ctx, seq)
			if err == nil && changed == nil { // The list may hide a member that was just changed.
				changed = proto.CloneOf(before)
				apply(changed)
			}
			return changed, err
		},
	})
}

// applyMember sets the fields of the mask in m.
func applyMember(m, wanted *pb.Member, mask []string) {
	if slices.Contains(mask, "group") {
		m.Group, m.VendorGroup = wanted.GetGroup(), code(memberGroups, wanted.GetGroup())
	}
	if slices.Contains(mask, "state") {
		m.State, m.VendorState = wanted.GetState(), code(memberStates, wanted.GetState())
	}
}

// memberParams returns the parameters that set the fields of the mask.
func memberParams(wanted *pb.Member, mask []string) (url.Values, error) {
	params := url.Values{}
	for _, field := range mask {
		switch field {
		case "group":
			params.Set("group_seq", code(memberGroups, wanted.GetGroup()))
		case "state":
			params.Set("member_status", code(memberStates, wanted.GetState()))
		default:
			return nil, apierror.Invalid("update_mask", "%s cannot be changed: PallyCon changes group and state", field)
		}
		noGroup := field == "group" && wanted.GetGroup() == pb.Member_GROUP_UNSPECIFIED
		noState := field == "state" && wanted.GetState() == pb.Member_STATE_UNSPECIFIED
		if noGroup || noState {
			return nil, apierror.Invalid("member."+field, "must be set, because the mask names it")
		}
	}
	if len(params) == 0 {
		return nil, apierror.Invalid("update_mask", "must name a field to change: group or state")
	}
	return params, nil
}

// ResetMemberPassword is "Reset Password for Sub-member". It cannot be read back, so an unknown
// outcome stays unknown.
func (a *Adapter) ResetMemberPassword(
	ctx context.Context, req *pb.ResetMemberPasswordRequest,
) (*pb.ResetMemberPasswordResponse, error) {
	seq, err := memberSeq("name", req.GetName())
	if err != nil {
		return nil, err
	}
	return mutation.Do(ctx, mutation.Write[*pb.ResetMemberPasswordResponse]{
		Step: "reset",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.ResetMemberPasswordResponse, error) {
			repw := call{memberPath + "/repw", memberCode}
			params := url.Values{"member_seq": {strconv.FormatInt(seq, 10)}}
			if _, err := change[jsontext.Value](ctx, a, http.MethodPut, repw, params); err != nil {
				return nil, a.orNoMember(ctx, seq, mutation.DoubtForeign(err, "PallyCon"))
			}
			return &pb.ResetMemberPasswordResponse{}, nil
		},
		Preview: func() *pb.ResetMemberPasswordResponse { return &pb.ResetMemberPasswordResponse{} },
	})
}

func (a *Adapter) memberList() *listing.Numbered[listed[memberRow]] {
	return numbered[memberRow](a, call{memberPath, memberCode}, url.Values{}, nil)
}

// membersOf returns the members with an e-mail address. It fails if a row that cannot be read may
// be one of them.
func (a *Adapter) membersOf(ctx context.Context, address string) ([]*pb.Member, error) {
	list := a.memberList()
	list.Match = func(row listed[memberRow]) (bool, error) {
		return row.meets(sameAddress(address, row.Row.MemberEmail)), nil
	}
	list.Check = func(row listed[memberRow]) error {
		if row.Row.MemberSeq > 0 && row.Row.MemberEmail != "" {
			return nil // The rest of the row does not matter.
		}
		return row.unreadable
	}
	rows, err := list.All(ctx)
	var found []*pb.Member
	for _, row := range rows {
		found = append(found, a.member(row.Row))
	}
	return found, err
}

// findMember returns one member of the list, or nil. PallyCon has no call for one.
func (a *Adapter) findMember(ctx context.Context, seq int64) (*pb.Member, error) {
	row, err := findRow(ctx, a.memberList(), number(seq))
	if err != nil || row == nil {
		return nil, err
	}
	return a.member(*row), nil
}

// orNoMember returns NOT_FOUND if the vendor refused because it has no such member, and err
// otherwise. The guide gives no code for that.
func (a *Adapter) orNoMember(ctx context.Context, seq int64, err error) error {
	return mutation.ExplainRefusal(ctx, err, a.memberName(seq), func(ctx context.Context) error {
		held, err := a.findMember(ctx, seq)
		if err == nil && held == nil {
			err = noMember(seq)
		}
		return err
	})
}

func noMember(seq int64) error {
	return apierror.NotFound("PallyCon's account has no member %d", seq)
}

func (a *Adapter) member(row memberRow) *pb.Member {
	group := ""
	if row.GroupSeq != 0 {
		group = strconv.FormatInt(row.GroupSeq, 10)
	}
	return &pb.Member{
		Name:        a.memberName(row.MemberSeq),
		Email:       row.MemberEmail,
		Group:       memberGroups[group],
		VendorGroup: group,
		State:       memberStates[row.StatusCode],
		VendorState: row.StatusCode,
		CreateDate:  row.RegDate,
	}
}

func (a *Adapter) memberName(seq int64) string {
	return names.Member.Name(a.id, strconv.FormatInt(seq, 10))
}

// memberSeq returns the member_seq in a member's name.
func memberSeq(field, name string) (int64, error) {
	ids, err := names.Member.IDs(name)
	if err != nil {
		return 0, apierror.Invalid(field, "%v", err)
	}
	seq, err := strconv.ParseInt(ids[1], 10, 64)
	if err != nil || seq <= 0 || strconv.FormatInt(seq, 10) != ids[1] {
		return 0, apierror.NotFound(
			"PallyCon's account has no member %q: use an id from ListMembers, the member_seq", ids[1])
	}
	return seq, nil
}
