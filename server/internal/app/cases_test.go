package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func listSites(parent, query string) call {
	return call{method: pb.SiteService_ListSites_FullMethodName, req: &pb.ListSitesRequest{Parent: parent}, rest: "GET /v1/" + parent + "/sites" + query}
}

func listLicenses(parent, query string, filter *pb.LicenseFilter) call {
	return call{
		method: pb.LicenseService_ListLicenses_FullMethodName, req: &pb.ListLicensesRequest{Parent: parent, Filter: filter},
		rest: "GET /v1/" + parent + "/licenses" + query,
	}
}

func disableSite(name, message string) call {
	return call{
		method: pb.SiteService_DisableSite_FullMethodName, req: &pb.DisableSiteRequest{Name: name, Message: message},
		rest: "POST /v1/" + name + ":disable", body: `{"message":"` + message + `"}`,
	}
}

const demo = "vendors/acme/sites/DEMO"

// faceCases are of PallyCon: what is the same for all vendors, and how the faces take requests.
func faceCases() []case_ {
	sec := func(s int64) *timestamppb.Timestamp {
		return timestamppb.New(time.Date(2026, 3, 2, 0, 0, int(s), 0, time.UTC))
	}
	vendor := func(name string) call {
		return call{method: pb.VendorService_GetVendor_FullMethodName, req: &pb.GetVendorRequest{Name: name}, rest: "GET /v1/" + name}
	}
	paged := listLicenses(demo, "?pageSize=7", nil)
	paged.req.(*pb.ListLicensesRequest).PageSize = 7
	negative := listLicenses(demo, "?pageSize=-1", nil)
	negative.req.(*pb.ListLicensesRequest).PageSize = -1
	badToken := listSites("vendors/acme", "?pageToken=x")
	badToken.req.(*pb.ListSitesRequest).PageToken = "x"
	badID := disableSite(demo, "")
	badID.req.(*pb.DisableSiteRequest).RequestId, badID.body = "7", `{"requestId":"7"}`
	dryRun := disableSite(demo, "")
	dryRun.req.(*pb.DisableSiteRequest).ValidateOnly, dryRun.body = true, `{"validateOnly":true}`
	watermark := disableSite(demo, "")
	watermark.req.(*pb.DisableSiteRequest).Service, watermark.body = pb.Site_FORENSIC_WATERMARKING, `{"service":"FORENSIC_WATERMARKING"}`

	return []case_{
		{name: "vendors", call: call{method: pb.VendorService_ListVendors_FullMethodName, req: &pb.ListVendorsRequest{}, rest: "GET /v1/vendors"}, http: 200, holds: `"name":"vendors/acme"`},
		{name: "vendors: a forged token", call: call{method: pb.VendorService_ListVendors_FullMethodName, req: &pb.ListVendorsRequest{PageToken: "x"}, rest: "GET /v1/vendors?pageToken=x"}, code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "page_token"},
		{name: "a vendor", call: vendor("vendors/acme"), http: 200, holds: `{"method":"drmhub.v1.SiteService/DisableSite","support":"NATIVE"}`},
		{name: "no such vendor", call: vendor("vendors/other"), code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, holds: `"other"`},
		{name: "check", call: call{method: pb.VendorService_CheckVendor_FullMethodName, req: &pb.CheckVendorRequest{Name: "vendors/acme"}, rest: "POST /v1/vendors/acme:check", body: "{}"}, http: 200, holds: `"ok":true`},
		{name: "check of no vendor", call: call{method: pb.VendorService_CheckVendor_FullMethodName, req: &pb.CheckVendorRequest{Name: "vendors/other"}, rest: "POST /v1/vendors/other:check", body: "{}"}, code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, holds: `"other"`},

		{name: "sites", call: listSites("vendors/acme", ""), http: 200, holds: `"enabled":false`},
		{name: "sites of all vendors", call: listSites("vendors/-", ""), http: 200, holds: `"name":"` + demo + `"`},
		{name: "another's token", call: badToken, code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "page_token"},

		{name: "licenses", call: listLicenses(demo, "", nil), http: 200, holds: `"totalSize":120`},
		{name: "a page", call: paged, http: 200, holds: `"nextPageToken":"A`},
		{name: "refused licenses", call: listLicenses(demo, "?filter.status=FAILURE", &pb.LicenseFilter{Status: pb.License_FAILURE}), http: 200, holds: `"errorCode":"7011"`},
		{
			name: "every condition at once", http: 200, holds: `"createTime":"2026-03-02T00:00:08Z"`,
			call: listLicenses(demo, "?filter.status=SUCCESS&filter.contentId=bigbuckbunny&filter.drmType=WIDEVINE&filter.userId=u%40example.com&filter.deviceId=d%2F1&filter.deviceModel=ChromeCDM-Windows-2&filter.startTime=2026-03-02T00:00:08Z&filter.endTime=2026-03-02T00:00:09Z",
				&pb.LicenseFilter{Status: pb.License_SUCCESS, ContentId: "bigbuckbunny", DrmType: pb.License_WIDEVINE, UserId: "u@example.com", DeviceId: "d/1", DeviceModel: "ChromeCDM-Windows-2", StartTime: sec(8), EndTime: sec(9)}),
		},
		{name: "part of an id is another id", call: listLicenses(demo, "?filter.contentId=bigbuck", &pb.LicenseFilter{ContentId: "bigbuck"}), http: 200, holds: `"licenses":[]`},
		{name: "licenses of every site", call: listLicenses("vendors/-/sites/-", "?filter.userId=refused", &pb.LicenseFilter{UserId: "refused"}), http: 200, holds: `"site":"` + demo + `"`},
		{name: "no licenses", call: listLicenses("vendors/acme/sites/OFFL", "", nil), http: 200, holds: `"licenses":[]`},
		{name: "no such site", call: listLicenses("vendors/acme/sites/NONE", "", nil), code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, holds: "NONE"},
		{name: "times the wrong way round", call: listLicenses(demo, "?filter.startTime=2026-03-02T00:00:09Z&filter.endTime=2026-03-02T00:00:08Z", &pb.LicenseFilter{StartTime: sec(9), EndTime: sec(8)}), code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "filter"},
		{name: "a negative page", call: negative, code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "page_size"},

		{name: "a dry run", call: dryRun, http: 200, holds: `"state":"PENDING"`},
		{name: "switch off", call: disableSite(demo, "audit"), http: 200, holds: `"state":"PENDING"`},
		{name: "switch off what is off", idle: true, call: disableSite("vendors/acme/sites/OFFL", ""), http: 200, holds: `"state":"APPLIED"`},
		{name: "switch off no site", call: disableSite("vendors/acme/sites/NONE", ""), code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND},
		{name: "switch off all sites", call: disableSite("vendors/acme/sites/-", ""), code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "name"},
		{name: "switch off a service that is not there", call: watermark, code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_STATE, holds: "FORENSIC_WATERMARKING"},
		{name: "a request_id that is none", call: badID, code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "request_id"},

		{name: "what the vendor has not", call: call{method: pb.DrmAccountService_ListDrmAccounts_FullMethodName, req: &pb.ListDrmAccountsRequest{Parent: "vendors/acme"}, rest: "GET /v1/vendors/acme/drmAccounts"}, code: codes.Unimplemented, http: 501, reason: pb.ErrorReason_CAPABILITY_NOT_SUPPORTED, holds: "drmhub.v1.DrmAccountService/ListDrmAccounts"},
		{name: "what no vendor has", call: call{method: pb.DrmAccountService_ListDrmAccounts_FullMethodName, req: &pb.ListDrmAccountsRequest{Parent: "vendors/-"}, rest: "GET /v1/vendors/-/drmAccounts"}, code: codes.Unimplemented, http: 501, reason: pb.ErrorReason_CAPABILITY_NOT_SUPPORTED},
		{name: "an unknown method", call: call{method: "/drmhub.v1.SiteService/Explode", req: &pb.ListSitesRequest{}, rest: "GET /v1/explode"}, code: codes.Unimplemented, http: 404, reason: pb.ErrorReason_METHOD_UNKNOWN},
	}
}

