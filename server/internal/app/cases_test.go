package app_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func listSites(parent string) call {
	return rpc(&pb.ListSitesRequest{Parent: parent})
}

func listLicenses(parent string) call {
	return rpc(&pb.ListLicensesRequest{Parent: parent})
}

func disableSite(name, message string) call {
	return rpc(&pb.DisableSiteRequest{Name: name, Message: message})
}

func resetPassword(member string) call {
	return rpc(&pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/" + member})
}

func settle(name string) call {
	return rpc(&pb.SettleMutationRequest{Name: name})
}

func TestBothFaces(t *testing.T) {
	all, now := cases(t), time.Now()
	for kind, c := range map[string]struct {
		option  func(*testing.T, *testServer)
		effects string
	}{
		"pallycon": {furnishAnew, "siteOrdered statusChangeRequested statusChangeRequested statusChangeCanceled " +
			"integrationUpdated memberCreated memberUpdated memberPasswordReset statusChangeRequested " +
			"fairPlayCertificateRegistered"},
		"ncp":      {withNCP(now), "siteUpdated siteCreated siteCreated siteDisabled siteEnabled"},
		"telecomx": {withTelecomX(now), "accountCreated accountCreated deviceDeleted deviceDeleted"},
		"amino": {withAmino(now), "productCreated productUpdated productUpdated licenseCreated " +
			"licenseDeleted licenseCreated licenseDeleted licenseCreated licenseDeleted"},
	} {
		t.Run(kind, func(t *testing.T) {
			overGRPC, overREST := start(t, c.option), start(t, c.option)
			for _, c := range all[kind] {
				t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
			}
			for _, h := range []*testServer{overGRPC, overREST} {
				if got := strings.Join(h.effectKinds(), " "); got != c.effects {
					t.Errorf("effects %s, want %s", got, c.effects)
				}
				if kind == "amino" {
					h.wantEntitlements(t)
				}
			}
		})
	}
}

// wantEntitlements checks the licenses that the cases of AminoTV leave. Irdeto holds what AminoTV
// holds.
func (h *testServer) wantEntitlements(t *testing.T) {
	t.Helper()
	var orders, entitled []string
	byID := map[string]string{}
	for _, l := range h.amino.Licenses() {
		orders, byID[l.ID] = append(orders, l.OrderID), l.OrderID
	}
	for _, e := range h.amino.Entitlements() {
		entitled = append(entitled, byID[e.LicenseID])
	}
	wantEqual(t, orders, []string{"o-3", "o-5", "o-6", "o-7"})
	wantEqual(t, entitled, orders)
}

func TestVendorFaults(t *testing.T) {
	answer := func(status int, contentType, body string) twin.Fault {
		header := map[string]string{"Content-Type": contentType}
		return twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: body, Header: header}
	}
	later := answer(429, "", "")
	later.Header["Retry-After"] = "120"
	later.Body = `{"error_code":"4711","error_message":"slowly"}`
	const limited, invalid = "VENDOR_RATE_LIMITED", "VENDOR_RESPONSE_INVALID"
	refusal := answer(200, "application/json", `{"error_code":"4711","error_message":"no luck"}`)
	for _, f := range []struct {
		name        string
		fault       twin.Fault
		read, write string // their reasons
		retryAfter  string
	}{
		{"cut", twin.Fault{Kind: twin.FaultCut}, "VENDOR_UNAVAILABLE", "OUTCOME_UNKNOWN", ""},
		{"cut in the body", twin.Fault{Kind: twin.FaultCutBody}, "VENDOR_UNAVAILABLE", "OUTCOME_UNKNOWN", ""},
		{"no end", twin.Fault{Kind: twin.FaultEndless}, "VENDOR_RESPONSE_INVALID", "OUTCOME_UNKNOWN", ""},
		{"HTML", answer(200, "text/html", "<html>"), "VENDOR_RESPONSE_INVALID", "OUTCOME_UNKNOWN", ""},
		{"401", answer(401, "", ""), "VENDOR_CREDENTIALS_REJECTED", "VENDOR_CREDENTIALS_REJECTED", ""},
		{"403", answer(403, "", ""), "VENDOR_PERMISSION_DENIED", "VENDOR_PERMISSION_DENIED", ""},
		{"429", answer(429, "", ""), limited, "OUTCOME_UNKNOWN", ""},
		{"a proxy's 404", answer(404, "text/plain", "default backend - 404"), invalid, "OUTCOME_UNKNOWN", ""},
		{"a proxy's 408", answer(408, "", ""), "VENDOR_UNAVAILABLE", "OUTCOME_UNKNOWN", ""},
		{"429 with Retry-After", later, limited, limited, "120"},
		{"500", answer(500, "", "oops"), "VENDOR_UNAVAILABLE", "OUTCOME_UNKNOWN", ""},
		{"a failure inside 200", refusal, "VENDOR_REJECTED", "VENDOR_REJECTED", ""},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel() // it waits between the attempts
			overGRPC, overREST := start(t), start(t)
			order := func(method, path string) {
				fault := f.fault
				fault.Method, fault.PathPrefix = method, path
				overGRPC.twin.Faults().Add(fault)
				overREST.twin.Faults().Add(fault)
			}
			order("GET", "/api/v2/drm/")
			begun := time.Now()
			expect(listLicenses(demo), f.read).check(t, overGRPC, overREST)
			if f.read == limited {
				_, header, _ := overREST.rest(t, "GET /v1/"+demo+"/licenses", "")
				wantRetryAfter(t, header.Get("Retry-After"), f.retryAfter, time.Since(begun))
			}
			order("POST", "/api/v2/plan/")
			expect(disableSite(demo, ""), f.write).check(t, overGRPC, overREST)
		})
	}
}

// wantRetryAfter checks a Retry-After. The vendor asked for a time at most so long ago, and what is
// left counts.
func wantRetryAfter(t *testing.T, got, asked string, ago time.Duration) {
	t.Helper()
	if got == asked {
		return
	}
	left, err := strconv.Atoi(got)
	most, _ := strconv.Atoi(asked)
	if err != nil || left > most || left < most-int(ago/time.Second) {
		t.Errorf("Retry-After is %q %v after the vendor asked for %q", got, ago, asked)
	}
}

func TestASlowVendor(t *testing.T) {
	h := start(t)
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: time.Minute, PathPrefix: "/api/v2/drm/"})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := pb.NewLicenseServiceClient(h.conn).ListLicenses(ctx, &pb.ListLicensesRequest{Parent: demo})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a read: %v", err)
	}

	release := make(chan struct{})
	h.gate.Store(func(r *http.Request) {
		if r.Method == http.MethodPost {
			<-release
		}
	})
	const call = "POST /v1/" + demo + ":disable"
	var body string
	for timeout := 100; ; timeout *= 2 { // The shortest deadlines may pass before a slow machine sends the write.
		body = `{"requestId":"` + uuid.NewString() + `"}`
		code, _, answer := h.rest(t, call, body, "Grpc-Timeout", fmt.Sprint(timeout, "m"))
		if code == 500 && strings.Contains(answer, "OUTCOME_UNKNOWN") {
			break
		}
		if code != 504 || timeout > 10_000 {
			t.Fatalf("a write: %d %s", code, answer)
		}
	}
	close(release)
	code, _, answer := h.rest(t, call, body)
	if code != 200 || !strings.Contains(answer, "PENDING") || h.effects() != 1 {
		t.Errorf("the same request_id again: %d %s, %d effects", code, answer, h.effects())
	}
}
