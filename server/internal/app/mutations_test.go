package app_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// history is what the journal has of a hub: a site switched off, a member who is not there, and a
// password whose reset has no outcome.
type history struct {
	done, failed, open string // their records
	doneID             string // request_id
}

func (h *hub) history(t *testing.T) (past history) {
	t.Helper()
	past.doneID = uuid.NewString()
	_, past.done, _ = h.either(t, disableSite(demo, "audit").with("request_id", past.doneID), false)
	_, past.failed, _ = h.either(t, resetPassword("99"), true)
	past.open = h.lose(t, resetPassword("7"))
	return past
}

// ownCases are an ordinary case and the most important error of every RPC of drmhub's own beside
// VendorService's. What they read stays as it is.
func ownCases(past history) []case_ {
	mutation := func(method, name, verb string) call {
		switch method {
		case pb.MutationService_GetMutation_FullMethodName:
			return operation(method, &pb.GetMutationRequest{Name: name}, "GET /v1/"+name, "")
		case pb.MutationService_SettleMutation_FullMethodName:
			return operation(method, &pb.SettleMutationRequest{Name: name}, "POST /v1/"+name+verb, "{}")
		}
		return operation(method, &pb.ResendMutationRequest{Name: name}, "POST /v1/"+name+verb, "{}")
	}
	get, settle, resend := pb.MutationService_GetMutation_FullMethodName, pb.MutationService_SettleMutation_FullMethodName, pb.MutationService_ResendMutation_FullMethodName
	none := case_{code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, holds: "mutations/none"}
	missing := func(name string, c call) case_ {
		m := none
		m.name, m.call = name, c
		return m
	}
	filter := &pb.AuditEventFilter{Method: "drmhub.v1.SiteService/DisableSite"}
	list := pb.MutationService_ListMutations_FullMethodName

	return []case_{
		{name: "ListMutations", http: 200, holds: `"state":"UNKNOWN"`, call: operation(list, &pb.ListMutationsRequest{}, "GET /v1/mutations", "")},
		{name: "ListMutations: a forged token", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "page_token", call: operation(list, &pb.ListMutationsRequest{PageToken: "x"}, "GET /v1/mutations?pageToken=x", "")},
		{name: "GetMutation", http: 200, holds: `"state":"SUCCEEDED"`, call: mutation(get, past.done, "")},
		{name: "GetMutation: of what failed", http: 200, holds: `"state":"FAILED"`, call: mutation(get, past.failed, "")},
		missing("GetMutation: none", mutation(get, "mutations/none", "")),
		{name: "SettleMutation: nothing to read back", http: 200, holds: `"state":"UNKNOWN"`, call: mutation(settle, past.open, ":settle")},
		{name: "SettleMutation: given up", http: 200, holds: `"nextSettleTime":null`, call: operation(settle, &pb.SettleMutationRequest{Name: past.open, GiveUp: true}, "POST /v1/"+past.open+":settle", `{"giveUp":true}`)},
		{name: "SettleMutation: settled", http: 200, holds: `"vendorHttpStatus":200`, call: mutation(settle, past.done, ":settle")},
		missing("SettleMutation: none", mutation(settle, "mutations/none", ":settle")),
		{name: "ResendMutation", http: 200, holds: `"state":"SUCCEEDED"`, call: mutation(resend, past.open, ":resend").with("request_id", "6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11")},
		{name: "ResendMutation: of what succeeded", code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_STATE, holds: "nothing to send again", call: mutation(resend, past.done, ":resend")},
		missing("ResendMutation: none", mutation(resend, "mutations/none", ":resend")),
		{name: "ListAuditEvents", http: 200, holds: `"outcome":"OK"`, call: operation(pb.AuditService_ListAuditEvents_FullMethodName, &pb.ListAuditEventsRequest{Filter: filter}, "GET /v1/auditEvents?filter.method="+url.QueryEscape(filter.GetMethod()), "")},
		{name: "ListAuditEvents: a forged token", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "page_token", call: operation(pb.AuditService_ListAuditEvents_FullMethodName, &pb.ListAuditEventsRequest{PageToken: "x"}, "GET /v1/auditEvents?pageToken=x", "")},
	}
}

