package pallycon_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	noChange = `{"error_code":"0000","data":null}`
	// As the guide lists the fields of both answers: that to a new request has no reg_status and no
	// update_dt.
	requested = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/plan/request/status/DEMO"}},"error_code":"0000",` +
		`"data":{"site_id":"DEMO","req_group_id":"20240301-7","reg_type":"SM002","reg_message":"The contract has ended.","reg_id":"acme","reg_dt":"20240301120000"}}`
	resumed = `{"error_code":"0000","data":{"site_id":"DEMO","req_group_id":"20240229-1","reg_type":"SM001","reg_status":"ST003","reg_message":"",` +
		`"reg_id":"ops","reg_dt":"20240229120000","update_dt":"20240229130000"}}`
	suspending = `{"error_code":"0000","data":{"site_id":"DEMO","req_group_id":"20240301-7","reg_type":"SM002","reg_status":"ST001","reg_message":"Now.",` +
		`"reg_id":"ops","reg_dt":"20240301120000","update_dt":"20240301120001"}}`
)

// noon is a time on 1 March 2024.
func noon(seconds int) *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2024, 3, 1, 12, 0, seconds, 0, time.UTC))
}

func TestDisablingAsksForASuspension(t *testing.T) {
	for before, answer := range map[string]string{"there never was a change": noChange, "the last one is over": resumed} {
		a, vendor := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: answer, postStatus: requested})
		change, err := disable(t, a, mutation.NewMemory())
		if err != nil {
			t.Fatalf("%s: %v", before, err)
		}
		same(t, "the change", change, &pb.StatusChange{
			Name: demo + "/statusChanges/PD001.20240301-7", Site: demo,
			Service: pb.Site_DRM, VendorService: "PD001", Type: pb.StatusChange_SUSPEND, VendorType: "SM002", State: pb.StatusChange_PENDING, VendorState: "ST001",
			Message: "The contract has ended.", Requester: "acme", CreateTime: noon(0),
		})
		if query := vendor.Only(getStatus).Query.Encode(); query != "api_code=UC011004100&service_code=PD001" {
			t.Errorf("the status is asked for with %s", query)
		}
	}
}

func TestParametersOfAPostTravelAsConfigured(t *testing.T) {
	want := map[string]string{"api_code": "UC011004100", "service_code": "PD001", "request_type": "SM002", "request_message": "The contract has ended."}
	for encoding, c := range map[pallycon.ParameterEncoding]struct {
		contentType string
		read        func(wiretest.Request) (map[string]string, error)
	}{
		pallycon.EncodeJSON: {"application/json;charset=UTF-8", func(c wiretest.Request) (map[string]string, error) {
			var params map[string]string
			err := json.Unmarshal([]byte(c.Body), &params)
			return params, err
		}},
		pallycon.EncodeForm: {"application/x-www-form-urlencoded", func(c wiretest.Request) (map[string]string, error) {
			form, err := url.ParseQuery(c.Body)
			return single(form), err
		}},
		pallycon.EncodeQuery: {"", func(c wiretest.Request) (map[string]string, error) { return single(c.Query), nil }},
	} {
		s := config()
		s.ParameterEncoding = encoding
		a, vendor := serve(t, s, map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: noChange, postStatus: requested})
		if _, err := disable(t, a, mutation.NewMemory()); err != nil {
			t.Errorf("%s: %v", encoding, err)
			continue
		}
		post := vendor.Only(postStatus)
		if got, err := c.read(post); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: the parameters are %q, want %q; %v", encoding, got, want, err)
		}
		if encoding != pallycon.EncodeQuery && len(post.Query) > 0 || encoding == pallycon.EncodeQuery && post.Body != "" {
			t.Errorf("%s: parameters stand in the query %q and in the body %q", encoding, post.Query, post.Body)
		}
		if got := post.Header.Get("Content-Type"); got != c.contentType {
			t.Errorf("%s: the Content-Type is %q, want %q", encoding, got, c.contentType)
		}
		if get := vendor.Only(getStatus); get.Query.Get("service_code") != "PD001" || get.Body != "" {
			t.Errorf("%s: the GET has the query %q and the body %q", encoding, get.Query, get.Body)
		}
	}
}

// single are parameters that are given once each.
func single(values url.Values) map[string]string {
	params := map[string]string{}
	for name, all := range values {
		params[name] = all[0]
		if len(all) > 1 {
			params[name] = "given twice"
		}
	}
	return params
}

func TestAMessageThatNobodyWroteIsNotSent(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: noChange, postStatus: requested})
	if _, err := a.DisableSite(mutation.NewContext(t.Context(), mutation.NewMemory()), &pb.DisableSiteRequest{Name: demo}); err != nil {
		t.Fatal(err)
	}
	if got, want := vendor.Only(postStatus).Body, `{"api_code":"UC011004100","request_type":"SM002","service_code":"PD001"}`; got != want {
		t.Errorf("the body is %s, want %s", got, want)
	}
}

