package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A history is the journal of a server: a site that was switched off, a member who does not exist,
// and a password whose reset is in doubt.
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

func TestTheJournalOverBothFaces(t *testing.T) {
	h := start(t, furnish)
	past := h.history(t)
	words := []string{"$done", past.done, "$failed", past.failed, "$open", past.open, "$id", past.doneID}
	for _, c := range casesIn("journal", words...) {
		t.Run(c.name, func(t *testing.T) { c.check(t, h, h) })
	}
	// A site and a password, and the password once more, although both faces asked for it.
	if n := h.effects(); n != 3 {
		t.Errorf("the vendor saw %d writes", n)
	}
}

// TestSettleMutation asks for the outcome of a write whose response was lost: while the vendor
// cannot be read, and afterwards.
func TestSettleMutation(t *testing.T) {
	for _, overREST := range []bool{false, true} {
		h := start(t, withNCP(time.Now()))
		h.loseAnswers("PUT", "/api/v1/sites/")
		unreadable := h.ncp.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 403, Method: "GET", Skip: 1})
		record := h.unknown(t, disableSite(mySite, ""), overREST)
		settled := func() *pb.Mutation {
			answer, _, err := h.either(t, settle(record), overREST)
			if err != nil {
				t.Fatal(err)
			}
			m := &pb.Mutation{}
			fromJSON(t, answer, m)
			return m
		}
		m := settled()
		if m.GetState() != pb.Mutation_UNKNOWN || m.GetSettleTime() != nil || m.GetSendTime() == nil {
			t.Errorf("while the vendor cannot be read: %v", m)
		}
		h.ncp.Faults().Remove(unreadable)
		m = settled()
		if m.GetState() != pb.Mutation_SUCCEEDED || m.GetSettleTime() == nil || m.GetResource() != mySite ||
			len(m.GetSteps()) != 1 || m.GetSteps()[0].GetId() != "off" {
			t.Errorf("afterwards: %v", m)
		}
		if n := h.effects(); n != 1 {
			t.Errorf("the vendor saw %d writes", n)
		}
	}
}

// TestSettlingWhatHadNoEffect settles a call that was cut on its way. The same request_id then
// makes the change.
func TestSettlingWhatHadNoEffect(t *testing.T) {
	h := start(t, hasty)
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultCut, Method: "POST", Times: 1})
	c := disableSite(demo, "").with("request_id", uuid.NewString())
	record := h.unknown(t, c, false)
	answer, _, err := h.either(t, settle(record), true)
	if err != nil || !strings.Contains(compact(t, answer), `"state":"FAILED"`) || h.effects() != 0 {
		t.Errorf("settled: %s, %v; %d effects", answer, err, h.effects())
	}
	if _, from, err := h.either(t, c, false); err != nil || from != record || h.effects() != 1 {
		t.Errorf("the same request_id again: from %s, %v; %d effects", from, err, h.effects())
	}
}

// TestResendMutation resends a reset of a password, which cannot be read back, after a dry run.
func TestResendMutation(t *testing.T) {
	h := start(t, furnish)
	record := h.lose(t, resetPassword("7"))
	resend := func(req *pb.ResendMutationRequest) (*pb.Mutation, metadata.MD, error) {
		var header metadata.MD
		req.Name = record
		m, err := pb.NewMutationServiceClient(h.conn).ResendMutation(t.Context(), req, grpc.Header(&header))
		return m, header, err
	}
	m, header, err := resend(&pb.ResendMutationRequest{ValidateOnly: true})
	if err != nil || m.GetState() != pb.Mutation_UNKNOWN || h.effects() != 1 {
		t.Errorf("the dry run: %v, %v; %d resets", m, err, h.effects())
	}
	_, restHeader, _ := h.rest(t, "POST /v1/"+record+":resend", `{"validateOnly":true}`)
	c := rpcCase{call: resetPassword("7")}
	planned := h.planned(t, c, header["drmhub-planned-request"])
	wantEqual(t, planned, h.planned(t, c, restHeader["Drmhub-Planned-Request"]))

	id := uuid.NewString()
	for range 2 {
		m, header, err = resend(&pb.ResendMutationRequest{RequestId: id})
		if err != nil || m.GetState() != pb.Mutation_SUCCEEDED || h.effects() != 2 {
			t.Errorf("the resend: %v, %v; %d resets", m, err, h.effects())
		}
		if named := one(t, header["drmhub-mutation"]); named != record {
			t.Errorf("the resend names %s", named)
		}
	}
	if n := h.records(t); n != 1 {
		t.Errorf("%d records, want no record of the resend", n)
	}
}

// TestSecretsAreNotResent sends keys that cannot be read back. The journal keeps no secrets, so it
// cannot resend them. A caller who has them can make a new call.
func TestSecretsAreNotResent(t *testing.T) {
	h := start(t, furnish)
	register := rpc(fairPlayRequest(t, "0pen-Sesame"))
	first := register.with("request_id", uuid.NewString())
	h.loseAnswers("POST", "/api/v2/drm/")
	record := h.unknown(t, first, false)
	expect(rpc(&pb.ResendMutationRequest{Name: record}), "SECRETS_NOT_KEPT "+record).check(t, h, h)
	if from := h.unknown(t, first, true); from != record || h.effects() != 1 {
		t.Errorf("the same request_id again: from %s; %d effects", from, h.effects())
	}
	_, from, err := h.either(t, register.with("request_id", uuid.NewString()), true)
	if err != nil || from == record || h.effects() != 2 {
		t.Errorf("a new request_id: from %s, %v; %d effects", from, err, h.effects())
	}
}

// TestARegistrationIsReadBackWithoutItsSecrets settles a registration from the certificate that the
// license server serves then. The journal keeps its fingerprint, and no key.
func TestARegistrationIsReadBackWithoutItsSecrets(t *testing.T) {
	h := start(t, furnish)
	if _, _, err := h.either(t, rpc(fairPlayRequest(t, "0pen-Sesame")), false); err != nil {
		t.Fatal(err)
	}
	second := rpc(fairPlayRequest(t, "0pen-Sesame")).with("request_id", uuid.NewString())
	h.loseAnswers("POST", "/api/v2/drm/")
	record := h.unknown(t, second, true)
	answer, _, err := h.either(t, settle(record), true)
	if err != nil || !strings.Contains(compact(t, answer), `"state":"SUCCEEDED"`) || h.effects() != 2 {
		t.Errorf("settled: %s, %v; %d effects", answer, err, h.effects())
	}
	answer, from, err := h.either(t, second, true)
	if err != nil || from != record || !strings.Contains(answer, `"keySize":2048`) || h.effects() != 2 {
		t.Errorf("the same request_id again: %s from %s, %v; %d effects", answer, from, err, h.effects())
	}
}
