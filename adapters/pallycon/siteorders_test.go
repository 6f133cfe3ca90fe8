package pallycon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	getOrders = "GET /api/v2/account/siteId/approve"
	postOrder = "POST /api/v2/account/siteId/approve"
	ordered   = `{"error_code":"0000","data":{"seq":19}}`
)

func createOrder(t *testing.T, a *pallycon.Adapter, log *mutation.Memory, order *pb.SiteOrder) (*pb.SiteOrder, error) {
	t.Helper()
	return a.CreateSiteOrder(as(t, log), &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: order})
}

func TestASiteIsFoundInTheList(t *testing.T) {
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json")})
	site, err := a.GetSite(t.Context(), &pb.GetSiteRequest{Name: test})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the site", site, &pb.Site{
		Name: test, SiteId: "TEST", DisplayName: "Test site", State: pb.Site_SUSPENDED,
		Services: []*pb.Site_ServiceState{{Service: pb.Site_DRM, State: pb.Site_ServiceState_SUSPENDED, VendorService: "PD001", VendorState: "SE001"}},
	})
	_, err = a.GetSite(t.Context(), &pb.GetSiteRequest{Name: "vendors/acme/sites/test"})
	wantError(t, "in small letters", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	_, err = a.GetSite(t.Context(), &pb.GetSiteRequest{Name: "vendors/acme"})
	wantError(t, "of another type", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
}

func TestOrdersAreReadAsTheGuideDescribesThem(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getOrders: fixture(t, "account-siteId-approve.json")})
	res, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Parent: "vendors/acme"})
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute, second int) *timestamppb.Timestamp {
		return timestamppb.New(time.Date(2024, 2, day, hour, minute, second, 0, time.UTC))
	}
	pending := &pb.SiteOrder{
		Name: "vendors/acme/siteOrders/18", DisplayName: "Kids TV", AccountId: "acme", State: pb.SiteOrder_PENDING, VendorStatus: "Request",
		CreateTime: at(31, 8, 0, 0), UpdateTime: at(31, 8, 0, 0),
	}
	approved := &pb.SiteOrder{
		Name: "vendors/acme/siteOrders/17", Site: "vendors/acme/sites/KR01", DisplayName: "Kids TV", AccountId: "acme-kr", State: pb.SiteOrder_APPROVED, VendorStatus: "Approved",
		CreateTime: at(29, 12, 0, 0), UpdateTime: at(30, 23, 59, 59),
	}
	same(t, "the list", res, &pb.ListSiteOrdersResponse{SiteOrders: []*pb.SiteOrder{pending, approved}, TotalSize: 2})
	if query := vendor.Only(getOrders).Query.Encode(); query != "api_code=UA010310100&page_index=1&page_unit=100" {
		t.Errorf("the query is %s", query)
	}
	got, err := a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: approved.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "one order", got, approved)
	for _, id := range []string{"1", "017", "none", "-17"} {
		_, err := a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/" + id})
		wantError(t, id, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
}

func TestTimesOfOrdersAreOfTheVendorsZone(t *testing.T) {
	c := config()
	c.TimeZone = time.FixedZone("KST", 9*60*60)
	answer := strings.Replace(fixture(t, "account-siteId-approve.json"), `"update_time":"20240302080000"`, `"update_time":""`, 1)
	a, _ := serve(t, c, map[string]string{getOrders: answer})
	res, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Parent: "vendors/acme", Filter: &pb.SiteOrderFilter{StartDate: "2024-03-02"}})
	if err != nil || len(res.GetSiteOrders()) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	if o := res.GetSiteOrders()[0]; o.GetCreateTime().AsTime().Hour() != 23 || o.GetUpdateTime() != nil {
		t.Errorf("8 o'clock in Seoul is %v; an update_time that is not there is %v", o.GetCreateTime().AsTime(), o.GetUpdateTime())
	}
}