func TestWhatStandsAlreadyIsAnswered(t *testing.T) {
	// and no POST
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: suspending})
	change, err := disable(t, a, mutation.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the pending change", change, &pb.StatusChange{
		Name: demo + "/statusChanges/PD001.20240301-7", Site: demo,
		Service: pb.Site_DRM, VendorService: "PD001", Type: pb.StatusChange_SUSPEND, VendorType: "SM002", State: pb.StatusChange_PENDING, VendorState: "ST001",
		Message: "Now.", Requester: "ops", CreateTime: noon(0), UpdateTime: noon(1),
	})

	const off = "vendors/acme/sites/TEST"
	change, err = a.DisableSite(mutation.NewContext(t.Context(), mutation.NewMemory()), &pb.DisableSiteRequest{Name: off})
	if err != nil {
		t.Fatal(err)
	}
	if site := change.GetAppliedSite(); change.GetState() != pb.StatusChange_APPLIED || change.GetName() != "" || site.GetName() != off || site.GetEnabled() {
		t.Errorf("of a site that is off: %v", change)
	}
}

func TestServicesAreSwitchedApart(t *testing.T) {
	// DEMO's watermarking is suspended, and its DRM in service; TEST has no watermarking.
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json")})
	ask := func(name string) (*pb.StatusChange, error) {
		req := &pb.DisableSiteRequest{Name: name, Service: pb.Site_FORENSIC_WATERMARKING}
		return a.DisableSite(mutation.NewContext(t.Context(), mutation.NewMemory()), req)
	}
	change, err := ask(demo)
	if err != nil || change.GetState() != pb.StatusChange_APPLIED || change.GetService() != pb.Site_FORENSIC_WATERMARKING || change.GetVendorService() != "PD002" {
		t.Errorf("of watermarking that is off: %v, %v", change, err)
	}
	_, err = ask("vendors/acme/sites/TEST")
	wantError(t, "of watermarking that is not there", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	_, err = ask("vendors/acme/sites/N0NE")
	wantError(t, "of a site that is not there", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func TestASuccessWithoutAChangeHasAnUnknownOutcome(t *testing.T) {
	for _, answer := range []string{noChange, `{"error_code":"0000"}`, `{"error_code":"0000","data":{}}`, `{"error_code":"0000","data":{"site_id":"DEMO","req_group_id":""}}`} {
		a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: noChange, postStatus: answer})
		_, err := disable(t, a, mutation.NewMemory())
		wantError(t, answer, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	}
}

// TestOnlyANewSuspensionIsTakenForTheLostOne: after an unknown outcome, the change that the vendor
// shows may be an older one, or somebody else's.
func TestOnlyANewSuspensionIsTakenForTheLostOne(t *testing.T) {
	canceled := strings.Replace(suspending, "ST001", "ST002", 1)
	for what, c := range map[string]struct {
		before, after string // the latest change
		posts         int
	}{
		"there was none, and there is one":    {noChange, suspending, 1},
		"there was another, and there is one": {resumed, suspending, 1},
		"it was taken, and is canceled":       {resumed, canceled, 1},
		"there still is none":                 {noChange, noChange, 2},
		"there still is the older one":        {canceled, canceled, 2},
		"somebody asked for something else":   {noChange, resumed, 2},
	} {
		a, vendor := serve(t, config(), map[string]string{
			getSites: fixture(t, "account-siteId.json"), getStatus: c.before, postStatus: "cut off",
		})
		log := mutation.NewMemory()
		_, err := disable(t, a, log)
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		vendor.Replies[getStatus] = []wiretest.Reply{wiretest.OK(c.after)}
		vendor.Replies[postStatus] = []wiretest.Reply{wiretest.OK(requested)}
		if _, err := disable(t, a, log); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if n := len(vendor.Made(postStatus)); n != c.posts {
			t.Errorf("%s: the suspension was asked for %d times, want %d", what, n, c.posts)
		}
	}
}

func TestAPendingResumptionDoesNotStandForASuspension(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{
		getSites: fixture(t, "account-siteId.json"), getStatus: strings.Replace(resumed, "ST003", "ST001", 1), postStatus: `{"error_code":"1201","error_message":"still pending"}`,
	})
	_, err := disable(t, a, mutation.NewMemory())
	wantError(t, "DisableSite", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
	vendor.Only(postStatus) // the vendor decides
}

func TestATimeThatCannotBeReadIsLeftOut(t *testing.T) {
	const odd = `{"error_code":"0000","data":{"site_id":"DEMO","req_group_id":"1","reg_type":"SM002","reg_message":"","reg_id":"acme","reg_dt":"2024-03-01 12:00:00"}}`
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: noChange, postStatus: odd})
	change, err := disable(t, a, mutation.NewMemory())
	if err != nil || change.GetCreateTime() != nil || change.GetName() == "" {
		t.Errorf("%v, %v", change, err)
	}
}
