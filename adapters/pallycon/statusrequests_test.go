package pallycon_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	test       = "vendors/acme/sites/TEST" // whose DRM is suspended
	testStatus = "/api/v2/plan/request/status/TEST"
	putStatus  = "PUT /api/v2/plan/request/status/DEMO"
	ofDEMO     = demo + "/statusChanges/PD001.20240301-7"
)

// askedFor is one of the guide's answers with another type and state.
func askedFor(answer, kind, state string) string {
	return strings.NewReplacer(`"reg_type":"SM002"`, `"reg_type":"`+kind+`"`, `"reg_status":"ST001"`, `"reg_status":"`+state+`"`).Replace(answer)
}

func as(t *testing.T, log *mutation.Memory) context.Context {
	return mutation.NewContext(t.Context(), log)
}

func enable(t *testing.T, a *pallycon.Adapter, name string) (*pb.StatusChange, error) {
	return a.EnableSite(as(t, mutation.NewMemory()), &pb.EnableSiteRequest{Name: name, Message: "It goes on."})
}

func extend(t *testing.T, a *pallycon.Adapter, log *mutation.Memory) (*pb.StatusChange, error) {
	return a.ExtendTrial(as(t, log), &pb.ExtendTrialRequest{Name: demo, Service: pb.Site_FORENSIC_WATERMARKING, Message: "Another month."})
}

func cancel(t *testing.T, a *pallycon.Adapter, log *mutation.Memory) (*pb.StatusChange, error) {
	return a.CancelStatusChange(as(t, log), &pb.CancelStatusChangeRequest{Name: ofDEMO})
}

func TestEnablingAsksForAResumption(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{
		getSites: fixture(t, "account-siteId.json"), "GET " + testStatus: noChange, "POST " + testStatus: askedFor(requested, "SM001", ""),
	})
	change, err := enable(t, a, test)
	if err != nil {
		t.Fatal(err)
	}
	if change.GetType() != pb.StatusChange_RESUME || change.GetState() != pb.StatusChange_PENDING || change.GetName() != test+"/statusChanges/PD001.20240301-7" {
		t.Errorf("the change is %v", change)
	}
	wantParams(t, "EnableSite", sentParams(t, vendor.Only("POST "+testStatus)), map[string]string{
		"api_code": "UC011004100", "service_code": "PD001", "request_type": "SM001", "request_message": "It goes on.",
	})
}

func TestAnExtensionIsAskedForWhateverTheServicesState(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: noChange, postStatus: askedFor(requested, "SM003", "")})
	change, err := extend(t, a, mutation.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	if change.GetType() != pb.StatusChange_EXTEND_TRIAL || change.GetService() != pb.Site_FORENSIC_WATERMARKING || change.GetName() != demo+"/statusChanges/PD002.20240301-7" {
		t.Errorf("the change is %v", change)
	}
	wantParams(t, "ExtendTrial", sentParams(t, vendor.Only(postStatus)), map[string]string{
		"api_code": "UC011004100", "service_code": "PD002", "request_type": "SM003", "request_message": "Another month.",
	})
}

func TestAnEnabledSiteIsNotEnabledAgain(t *testing.T) {
	// and no call about a status
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json")})
	change, err := enable(t, a, demo)
	if err != nil || change.GetState() != pb.StatusChange_APPLIED || change.GetType() != pb.StatusChange_RESUME || !change.GetAppliedSite().GetEnabled() {
		t.Errorf("%v, %v", change, err)
	}
}

func TestOnlyTheSamePendingChangeStands(t *testing.T) {
	const pending = "SM003"
	// and no POST
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: askedFor(suspending, pending, "ST001")})
	change, err := extend(t, a, mutation.NewMemory())
	if err != nil || change.GetType() != pb.StatusChange_EXTEND_TRIAL || change.GetMessage() != "Now." {
		t.Errorf("%v, %v", change, err)
	}
	for what, latest := range map[string]string{"another type": suspending, "another state": askedFor(suspending, pending, "ST002"), "a state nobody knows": askedFor(suspending, pending, "ST009")} {
		a, vendor := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: latest, postStatus: refused})
		_, err := extend(t, a, mutation.NewMemory())
		wantError(t, what, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
		vendor.Only(postStatus)
	}
}