func TestAStatusOfOneMeaningIsRecognised(t *testing.T) {
	for status, want := range map[string]pb.SiteOrder_State{
		"Request": pb.SiteOrder_PENDING, "REQUESTED": pb.SiteOrder_PENDING, "waiting": pb.SiteOrder_PENDING, "pending": pb.SiteOrder_PENDING,
		"Approve": pb.SiteOrder_APPROVED, "APPROVED": pb.SiteOrder_APPROVED, "approval": pb.SiteOrder_APPROVED,
		"Reject": pb.SiteOrder_REJECTED, "denied": pb.SiteOrder_REJECTED, "Deny": pb.SiteOrder_REJECTED, "Canceled": pb.SiteOrder_REJECTED, "canceled": pb.SiteOrder_REJECTED,
		"approval requested": 0, "waiting for approval": 0, "request denied": 0, "disapproved": 0, "not approved": 0, "unapproved": 0, "ST003": 0, "": 0, "done": 0,
	} {
		answer := strings.Replace(fixture(t, "account-siteId-approve.json"), `"Request"`, fmt.Sprintf("%q", status), 1)
		a, _ := serve(t, config(), map[string]string{getOrders: answer})
		res, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Parent: "vendors/acme"})
		if err != nil || res.GetSiteOrders()[0].GetState() != want || res.GetSiteOrders()[0].GetVendorStatus() != status {
			t.Errorf("%q is %v, want %s; %v", status, res.GetSiteOrders(), want, err)
		}
	}
}

func TestOrdersAreSearchedAsTheVendorCanAndChosenExactly(t *testing.T) {
	for want, c := range map[string]struct {
		filter *pb.SiteOrderFilter
		orders int
	}{
		"":                              {&pb.SiteOrderFilter{}, 2},
		"from=2024-03-01":               {&pb.SiteOrderFilter{StartDate: "2024-03-01"}, 1},
		"to=2024-03-01":                 {&pb.SiteOrderFilter{EndDate: "2024-03-01"}, 1},
		"from=2024-02-29&to=2024-03-02": {&pb.SiteOrderFilter{StartDate: "2024-02-29", EndDate: "2024-03-02"}, 2},
		"from=2024-03-01&to=2024-03-01": {&pb.SiteOrderFilter{StartDate: "2024-03-01", EndDate: "2024-03-01"}, 0},
		"req_status=Request":            {&pb.SiteOrderFilter{VendorStatus: "Request"}, 1},
		"req_status=request":            {&pb.SiteOrderFilter{VendorStatus: "request"}, 0},
		// the vendor finds acme-kr, too
		"search_keyword=acme&search_type=account_id":                                  {&pb.SiteOrderFilter{AccountId: "acme"}, 1},
		"search_keyword=KR01&search_type=site_id":                                     {&pb.SiteOrderFilter{SiteId: "KR01", AccountId: "acme-kr"}, 1},
		"search_keyword=KR0&search_type=site_id":                                      {&pb.SiteOrderFilter{SiteId: "KR0"}, 0},
		"from=2024-02-29&req_status=Approved&search_keyword=KR01&search_type=site_id": {&pb.SiteOrderFilter{StartDate: "2024-02-29", SiteId: "KR01", AccountId: "acme", VendorStatus: "Approved"}, 0},
	} {
		a, vendor := serve(t, config(), map[string]string{getOrders: fixture(t, "account-siteId-approve.json")})
		res, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Parent: "vendors/acme", Filter: c.filter})
		if err != nil || len(res.GetSiteOrders()) != c.orders || want != "" && res.GetTotalSize() != 0 {
			t.Errorf("%q: %d orders, want %d; total_size is %d; %v", want, len(res.GetSiteOrders()), c.orders, res.GetTotalSize(), err)
		}
		if got := asked(vendor.Only(getOrders).Query); got != want {
			t.Errorf("the vendor is asked for %q, want %q", got, want)
		}
	}
	c := config()
	c.ToInclusive = false
	a, vendor := serve(t, c, map[string]string{getOrders: fixture(t, "account-siteId-approve.json")})
	if _, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Filter: &pb.SiteOrderFilter{EndDate: "2024-02-29"}}); err != nil || asked(vendor.Only(getOrders).Query) != "to=2024-03-01" {
		t.Errorf("where the vendor's to is exclusive: %v", err)
	}
	for _, filter := range []*pb.SiteOrderFilter{{StartDate: "2024-02-30"}, {EndDate: "2024-13-01"}} {
		a, _ := serve(t, config(), nil)
		_, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Filter: filter})
		wantError(t, filter.String(), err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	}
}