func TestBothFacesAnswerAlike(t *testing.T) {
	overGRPC, overREST := start(t), start(t)
	for _, c := range faceCases() {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}
	for _, h := range []*hub{overGRPC, overREST} {
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
	const unknown = pb.ErrorReason_OUTCOME_UNKNOWN
	for _, f := range []struct {
		name        string
		fault       twin.Fault
		code        codes.Code
		http        int
		reason      pb.ErrorReason
		write       codes.Code // of a write, where it differs from that of a read
		writeHTTP   int
		writeReason pb.ErrorReason
		retryAfter  bool
	}{
		{name: "cut", fault: twin.Fault{Kind: twin.FaultCut}, code: codes.Unavailable, http: 503, reason: pb.ErrorReason_VENDOR_UNAVAILABLE, write: codes.Unknown, writeHTTP: 500, writeReason: unknown},
		{name: "cut in the body", fault: twin.Fault{Kind: twin.FaultCutBody}, code: codes.Unavailable, http: 503, reason: pb.ErrorReason_VENDOR_UNAVAILABLE, write: codes.Unknown, writeHTTP: 500, writeReason: unknown},
		{name: "a body without end", fault: twin.Fault{Kind: twin.FaultEndless}, code: codes.Internal, http: 500, reason: pb.ErrorReason_VENDOR_RESPONSE_INVALID, write: codes.Unknown, writeHTTP: 500, writeReason: unknown},
		{name: "HTML", fault: answer(200, "<html>maintenance</html>", "Content-Type", "text/html"), code: codes.Internal, http: 500, reason: pb.ErrorReason_VENDOR_RESPONSE_INVALID, write: codes.Unknown, writeHTTP: 500, writeReason: unknown},
		{name: "401", fault: answer(401, ""), code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED},
		{name: "403", fault: answer(403, ""), code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_PERMISSION_DENIED},
		{name: "429", fault: answer(429, ""), code: codes.ResourceExhausted, http: 429, reason: pb.ErrorReason_VENDOR_RATE_LIMITED},
		{name: "429 with Retry-After", fault: answer(429, "", "Retry-After", "120"), code: codes.ResourceExhausted, http: 429, reason: pb.ErrorReason_VENDOR_RATE_LIMITED, retryAfter: true},
		{name: "500", fault: answer(500, "oops"), code: codes.Unavailable, http: 503, reason: pb.ErrorReason_VENDOR_UNAVAILABLE, write: codes.Unknown, writeHTTP: 500, writeReason: unknown},
		{name: "a failure inside 200", fault: answer(200, `{"error_code":"4711","error_message":"no luck"}`, "Content-Type", "application/json"), code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_REJECTED},
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
			case_{call: listLicenses(demo, "", nil), code: f.code, http: f.http, reason: f.reason}.check(t, overGRPC, overREST)
			if f.http == http.StatusTooManyRequests {
				_, header, _ := overREST.rest(t, "GET /v1/"+demo+"/licenses", "")
				if got := header.Get("Retry-After"); (got != "") != f.retryAfter {
					t.Errorf("Retry-After: %q", got)
				}
			}
			order("POST", "/api/v2/plan/")
			write := case_{call: disableSite(demo, ""), code: f.code, http: f.http, reason: f.reason}
			if f.write != codes.OK {
				write.code, write.http, write.reason = f.write, f.writeHTTP, f.writeReason
			}
			write.check(t, overGRPC, overREST)
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