func TestALostRequestIsReadBack(t *testing.T) {
	for what, c := range map[string]struct {
		latest string
		sends  int
	}{
		"it arrived":              {askedFor(suspending, "SM003", "ST001"), 1},
		"it was even approved":    {askedFor(suspending, "SM003", "ST003"), 1},
		"it did not":              {resumed, 2},
		"somebody else's arrived": {suspending, 2},
	} {
		a, vendor := serveInTurn(t, config(), map[string][]string{
			getSites: {fixture(t, "account-siteId.json")}, getStatus: {resumed, c.latest}, postStatus: {cut, askedFor(requested, "SM003", "")},
		})
		log := mutation.NewMemory()
		_, err := extend(t, a, log)
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if change, err := extend(t, a, log); err != nil || change.GetName() != demo+"/statusChanges/PD002.20240301-7" {
			t.Errorf("%s: run again, %v, %v", what, change, err)
		}
		if sent := len(vendor.Made(postStatus)); sent != c.sends {
			t.Errorf("%s: it was sent %d times, want %d", what, sent, c.sends)
		}
	}
}

func TestTheLatestChangeOfEveryServiceIsListed(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: suspending})
	res, err := a.ListStatusChanges(t.Context(), &pb.ListStatusChangesRequest{Parent: demo})
	if err != nil {
		t.Fatal(err)
	}
	want := func(service pb.Site_Service, code string) *pb.StatusChange {
		return &pb.StatusChange{
			Name: demo + "/statusChanges/" + code + ".20240301-7", Site: demo, Service: service, VendorService: code, Type: pb.StatusChange_SUSPEND, VendorType: "SM002",
			State: pb.StatusChange_PENDING, VendorState: "ST001", Message: "Now.", Requester: "ops", CreateTime: noon(0), UpdateTime: noon(1),
		}
	}
	same(t, "the list", res, &pb.ListStatusChangesResponse{
		StatusChanges: []*pb.StatusChange{want(pb.Site_DRM, "PD001"), want(pb.Site_FORENSIC_WATERMARKING, "PD002")}, TotalSize: 2,
	})
	for _, get := range vendor.Made(getStatus) {
		if code := get.Query.Get("api_code"); code != "UC011004100" {
			t.Errorf("the status is asked for with api_code %q", code)
		}
	}

	a, vendor = serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: suspending})
	res, err = a.ListStatusChanges(t.Context(), &pb.ListStatusChangesRequest{Parent: demo, Filter: &pb.StatusChangeFilter{Service: pb.Site_FORENSIC_WATERMARKING}})
	if err != nil || len(res.GetStatusChanges()) != 1 || vendor.Only(getStatus).Query.Get("service_code") != "PD002" {
		t.Errorf("of watermarking alone: %v, %v", res, err)
	}
}

func TestWhatWasNeverChangedHasAnEmptyList(t *testing.T) {
	sites := strings.Replace(fixture(t, "account-siteId.json"), "PD002", "PD003", 1)
	a, vendor := serve(t, config(), map[string]string{getSites: sites, getStatus: noChange})
	res, err := a.ListStatusChanges(t.Context(), &pb.ListStatusChangesRequest{Parent: demo})
	if err != nil || len(res.GetStatusChanges()) > 0 {
		t.Errorf("%v, %v", res, err)
	}
	vendor.Only(getStatus) // and none of PD003, which the guide does not let anybody ask for
	res, err = a.ListStatusChanges(t.Context(), &pb.ListStatusChangesRequest{Parent: demo, Filter: &pb.StatusChangeFilter{Service: pb.Site_FORENSIC_WATERMARKING}})
	if err != nil || len(res.GetStatusChanges()) > 0 {
		t.Errorf("of a service that the site does not have: %v, %v", res, err)
	}
	_, err = a.ListStatusChanges(t.Context(), &pb.ListStatusChangesRequest{Parent: "vendors/acme/sites/N0NE"})
	wantError(t, "of a site that is not there", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func TestCancellingTakesThePendingChangeBack(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getStatus: suspending, putStatus: askedFor(suspending, "SM002", "ST002")})
	change, err := cancel(t, a, mutation.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the change", change, &pb.StatusChange{
		Name: ofDEMO, Site: demo, Service: pb.Site_DRM, VendorService: "PD001", Type: pb.StatusChange_SUSPEND, VendorType: "SM002",
		State: pb.StatusChange_CANCELLED, VendorState: "ST002", Message: "Now.", Requester: "ops", CreateTime: noon(0), UpdateTime: noon(1),
	})
	wantParams(t, "CancelStatusChange", sentParams(t, vendor.Only(putStatus)), map[string]string{
		"api_code": "UC011004100", "service_code": "PD001", "request_type": "SM004", "request_group_id": "20240301-7",
	})
}

