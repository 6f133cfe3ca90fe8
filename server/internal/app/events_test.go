package app_test

import (
	"slices"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// events lists the audit events, newest first.
func (h *testServer) events(t *testing.T, size int32) []*pb.AuditEvent {
	t.Helper()
	list := h.pages(t, &pb.ListAuditEventsRequest{}, size, size == 1)
	return list.(*pb.ListAuditEventsResponse).GetAuditEvents()
}

func said(events []*pb.AuditEvent) (all []string) {
	for _, e := range events {
		all = append(all, e.GetMethod()+" "+e.GetResource()+" "+e.GetOutcome())
	}
	return all
}

func TestMutationsAreEvents(t *testing.T) {
	h := start(t, furnish)
	h.history(t)
	for _, size := range []int32{1000, 1} {
		events := h.events(t, size)
		wantEqual(t, said(events), []string{
			"drmhub.v1.MemberService/ResetMemberPassword vendors/acme/members/7 UNKNOWN",
			"drmhub.v1.MemberService/ResetMemberPassword vendors/acme/members/99 NOT_FOUND",
			"drmhub.v1.SiteService/DisableSite vendors/acme/sites/DEMO OK",
		})
		previous := ""
		for _, e := range slices.Backward(events) {
			if e.GetHash() == "" || e.GetRequestDigest() == "" || e.GetPreviousHash() != previous {
				t.Errorf("the event does not follow the one before: %v", e)
			}
			previous = e.GetHash()
		}
	}
}

// TestReadingASecretIsAnEvent reads with secrets, without secrets, and what does not exist.
func TestReadingASecretIsAnEvent(t *testing.T) {
	for _, overREST := range []bool{false, true} {
		h := start(t, furnish, withTelecomX(time.Now()))
		for _, text := range []string{
			`GetIntegration {"name":"vendors/acme/sites/DEMO/integration"}`,
			`GetIntegration {"name":"vendors/acme/sites/DEMO/integration","view":"BASIC"}`,
			`ListDrmAccounts {"parent":"vendors/-"}`,
			`GetDrmAccount {"name":"` + donald + `","view":"BASIC"}`,
			// with secrets
			`GetIntegration {"name":"vendors/acme/sites/DEMO/integration","view":"FULL"}`,
			`ListDrmAccounts {"parent":"vendors/-","view":"FULL"}`,
			`GetDrmAccount {"name":"` + donald + `","view":"FULL"}`,
			// of no site
			`GetIntegration {"name":"vendors/acme/sites/NONE/integration","view":"FULL"}`,
		} {
			if _, record, _ := h.either(t, parse(text), overREST); record != "" {
				t.Errorf("%s is a mutation: %s", text, record)
			}
		}
		wantEqual(t, said(h.events(t, 1000)), []string{
			"drmhub.v1.DrmAccountService/GetDrmAccount " + donald + " OK",
			"drmhub.v1.DrmAccountService/ListDrmAccounts vendors/- OK",
			"drmhub.v1.SiteService/GetIntegration " + demo + "/integration OK",
		})
		if n := h.records(t); n != 0 {
			t.Errorf("reading leaves %d mutations", n)
		}
		create := parse(`CreateDrmAccount {"parent":"vendors/telecomx","drmAccount":{},"view":"FULL"}`)
		if _, _, err := h.either(t, create, overREST); err != nil {
			t.Fatal(err)
		}
		if n := len(h.events(t, 1000)); n != 4 {
			t.Errorf("a mutation that returns a secret makes %d events, want 1", n-3)
		}
	}
}
