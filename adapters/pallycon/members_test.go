package pallycon_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	getMembers = "GET /api/v2/account/member"
	postMember = "POST /api/v2/account/member"
	putMember  = "PUT /api/v2/account/member"
	putReset   = "PUT /api/v2/account/member/repw"
	created    = `{"error_code":"0000","data":{"member_seq":104}}`
	// fresh is the row of what created says.
	fresh = `{"group_name":"TS Group","group_seq":1001,"member_seq":104,"member_email":"new.one@shop.example","status_code":"MT001","reg_date":"2024-03-02"},`
)

func withFresh(t *testing.T) string {
	return strings.Replace(fixture(t, "account-member.json"), `"data":[`, `"data":[`+fresh, 1)
}

func freshMember() *pb.Member {
	return &pb.Member{
		Name: "vendors/acme/members/104", Email: "new.one@shop.example", Group: pb.Member_TECHNICAL_SUPPORT, VendorGroup: "1001",
		State: pb.Member_ACTIVE, VendorState: "MT001", CreateDate: "2024-03-02",
	}
}

func create(t *testing.T, a *pallycon.Adapter, log *mutation.Memory, m *pb.Member) (*pb.Member, error) {
	t.Helper()
	return a.CreateMember(as(t, log), &pb.CreateMemberRequest{Parent: "vendors/acme", Member: m})
}