func TestTheJournalOverBothFaces(t *testing.T) {
	h := start(t, furnish)
	for _, c := range ownCases(h.history(t)) {
		t.Run(c.name, func(t *testing.T) { c.check(t, h, h) })
	}
	// a site, a password, and the same password once more though it was asked for over both faces
	if n := h.effects(); n != 3 {
		t.Errorf("the vendor saw %d writes", n)
	}
}

func TestListMutationsChooses(t *testing.T) {
	h := start(t, furnish)
	past := h.history(t)
	reset := "drmhub.v1.MemberService/ResetMemberPassword"
	for query, c := range map[string]struct {
		filter *pb.MutationFilter
		want   []string
	}{
		"":                                {nil, []string{past.open, past.failed, past.done}},
		"filter.state=SUCCEEDED":          {&pb.MutationFilter{State: pb.Mutation_SUCCEEDED}, []string{past.done}},
		"filter.state=FAILED":             {&pb.MutationFilter{State: pb.Mutation_FAILED}, []string{past.failed}},
		"filter.state=UNKNOWN":            {&pb.MutationFilter{State: pb.Mutation_UNKNOWN}, []string{past.open}},
		"filter.state=SENT":               {&pb.MutationFilter{State: pb.Mutation_SENT}, nil},
		"filter.method=" + reset:          {&pb.MutationFilter{Method: reset}, []string{past.open, past.failed}},
		"filter.resource=" + demo:         {&pb.MutationFilter{Resource: demo}, []string{past.done}},
		"filter.subject=anonymous":        {&pb.MutationFilter{Subject: "anonymous"}, []string{past.open, past.failed, past.done}},
		"filter.subject=nobody":           {&pb.MutationFilter{Subject: "nobody"}, nil},
		"filter.requestId=" + past.doneID: {&pb.MutationFilter{RequestId: past.doneID}, []string{past.done}},
		"filter.state=FAILED&filter.method=" + reset + "&filter.resource=vendors/acme/members/99": {
			&pb.MutationFilter{State: pb.Mutation_FAILED, Method: reset, Resource: "vendors/acme/members/99"}, []string{past.failed},
		},
	} {
		for _, size := range []int32{1000, 1} { // in pages of one, over REST and gRPC in turn
			var got []string
			token, overREST := "", size == 1
			for {
				c := operation(pb.MutationService_ListMutations_FullMethodName, &pb.ListMutationsRequest{Filter: c.filter, PageSize: size, PageToken: token},
					fmt.Sprintf("GET /v1/mutations?%s&pageSize=%d&pageToken=%s", query, size, url.QueryEscape(token)), "")
				var page pb.ListMutationsResponse
				answer, _, err := h.either(t, c, overREST)
				if err != nil {
					t.Fatalf("%s: %v", query, err)
				}
				fromJSON(t, answer, &page)
				for _, m := range page.GetMutations() {
					got = append(got, m.GetName())
				}
				if token, overREST = page.GetNextPageToken(), !overREST; token == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, %d a page: %q, want %q", query, size, got, c.want)
			}
		}
	}
}

func settle(name string) call {
	return operation(pb.MutationService_SettleMutation_FullMethodName, &pb.SettleMutationRequest{Name: name}, "POST /v1/"+name+":settle", "{}")
}

// TestSettleMutation asks what became of a write whose answer was lost: as long as the vendor
// cannot be read, and then.
func TestSettleMutation(t *testing.T) {
	for _, overREST := range []bool{false, true} {
		h := start(t, withNCP(time.Now()))
		h.loseAnswers("PUT", "/api/v1/sites/")
		unreadable := h.ncp.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 403, Method: "GET", Skip: 1})
		_, record, err := h.either(t, disableSite(mySite, ""), overREST)
		if err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
			t.Fatal(err)
		}
		m := &pb.Mutation{}
		answer, _, err := h.either(t, settle(record), overREST)
		if err != nil {
			t.Fatal(err)
		}
		if fromJSON(t, answer, m); m.GetState() != pb.Mutation_UNKNOWN || m.GetSettleTime() != nil || m.GetSendTime() == nil {
			t.Errorf("while the vendor cannot be read: %v", m)
		}
		h.ncp.Faults().Remove(unreadable)
		if answer, _, err = h.either(t, settle(record), overREST); err != nil {
			t.Fatal(err)
		}
		if fromJSON(t, answer, m); m.GetState() != pb.Mutation_SUCCEEDED || m.GetSettleTime() == nil || m.GetResource() != mySite || len(m.GetSteps()) != 1 || m.GetSteps()[0].GetId() != "off" {
			t.Errorf("once it can: %v", m)
		}
		if n := h.effects(); n != 1 {
			t.Errorf("the vendor saw %d writes", n)
		}
	}
}

