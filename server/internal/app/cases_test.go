package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func listSites(parent string) call {
	return rpc(&pb.ListSitesRequest{Parent: parent})
}

func listLicenses(parent string, filter *pb.LicenseFilter) call {
	return rpc(&pb.ListLicensesRequest{Parent: parent, Filter: filter})
}

func disableSite(name, message string) call {
	return rpc(&pb.DisableSiteRequest{Name: name, Message: message})
}

const demo = "vendors/acme/sites/DEMO"

// faceCases are of PallyCon: what is the same for all vendors, and how the faces take requests.
func faceCases() []rpcCase {
	sec := func(s int64) *timestamppb.Timestamp {
		return timestamppb.New(time.Date(2026, 3, 2, 0, 0, int(s), 0, time.UTC))
	}
	vendor := func(name string) call {
		return rpc(&pb.GetVendorRequest{Name: name})
	}
	return []rpcCase{
		ok("vendors", `"name":"vendors/acme"`, rpc(&pb.ListVendorsRequest{})),
		invalid("vendors: a forged token", "page_token", rpc(&pb.ListVendorsRequest{PageToken: "x"})),
		ok("a vendor", `{"method":"drmhub.v1.SiteService/DisableSite","support":"NATIVE"}`, vendor("vendors/acme")),
		missing("no such vendor", `"other"`, vendor("vendors/other")),
		ok("check", `"ok":true`, rpc(&pb.CheckVendorRequest{Name: "vendors/acme"})),
		missing("check of no vendor", `"other"`, rpc(&pb.CheckVendorRequest{Name: "vendors/other"})),

		ok("sites", `"enabled":false`, listSites("vendors/acme")),
		ok("sites of all vendors", `"name":"`+demo+`"`, listSites("vendors/-")),
		invalid("another's token", "page_token", rpc(&pb.ListSitesRequest{Parent: "vendors/acme", PageToken: "x"})),

		ok("licenses", `"totalSize":120`, listLicenses(demo, nil)),
		ok("a page", `"nextPageToken":"A`, rpc(&pb.ListLicensesRequest{Parent: demo, PageSize: 7})),
		ok("refused licenses", `"errorCode":"7011"`,
			listLicenses(demo, &pb.LicenseFilter{Status: pb.License_FAILURE})),
		ok("every condition at once", `"createTime":"2026-03-02T00:00:08Z"`, listLicenses(demo, &pb.LicenseFilter{
			Status: pb.License_SUCCESS, ContentId: "bigbuckbunny", DrmType: pb.License_WIDEVINE,
			UserId: "u@example.com", DeviceId: "d/1", DeviceModel: "ChromeCDM-Windows-2", StartTime: sec(8),
			EndTime: sec(9),
		})),
		ok("part of an id is another id", `"licenses":[]`,
			listLicenses(demo, &pb.LicenseFilter{ContentId: "bigbuck"})),
		ok("licenses of every site", `"site":"`+demo+`"`,
			listLicenses("vendors/-/sites/-", &pb.LicenseFilter{UserId: "refused"})),
		ok("no licenses", `"licenses":[]`, listLicenses("vendors/acme/sites/OFFL", nil)),
		missing("no such site", "NONE", listLicenses("vendors/acme/sites/NONE", nil)),
		invalid("times the wrong way round", "filter",
			listLicenses(demo, &pb.LicenseFilter{StartTime: sec(9), EndTime: sec(8)})),
		invalid("a negative page", "page_size", rpc(&pb.ListLicensesRequest{Parent: demo, PageSize: -1})),

		ok("a dry run", `"state":"PENDING"`, rpc(&pb.DisableSiteRequest{Name: demo, ValidateOnly: true})),
		ok("switch off", `"state":"PENDING"`, disableSite(demo, "audit")),
		ok("switch off what is off", `"state":"APPLIED"`, disableSite("vendors/acme/sites/OFFL", "")).withoutWrite(),
		missing("switch off no site", "", disableSite("vendors/acme/sites/NONE", "")),
		invalid("switch off all sites", "name", disableSite("vendors/acme/sites/-", "")),
		fails("switch off a service that is not there", pb.ErrorReason_VENDOR_STATE, "FORENSIC_WATERMARKING",
			rpc(&pb.DisableSiteRequest{Name: demo, Service: pb.Site_FORENSIC_WATERMARKING})),
		invalid("a request_id that is none", "request_id", rpc(&pb.DisableSiteRequest{Name: demo, RequestId: "7"})),

		fails("what the vendor has not", pb.ErrorReason_CAPABILITY_NOT_SUPPORTED, "drmhub.v1.DrmAccountService/ListDrmAccounts",
			rpc(&pb.ListDrmAccountsRequest{Parent: "vendors/acme"})),
		fails("what no vendor has", pb.ErrorReason_CAPABILITY_NOT_SUPPORTED, "",
			rpc(&pb.ListDrmAccountsRequest{Parent: "vendors/-"})),
		fails("an unknown method", pb.ErrorReason_METHOD_UNKNOWN, "",
			call{method: "/drmhub.v1.SiteService/Explode", req: &pb.ListSitesRequest{}, rest: "GET /v1/explode"}),
	}
}

