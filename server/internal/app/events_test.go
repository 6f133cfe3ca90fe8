package app_test

import (
	"slices"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// events lists the audit events that a filter in JSON chooses, newest first.
func (h *testServer) events(t *testing.T, filter string, size int32) []*pb.AuditEvent {
	t.Helper()
	list := h.pages(t, parse(`ListAuditEvents {"filter":`+filter+`}`).req, size, size == 1)
	return list.(*pb.ListAuditEventsResponse).GetAuditEvents()
}

func said(events []*pb.AuditEvent) (all []string) {
	for _, e := range events {
		all = append(all, e.GetMethod()+" "+e.GetResource()+" "+e.GetOutcome())
	}
	return all
}

func TestListAuditEventsChooses(t *testing.T) {
	h := start(t, furnish)
	before := time.Now().UTC().Format(time.RFC3339Nano)
	h.history(t)
	const disable, reset = "drmhub.v1.SiteService/DisableSite", "drmhub.v1.MemberService/ResetMemberPassword"
	const member = "vendors/acme/members/"
	done, failed := disable+" "+demo+" OK", reset+" "+member+"99 NOT_FOUND"
	open := reset + " " + member + "7 UNKNOWN"
	everything := h.events(t, "null", 1000)
	wantEqual(t, said(everything), []string{open, failed, done})

	previous := ""
	for _, e := range slices.Backward(everything) {
		if e.GetHash() == "" || e.GetRequestDigest() == "" || e.GetPreviousHash() != previous {
			t.Errorf("the event does not follow the one before: %v", e)
		}
		previous = e.GetHash()
	}

	middle := everything[1].GetTime().AsTime().Format(time.RFC3339Nano)
	for filter, want := range map[string][]string{
		`{"subject":"anonymous"}`:                                 {open, failed, done},
		`{"subject":"nobody"}`:                                    nil,
		`{"resource":"` + demo + `"}`:                             {done},
		`{"method":"` + reset + `"}`:                              {open, failed},
		`{"startTime":"` + middle + `"}`:                          {open, failed},
		`{"endTime":"` + middle + `"}`:                            {done},
		`{"endTime":"` + before + `"}`:                            nil,
		`{"method":"` + reset + `","resource":"` + member + `7"}`: {open},
	} {
		for _, size := range []int32{1000, 1} {
			if got := said(h.events(t, filter, size)); !slices.Equal(got, want) {
				t.Errorf("%s, %d a page: %q, want %q", filter, size, got, want)
			}
		}
	}
	backwards := `ListAuditEvents {"filter":{"startTime":"` + before + `","endTime":"2000-01-01T00:00:00Z"}}`
	expect(parse(backwards), "REQUEST_INVALID at filter").check(t, h, h)
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
		wantEqual(t, said(h.events(t, "null", 1000)), []string{
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
		if n := len(h.events(t, "null", 1000)); n != 4 {
			t.Errorf("a mutation that returns a secret makes %d events, want 1", n-3)
		}
	}
}