// TestSettlingWhatHadNoEffect closes a call that was cut on its way; the same request_id then makes
// it.
func TestSettlingWhatHadNoEffect(t *testing.T) {
	h := start(t, func(_ *testing.T, h *hub) { h.cfg.Store.Quiet = time.Millisecond })
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultCut, Method: "POST", Times: 1})
	c := disableSite(demo, "").with("request_id", uuid.NewString())
	_, record, err := h.either(t, c, false)
	if err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		t.Fatal(err)
	}
	answer, _, err := h.either(t, settle(record), true)
	if err != nil || !strings.Contains(compact(t, answer), `"state":"FAILED"`) || h.effects() != 0 {
		t.Errorf("settled: %s, %v; %d effects", answer, err, h.effects())
	}
	if _, from, err := h.either(t, c, false); err != nil || from != record || h.effects() != 1 {
		t.Errorf("the same request_id again: from %s, %v; %d effects", from, err, h.effects())
	}
}

// TestResendMutation tries to reset a password again, whose reset cannot be read back, and then
// does.
func TestResendMutation(t *testing.T) {
	h := start(t, furnish)
	record := h.lose(t, resetPassword("7"))
	client := pb.NewMutationServiceClient(h.conn)
	resets := func() int { return h.effects() }

	var header metadata.MD
	m, err := client.ResendMutation(t.Context(), &pb.ResendMutationRequest{Name: record, ValidateOnly: true}, grpc.Header(&header))
	if err != nil || m.GetState() != pb.Mutation_UNKNOWN || resets() != 1 {
		t.Errorf("tried: %v, %v; %d resets", m, err, resets())
	}
	_, restHeader, _ := h.rest(t, "POST /v1/"+record+":resend", `{"validateOnly":true}`)
	c := case_{call: resetPassword("7")}
	wantEqual(t, h.planned(t, c, header["drmhub-planned-request"]), h.planned(t, c, restHeader["Drmhub-Planned-Request"]))

	id := uuid.NewString()
	for range 2 {
		m, err = client.ResendMutation(t.Context(), &pb.ResendMutationRequest{Name: record, RequestId: id}, grpc.Header(&header))
		if err != nil || m.GetState() != pb.Mutation_SUCCEEDED || resets() != 2 || one(t, header["drmhub-mutation"]) != record {
			t.Errorf("sent again: %v, %v; %d resets, header %v", m, err, resets(), header)
		}
	}
	if len(h.mutations(t, nil)) != 1 {
		t.Error("to send a mutation again is a mutation of its own")
	}
}

// TestWhatHeldSecretsIsNotSentAgain sends keys, whose arrival nothing can tell. They are not kept,
// so drmhub cannot send them again; who has them can, in a new call.
func TestWhatHeldSecretsIsNotSentAgain(t *testing.T) {
	h := start(t, furnish)
	req := fairPlayRequest(t, "0pen-Sesame")
	register := operation(pb.SiteService_RegisterFairPlayCertificate_FullMethodName, req, "POST /v1/"+demo+":registerFairPlayCertificate", fairPlayBody(req))
	first := register.with("request_id", uuid.NewString())
	h.loseAnswers("POST", "/api/v2/drm/")
	_, record, err := h.either(t, first, false)
	if err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		t.Fatal(err)
	}
	resend := operation(pb.MutationService_ResendMutation_FullMethodName, &pb.ResendMutationRequest{Name: record}, "POST /v1/"+record+":resend", "{}")
	case_{call: resend, code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_SECRETS_NOT_KEPT, holds: record}.check(t, h, h)
	if _, from, err := h.either(t, first, true); err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN || from != record || h.effects() != 1 {
		t.Errorf("the same request_id again: from %s, %v; %d effects", from, err, h.effects())
	}
	if _, from, err := h.either(t, register.with("request_id", uuid.NewString()), true); err != nil || from == record || h.effects() != 2 {
		t.Errorf("a new request_id: from %s, %v; %d effects", from, err, h.effects())
	}
}