func updateMember(t *testing.T, a *pallycon.Adapter, log *mutation.Memory, m *pb.Member, mask ...string) (*pb.Member, error) {
	t.Helper()
	return a.UpdateMember(as(t, log), &pb.UpdateMemberRequest{Member: m, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
}

func reset(t *testing.T, a *pallycon.Adapter, log *mutation.Memory, id string) error {
	t.Helper()
	_, err := a.ResetMemberPassword(as(t, log), &pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/" + id})
	return err
}

func TestMembersAreReadAsTheGuideDescribesThem(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getMembers: fixture(t, "account-member.json")})
	res, err := a.ListMembers(t.Context(), &pb.ListMembersRequest{Parent: "vendors/acme"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the list", res, &pb.ListMembersResponse{
		Members: []*pb.Member{
			{Name: "vendors/acme/members/101", Email: "Boss@shop.example", Group: pb.Member_BUSINESS, VendorGroup: "1000", State: pb.Member_ACTIVE, VendorState: "MT001", CreateDate: "2024-02-29"},
			{Name: "vendors/acme/members/102", Email: "client@shop.example", Group: pb.Member_CLIENT, VendorGroup: "1014", State: pb.Member_INACTIVE, VendorState: "MT002", CreateDate: "2024-03-01"},
			{Name: "vendors/acme/members/103", Email: "new@shop.example", VendorGroup: "1099", VendorState: "MT009"},
		},
		TotalSize: 3,
	})
	if query := vendor.Only(getMembers).Query.Encode(); query != "api_code=UA010700200&page_index=1&page_unit=100" {
		t.Errorf("the query is %s", query)
	}
}

func TestCreatingAMemberSendsAddressAndGroup(t *testing.T) {
	for group, want := range map[pb.Member_Group]string{0: "", pb.Member_BUSINESS: "1000", pb.Member_TECHNICAL_SUPPORT: "1001", pb.Member_CLIENT: "1014"} {
		a, vendor := serveInTurn(t, config(), map[string][]string{getMembers: {fixture(t, "account-member.json"), withFresh(t)}, postMember: {created}})
		member, err := create(t, a, mutation.NewMemory(), &pb.Member{Email: "new.one@shop.example", Group: group})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the member, as read back", member, freshMember())
		params := map[string]string{"api_code": "UA010700200", "member_email": "new.one@shop.example"}
		if want != "" {
			params["group_seq"] = want
		}
		wantParams(t, group.String(), sentParams(t, vendor.Only(postMember)), params)
	}
}

func TestAMemberThatCannotBeReadBackIsCreatedAllTheSame(t *testing.T) {
	for _, after := range []string{refused, fixture(t, "account-member.json"), cut} {
		a, _ := serveInTurn(t, config(), map[string][]string{getMembers: {fixture(t, "account-member.json"), after}, postMember: {created}})
		member, err := create(t, a, mutation.NewMemory(), &pb.Member{Email: "new.one@shop.example", Group: pb.Member_CLIENT})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the member", member, &pb.Member{Name: "vendors/acme/members/104", Email: "new.one@shop.example", Group: pb.Member_CLIENT, VendorGroup: "1014"})
	}
}

func TestAMemberThatCannotBeCreated(t *testing.T) {
	for field, m := range map[string]*pb.Member{"member.email": {}, "member.state": {Email: "new.one@shop.example", State: pb.Member_INACTIVE}} {
		a, _ := serve(t, config(), nil)
		_, err := create(t, a, mutation.NewMemory(), m)
		if e := wantError(t, field, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != field {
			t.Errorf("%s: the violations are %v", field, e.Violations)
		}
	}
	// and no POST
	a, _ := serve(t, config(), map[string]string{getMembers: fixture(t, "account-member.json")})
	_, err := create(t, a, mutation.NewMemory(), &pb.Member{Email: "boss@SHOP.example"})
	wantError(t, "a member's address", err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
	if !strings.Contains(err.Error(), "vendors/acme/members/101") {
		t.Errorf("the error does not name the member: %v", err)
	}
	for _, answer := range []string{done, noChange, `{"error_code":"0000","data":{"member_seq":0}}`} {
		a, _ := serve(t, config(), map[string]string{getMembers: fixture(t, "account-member.json"), postMember: answer})
		_, err := create(t, a, mutation.NewMemory(), &pb.Member{Email: "new.one@shop.example"})
		wantError(t, answer, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	}
}

func TestALostMemberIsTheNewOneOfTheAddress(t *testing.T) {
	before := fixture(t, "account-member.json")
	for what, c := range map[string]struct {
		members []string
		sends   int
	}{
		"it arrived": {[]string{before, withFresh(t)}, 1},
		"it did not": {[]string{before, before, withFresh(t)}, 2},
	} {
		a, vendor := serveInTurn(t, config(), map[string][]string{getMembers: c.members, postMember: {cut, created}})
		log := mutation.NewMemory()
		m := &pb.Member{Email: "New.One@shop.example"} // the vendor may keep it in small letters
		_, err := create(t, a, log, m)
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		member, err := create(t, a, log, m)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, member, freshMember())
		if sent := len(vendor.Made(postMember)); sent != c.sends {
			t.Errorf("%s: it was sent %d times, want %d", what, sent, c.sends)
		}
	}
}

func TestUpdatingAMemberSendsWhatTheMaskNames(t *testing.T) {
	wanted := &pb.Member{Name: "vendors/acme/members/104", Group: pb.Member_TECHNICAL_SUPPORT, State: pb.Member_ACTIVE}
	for mask, want := range map[string]map[string]string{
		"group":       {"group_seq": "1001"},
		"state":       {"member_status": "MT001"},
		"state group": {"group_seq": "1001", "member_status": "MT001"},
	} {
		before := strings.NewReplacer("1001", "1000", "MT001", "MT002").Replace(withFresh(t))
		a, vendor := serveInTurn(t, config(), map[string][]string{putMember: {done}, getMembers: {before, withFresh(t)}})
		got, err := updateMember(t, a, mutation.NewMemory(), wanted, strings.Fields(mask)...)
		if err != nil {
			t.Fatalf("%s: %v", mask, err)
		}
		same(t, mask, got, freshMember())
		want["api_code"], want["member_seq"] = "UA010700200", "104"
		wantParams(t, mask, sentParams(t, vendor.Only(putMember)), want)
	}
}

func TestAMemberThatCannotBeUpdated(t *testing.T) {
	for what, c := range map[string]struct {
		member *pb.Member
		mask   string
		field  string
	}{
		"no group":      {&pb.Member{State: pb.Member_ACTIVE}, "group", "member.group"},
		"no state":      {&pb.Member{Group: pb.Member_CLIENT}, "state", "member.state"},
		"another field": {&pb.Member{Email: "x@shop.example"}, "email", "update_mask"},
		"no field":      {&pb.Member{}, "", "update_mask"},
	} {
		a, _ := serve(t, config(), nil)
		c.member.Name = "vendors/acme/members/101"
		_, err := updateMember(t, a, mutation.NewMemory(), c.member, strings.Fields(c.mask)...)
		if e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != c.field {
			t.Errorf("%s: the violations are %v", what, e.Violations)
		}
	}
}

func TestAMembersAddressIsNotChanged(t *testing.T) {
	members := fixture(t, "account-member.json")
	for email, field := range map[string]string{"boss@SHOP.example": "", "x@shop.example": "member.email"} {
		// and no PUT, since nothing is to change
		a, _ := serve(t, config(), map[string]string{getMembers: members})
		_, err := updateMember(t, a, mutation.NewMemory(), &pb.Member{Name: "vendors/acme/members/101", Email: email, State: pb.Member_ACTIVE}, "state")
		if field == "" {
			if err != nil {
				t.Errorf("the member's own address: %v", err)
			}
			continue
		}
		if e := wantError(t, email, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != field {
			t.Errorf("%s: the violations are %v", email, e.Violations)
		}
	}
}

func TestALostChangeOfAMemberIsReadBack(t *testing.T) {
	before := strings.Replace(withFresh(t), `"group_seq":1001`, `"group_seq":1014`, 1)
	wanted := &pb.Member{Name: "vendors/acme/members/104", Group: pb.Member_TECHNICAL_SUPPORT, State: pb.Member_ACTIVE}
	for what, c := range map[string]struct {
		members []string
		puts    []string
		sends   int
	}{
		"it arrived":             {[]string{before, withFresh(t)}, []string{cut}, 1},
		"it did not":             {[]string{before, before, withFresh(t)}, []string{cut, done}, 2},
		"half of it did":         {[]string{strings.Replace(before, "MT001", "MT002", 1), before, withFresh(t)}, []string{cut, done}, 2},
		"only the look was lost": {[]string{before, refused, withFresh(t)}, []string{done}, 1},
	} {
		a, vendor := serveInTurn(t, config(), map[string][]string{getMembers: c.members, putMember: c.puts})
		log := mutation.NewMemory()
		_, err := updateMember(t, a, log, wanted, "group", "state")
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		got, err := updateMember(t, a, log, wanted, "group", "state")
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, got, freshMember())
		if sent := len(vendor.Made(putMember)); sent != c.sends {
			t.Errorf("%s: it was sent %d times, want %d", what, sent, c.sends)
		}
	}
}

func TestAMemberThatTheListHidesMayHaveBeenUpdated(t *testing.T) {
	before := strings.Replace(withFresh(t), `"group_seq":1001`, `"group_seq":1014`, 1)
	a, vendor := serveInTurn(t, config(), map[string][]string{getMembers: {before, refused, none, withFresh(t)}, putMember: {done}})
	log, wanted := mutation.NewMemory(), &pb.Member{Name: "vendors/acme/members/104", Group: pb.Member_TECHNICAL_SUPPORT}
	for range 2 { // the second time, the list does not show the member
		_, err := updateMember(t, a, log, wanted, "group")
		wantError(t, "UpdateMember", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	}
	got, err := updateMember(t, a, log, wanted, "group")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "run again", got, freshMember())
	vendor.Only(putMember)
}

func TestResettingAPasswordIsNeverDoneTwice(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{putReset: done})
	if err := reset(t, a, mutation.NewMemory(), "101"); err != nil {
		t.Fatal(err)
	}
	wantParams(t, "ResetMemberPassword", sentParams(t, vendor.Only(putReset)), map[string]string{"api_code": "UA010700200", "member_seq": "101"})

	a, vendor = serveInTurn(t, config(), map[string][]string{putReset: {cut, done}})
	log := mutation.NewMemory()
	for range 2 {
		wantError(t, "cut", reset(t, a, log, "101"), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	}
	vendor.Only(putReset)
}

func TestAMemberThatIsNotThere(t *testing.T) {
	for _, id := range []string{"none", "0", "-1", "0101", "1e3", "99999999999999999999"} {
		a, _ := serve(t, config(), nil)
		wantError(t, id, reset(t, a, mutation.NewMemory(), id), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
		_, err := updateMember(t, a, mutation.NewMemory(), &pb.Member{Name: "vendors/acme/members/" + id, State: pb.Member_ACTIVE}, "state")
		wantError(t, id, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	a, _ := serve(t, config(), map[string]string{getMembers: none}) // and no PUT
	_, err := updateMember(t, a, mutation.NewMemory(), &pb.Member{Name: "vendors/acme/members/104", State: pb.Member_ACTIVE}, "state")
	wantError(t, "an update, without such a member", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	for what, c := range map[string]struct {
		put    string
		list   []string
		code   codes.Code
		reason pb.ErrorReason
	}{
		"refused": {refused, []string{withFresh(t)}, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
	} {
		a, _ := serveInTurn(t, config(), map[string][]string{putMember: {c.put}, getMembers: c.list})
		_, err := updateMember(t, a, mutation.NewMemory(), &pb.Member{Name: "vendors/acme/members/104", State: pb.Member_INACTIVE}, "state")
		wantError(t, "an update, "+what, err, c.code, c.reason)
	}
	for what, c := range map[string]struct {
		list   string
		code   codes.Code
		reason pb.ErrorReason
	}{
		"and not in the list":      {none, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"and in the list":          {withFresh(t), codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
		"and the list is, as well": {refused, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
	} {
		a, _ := serve(t, config(), map[string]string{putReset: refused, getMembers: c.list})
		wantError(t, "a reset that is refused, "+what, reset(t, a, mutation.NewMemory(), "104"), c.code, c.reason)
	}
}

// PallyCon has taken the change: that its list does not show the member at the moment is no
// refusal.
func TestAnUpdateThatTheListBeliesIsUnknownAndSettles(t *testing.T) {
	before := fixture(t, "account-member.json")
	after := strings.Replace(before, `"status_code":"MT001"`, `"status_code":"MT002"`, 1)
	a, vendor := serveInTurn(t, config(), map[string][]string{getMembers: {before, before, after}, putMember: {done}})
	log, wanted := mutation.NewMemory(), &pb.Member{Name: "vendors/acme/members/101", State: pb.Member_INACTIVE}
	_, err := updateMember(t, a, log, wanted, "state")
	wantError(t, "PallyCon says success, and shows another state", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	if m, err := updateMember(t, a, log, wanted, "state"); err != nil || m.GetState() != pb.Member_INACTIVE {
		t.Errorf("run again: %v, %v", m, err)
	}
	vendor.Only(putMember)
}

func TestAnUpdateThatTheListDoesNotShowIsMade(t *testing.T) {
	const empty = `{"error_code":"0000","data":[],"count":0}`
	a, _ := serveInTurn(t, config(), map[string][]string{getMembers: {fixture(t, "account-member.json"), empty}, putMember: {done}})
	log := mutation.NewMemory()
	got, err := updateMember(t, a, log, &pb.Member{Name: "vendors/acme/members/101", State: pb.Member_INACTIVE}, "state")
	if err != nil || got.GetState() != pb.Member_INACTIVE || log.Get("update").State != mutation.Done {
		t.Errorf("%v, %v, and the step is %v", got, err, log.Get("update").State)
	}
}

// While the first page is read, somebody removes a member of it at the console: the new one slides
// from the second page to the first.
func TestAMemberThatSlidesBetweenPagesIsFound(t *testing.T) {
	row := func(seq int, email string) string {
		return fmt.Sprintf(`{"group_seq":1000,"member_seq":%d,"member_email":"%s","status_code":"MT001","reg_date":"2024-01-01"}`, seq, email)
	}
	var held []string
	for i := range 1000 {
		held = append(held, row(i+1, fmt.Sprintf("m%d@x.example", i)))
	}
	slides, posts := false, 0
	a := adapterTo(t, config(), twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			posts++
			held = append(held, row(5000, "new.one@shop.example"))
			panic(http.ErrAbortHandler)
		}
		unit, _ := strconv.Atoi(r.URL.Query().Get("page_unit"))
		page, _ := strconv.Atoi(r.URL.Query().Get("page_index"))
		from := min((page-1)*unit, len(held))
		fmt.Fprintf(w, `{"error_code":"0000","data":[%s],"count":%d}`, strings.Join(held[from:min(from+unit, len(held))], ","), len(held))
		if slides && page == 1 {
			held, slides = held[1:], false
		}
	})))
	log := mutation.NewMemory()
	_, err := create(t, a, log, &pb.Member{Email: "new.one@shop.example"})
	wantError(t, "CreateMember", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	slides = true
	if got, err := create(t, a, log, &pb.Member{Email: "new.one@shop.example"}); err != nil || got.GetName() != "vendors/acme/members/5000" || posts != 1 {
		t.Errorf("%v, %v, created %d times", got, err, posts)
	}
}