func TestBothFacesAnswerAlike(t *testing.T) {
	overGRPC, overREST := start(t), start(t)
	for _, c := range faceCases() {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}
	for _, h := range []*testServer{overGRPC, overREST} {
		if effects := h.twin.Ledger().Effects(); len(effects) != 1 {
			t.Errorf("one case switches a site off, and the vendor saw %d effects: %v", len(effects), effects)
		}
	}
}

func TestVendorFaults(t *testing.T) {
	answer := func(status int, body string, header ...string) twin.Fault {
		f := twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: body, Header: map[string]string{}}
		for i := 0; i < len(header); i += 2 {
			f.Header[header[i]] = header[i+1]
		}
		return f
	}
	const (
		unavailable = pb.ErrorReason_VENDOR_UNAVAILABLE
		unreadable  = pb.ErrorReason_VENDOR_RESPONSE_INVALID
		limited     = pb.ErrorReason_VENDOR_RATE_LIMITED
		unknown     = pb.ErrorReason_OUTCOME_UNKNOWN
		credentials = pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED
		permission  = pb.ErrorReason_VENDOR_PERMISSION_DENIED
		rejected    = pb.ErrorReason_VENDOR_REJECTED
	)
	refusal := `{"error_code":"4711","error_message":"no luck"}`
	for _, f := range []struct {
		name        string
		fault       twin.Fault
		read, write pb.ErrorReason
		retryAfter  bool
	}{
		{"cut", twin.Fault{Kind: twin.FaultCut}, unavailable, unknown, false},
		{"cut in the body", twin.Fault{Kind: twin.FaultCutBody}, unavailable, unknown, false},
		{"a body without end", twin.Fault{Kind: twin.FaultEndless}, unreadable, unknown, false},
		{"HTML", answer(200, "<html>maintenance</html>", "Content-Type", "text/html"), unreadable, unknown, false},
		{"401", answer(401, ""), credentials, credentials, false},
		{"403", answer(403, ""), permission, permission, false},
		{"429", answer(429, ""), limited, limited, false},
		{"429 with Retry-After", answer(429, "", "Retry-After", "120"), limited, limited, true},
		{"500", answer(500, "oops"), unavailable, unknown, false},
		{"a failure inside 200", answer(200, refusal, "Content-Type", "application/json"), rejected, rejected, false},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel() // it waits between the attempts
			overGRPC, overREST := start(t), start(t)
			order := func(method, path string) {
				f.fault.Method, f.fault.PathPrefix = method, path
				overGRPC.twin.Faults().Add(f.fault)
				overREST.twin.Faults().Add(f.fault)
			}
			order("GET", "/api/v2/drm/")
			fails("read", f.read, "", listLicenses(demo, nil)).check(t, overGRPC, overREST)
			if f.read == limited {
				_, header, _ := overREST.rest(t, "GET /v1/"+demo+"/licenses", "")
				if got := header.Get("Retry-After"); (got != "") != f.retryAfter {
					t.Errorf("Retry-After: %q", got)
				}
			}
			order("POST", "/api/v2/plan/")
			fails("write", f.write, "", disableSite(demo, "")).check(t, overGRPC, overREST)
		})
	}
}

func TestASlowVendor(t *testing.T) {
	h := start(t)
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: time.Minute, PathPrefix: "/api/v2/drm/"})
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: 700 * time.Millisecond, PathPrefix: "/api/v2/plan/", Method: "POST"})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := pb.NewLicenseServiceClient(h.conn).ListLicenses(ctx, &pb.ListLicensesRequest{Parent: demo})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a read: %v", err)
	}

	const call, body = "POST /v1/" + demo + ":disable", `{"requestId":"6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11"}`
	code, _, answer := h.rest(t, call, body, "Grpc-Timeout", "100m")
	if code != 500 || !strings.Contains(answer, "OUTCOME_UNKNOWN") {
		t.Errorf("a write: %d %s", code, answer)
	}
	code, _, answer = h.rest(t, call, body)
	if code != 200 || !strings.Contains(answer, "PENDING") || len(h.twin.Ledger().Effects()) != 1 {
		t.Errorf("the same request_id again: %d %s, effects %v", code, answer, h.twin.Ledger().Effects())
	}
}