func TestOnlyWhatIsPendingIsCanceled(t *testing.T) {
	// and no PUT, here and below
	a, _ := serve(t, config(), map[string]string{getStatus: askedFor(suspending, "SM002", "ST002")})
	if change, err := cancel(t, a, mutation.NewMemory()); err != nil || change.GetState() != pb.StatusChange_CANCELLED {
		t.Errorf("of a canceled one: %v, %v", change, err)
	}
	for _, state := range []string{"ST003", "ST009", ""} {
		a, _ := serve(t, config(), map[string]string{getStatus: askedFor(suspending, "SM002", state)})
		_, err := cancel(t, a, mutation.NewMemory())
		wantError(t, "of one in state "+state, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	}
	for _, latest := range []string{noChange, resumed} {
		a, _ := serve(t, config(), map[string]string{getStatus: latest})
		_, err := cancel(t, a, mutation.NewMemory())
		wantError(t, "of one that is not the latest", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	for _, id := range []string{"PD001", "PD001.", ".7", "PD009.7", "7"} {
		a, _ := serve(t, config(), nil)
		_, err := a.CancelStatusChange(as(t, mutation.NewMemory()), &pb.CancelStatusChangeRequest{Name: demo + "/statusChanges/" + id})
		wantError(t, "of "+id, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	a, _ = serve(t, config(), map[string]string{"GET /api/v2/plan/request/status/N0NE": refused, getSites: none})
	_, err := a.CancelStatusChange(as(t, mutation.NewMemory()), &pb.CancelStatusChangeRequest{Name: "vendors/acme/sites/N0NE/statusChanges/PD001.7"})
	wantError(t, "of a site that is not there", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func TestACancellationThatIsNotToldHasAnUnknownOutcome(t *testing.T) {
	for _, answer := range []string{noChange, done, suspending, strings.Replace(askedFor(suspending, "SM002", "ST002"), "20240301-7", "20240301-8", 1)} {
		a, _ := serve(t, config(), map[string]string{getStatus: suspending, putStatus: answer})
		_, err := cancel(t, a, mutation.NewMemory())
		wantError(t, answer, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	}
}

func TestALostCancellationIsReadBack(t *testing.T) {
	canceled := askedFor(suspending, "SM002", "ST002")
	for what, c := range map[string]struct {
		latest string
		sends  int
		known  bool
	}{
		"it arrived":                  {canceled, 1, true},
		"it did not":                  {suspending, 2, true},
		"another change came instead": {resumed, 1, false},
	} {
		a, vendor := serveInTurn(t, config(), map[string][]string{getStatus: {suspending, c.latest}, putStatus: {cut, canceled}})
		log := mutation.NewMemory()
		_, err := cancel(t, a, log)
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		change, err := cancel(t, a, log)
		if c.known && (err != nil || change.GetState() != pb.StatusChange_CANCELLED) {
			t.Errorf("%s: run again, %v, %v", what, change, err)
		}
		if !c.known {
			wantError(t, what+", run again", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		}
		if sent := len(vendor.Made(putStatus)); sent != c.sends || unsettled(log, "cancel") == c.known {
			t.Errorf("%s: it was sent %d times, want %d; unsettled: %t", what, sent, c.sends, unsettled(log, "cancel"))
		}
	}
}

func TestNothingIsChangedOutsideOfAMutation(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: suspending})
	_, enabling := a.EnableSite(t.Context(), &pb.EnableSiteRequest{Name: test})
	_, extending := a.ExtendTrial(t.Context(), &pb.ExtendTrialRequest{Name: demo})
	_, canceling := a.CancelStatusChange(t.Context(), &pb.CancelStatusChangeRequest{Name: ofDEMO})
	if enabling == nil || extending == nil || canceling == nil || len(vendor.Made(postStatus))+len(vendor.Made(putStatus)) > 0 {
		t.Errorf("%v, %v, %v", enabling, extending, canceling)
	}
}
