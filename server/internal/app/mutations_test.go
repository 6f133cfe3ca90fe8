package app_test

import (
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

// history is what the journal has of a server: a site switched off, a member who is not there, and a
// password whose reset has no outcome.
type history struct {
	done, failed, open string // their records
	doneID             string // request_id
}

func (h *testServer) history(t *testing.T) (past history) {
	t.Helper()
	past.doneID = uuid.NewString()
	_, past.done, _ = h.either(t, disableSite(demo, "audit").with("request_id", past.doneID), false)
	_, past.failed, _ = h.either(t, resetPassword("99"), true)
	past.open = h.lose(t, resetPassword("7"))
	return past
}

// ownCases are an ordinary case and the most important error of every RPC of drmhub's own beside
// VendorService's. What they read stays as it is.
func ownCases(past history) []rpcCase {
	get := func(name string) call { return rpc(&pb.GetMutationRequest{Name: name}) }
	resend := func(name string) call { return rpc(&pb.ResendMutationRequest{Name: name}) }
	filter := &pb.AuditEventFilter{Method: "drmhub.v1.SiteService/DisableSite"}

	return []rpcCase{
		ok("ListMutations", `"state":"UNKNOWN"`, rpc(&pb.ListMutationsRequest{})),
		invalid("ListMutations: a forged token", "page_token", rpc(&pb.ListMutationsRequest{PageToken: "x"})),
		ok("GetMutation", `"state":"SUCCEEDED"`, get(past.done)),
		ok("GetMutation: of what failed", `"state":"FAILED"`, get(past.failed)),
		missing("GetMutation: none", "mutations/none", get("mutations/none")),
		ok("SettleMutation: nothing to read back", `"state":"UNKNOWN"`, settle(past.open)),
		ok("SettleMutation: given up", `"nextSettleTime":null`,
			rpc(&pb.SettleMutationRequest{Name: past.open, GiveUp: true})),
		ok("SettleMutation: settled", `"vendorHttpStatus":200`, settle(past.done)),
		missing("SettleMutation: none", "mutations/none", settle("mutations/none")),
		ok("ResendMutation", `"state":"SUCCEEDED"`,
			resend(past.open).with("request_id", "6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11")),
		fails("ResendMutation: of what succeeded", pb.ErrorReason_VENDOR_STATE, "nothing to send again",
			resend(past.done)),
		missing("ResendMutation: none", "mutations/none", resend("mutations/none")),
		ok("ListAuditEvents", `"outcome":"OK"`, rpc(&pb.ListAuditEventsRequest{Filter: filter})),
		invalid("ListAuditEvents: a forged token", "page_token", rpc(&pb.ListAuditEventsRequest{PageToken: "x"})),
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
				c := rpc(&pb.ListMutationsRequest{Filter: c.filter, PageSize: size, PageToken: token})
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
	return rpc(&pb.SettleMutationRequest{Name: name})
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
	h := start(t, func(_ *testing.T, h *testServer) { h.cfg.Store.Quiet = time.Millisecond })
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
	c := rpcCase{call: resetPassword("7")}
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
	register := rpc(req)
	first := register.with("request_id", uuid.NewString())
	h.loseAnswers("POST", "/api/v2/drm/")
	_, record, err := h.either(t, first, false)
	if err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		t.Fatal(err)
	}
	resend := rpc(&pb.ResendMutationRequest{Name: record})
	rpcCase{call: resend, code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_SECRETS_NOT_KEPT, holds: record}.check(t, h, h)
	if _, from, err := h.either(t, first, true); err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN || from != record || h.effects() != 1 {
		t.Errorf("the same request_id again: from %s, %v; %d effects", from, err, h.effects())
	}
	if _, from, err := h.either(t, register.with("request_id", uuid.NewString()), true); err != nil || from == record || h.effects() != 2 {
		t.Errorf("a new request_id: from %s, %v; %d effects", from, err, h.effects())
	}
}