func TestADayThatCannotBeReadIsNeitherIn(t *testing.T) {
	answer := strings.Replace(fixture(t, "account-siteId-approve.json"), `"reg_time":"20240302080000"`, `"reg_time":"yesterday"`, 1)
	a, _ := serve(t, config(), map[string]string{getOrders: answer})
	_, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Filter: &pb.SiteOrderFilter{StartDate: "2024-02-29"}})
	wantError(t, "chosen by day", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
	res, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{})
	if err != nil || res.GetSiteOrders()[0].GetCreateTime() != nil {
		t.Errorf("not chosen by day: %v, %v", res, err)
	}
}

func TestOrderingASiteSendsItsName(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getOrders: fixture(t, "account-siteId-approve.json"), postOrder: ordered})
	order, err := createOrder(t, a, mutation.NewMemory(), &pb.SiteOrder{DisplayName: "Kids TV"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the order", order, &pb.SiteOrder{Name: "vendors/acme/siteOrders/19", DisplayName: "Kids TV", State: pb.SiteOrder_PENDING})
	wantParams(t, "CreateSiteOrder", sentParams(t, vendor.Only(postOrder)), map[string]string{"api_code": "UA010310200", "service_name": "Kids TV"})
}

func TestWhatAnOrderCannotSayIsRefused(t *testing.T) {
	for field, order := range map[string]*pb.SiteOrder{
		"site_order.display_name":         {},
		"site_order.policy_id":            {DisplayName: "Kids TV", PolicyId: "0"},
		"site_order.fairplay_certificate": {DisplayName: "Kids TV", FairplayCertificate: &pb.FairPlayKeys{}},
	} {
		a, _ := serve(t, config(), nil)
		_, err := createOrder(t, a, mutation.NewMemory(), order)
		if e := wantError(t, field, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != field {
			t.Errorf("%s: the violations are %v", field, e.Violations)
		}
	}
}

func TestAnOrderWithoutANumberHasAnUnknownOutcome(t *testing.T) {
	for _, answer := range []string{done, noChange, `{"error_code":"0000","data":{}}`, `{"error_code":"0000","data":[{"seq":19}]}`} {
		a, _ := serve(t, config(), map[string]string{getOrders: none, postOrder: answer})
		_, err := createOrder(t, a, mutation.NewMemory(), &pb.SiteOrder{DisplayName: "Kids TV"})
		wantError(t, answer, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	}
}

func TestALostOrderIsTheNewOneOfItsName(t *testing.T) {
	const row = `{"seq":%d,"account_id":"acme","site_id":"","service_name":"%s","status":"Request","update_time":"20240303080000","reg_time":"20240303080000"}`
	before := fixture(t, "account-siteId-approve.json")
	with := func(rows ...string) string {
		return strings.Replace(before, `"data":[`, `"data":[`+strings.Join(rows, ",")+",", 1)
	}
	mine, other := fmt.Sprintf(row, 20, "Kids TV"), fmt.Sprintf(row, 19, "Kids TV 2")
	for what, c := range map[string]struct {
		now   string
		sends int
		name  string
	}{
		"it arrived":              {with(mine, other), 1, "vendors/acme/siteOrders/20"},
		"it did not":              {with(other), 2, "vendors/acme/siteOrders/19"},
		"two of its name arrived": {with(mine, fmt.Sprintf(row, 21, "Kids TV")), 1, ""},
		"the list cannot be read": {refused, 1, ""},
		"the list is half a list": {`{"error_code":"0000","data":[`, 1, ""},
		"the list ends too early": {`{"error_code":"0000","data":[],"count":2}`, 1, ""},
	} {
		a, vendor := serveInTurn(t, config(), map[string][]string{getOrders: {before, c.now}, postOrder: {cut, ordered}})
		log := mutation.NewMemory()
		order := &pb.SiteOrder{DisplayName: "Kids TV"}
		_, err := createOrder(t, a, log, order)
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		found, err := createOrder(t, a, log, order)
		if c.name == "" {
			wantError(t, what+", run again", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		} else if err != nil || found.GetName() != c.name {
			t.Errorf("%s: run again, %v, %v, want %s", what, found, err, c.name)
		}
		if sent := len(vendor.Made(postOrder)); sent != c.sends {
			t.Errorf("%s: it was sent %d times, want %d", what, sent, c.sends)
		}
	}
}
