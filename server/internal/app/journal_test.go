package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// either makes a call over one of the faces, and answers the answer as JSON, or the error; and the
// name of the record that the header has.
func (h *testServer) either(t *testing.T, c call, overREST bool) (answer string, record string, err *apierror.Error) {
	t.Helper()
	if !overREST {
		res, header, err := h.invoke(t, c)
		if err != nil {
			return "", strings.Join(header["drmhub-mutation"], ", "), apierror.Convert(err)
		}
		return inJSON(t, res), strings.Join(header["drmhub-mutation"], ", "), nil
	}
	httpStatus, header, answer := h.rest(t, c.rest, c.body)
	record = strings.Join(header["Drmhub-Mutation"], ", ")
	if httpStatus == http.StatusOK {
		return answer, record, nil
	}
	said := failure(t, answer)
	err = &apierror.Error{Code: codes.Code(code.Code_value[said.Status]), Message: said.Message}
	if len(said.Details) > 0 {
		err.Reason, err.Metadata = pb.ErrorReason(pb.ErrorReason_value[said.Details[0].Reason]), said.Details[0].Metadata
	}
	return answer, record, err
}

func resetPassword(member string) call {
	return rpc(&pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/" + member})
}

// loseAnswers orders that the vendors carry out the next such request, and that its answer is lost.
func (h *testServer) loseAnswers(method, pathPrefix string) {
	for _, v := range h.twins {
		v.Faults().Add(twin.Fault{Kind: twin.FaultLoseAnswer, Method: method, PathPrefix: pathPrefix, Times: 1})
	}
}

// lose makes a call, a reset of a password, that stays without an outcome, and answers the name of
// its record.
func (h *testServer) lose(t *testing.T, c call) string {
	t.Helper()
	h.loseAnswers("PUT", "/api/v2/account/member")
	_, record, err := h.either(t, c, false)
	if err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		t.Fatalf("an answer that was lost: %v", err)
	}
	return record
}

func TestARequestIDIsForOneRequest(t *testing.T) {
	h := start(t)
	const id, other = "6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11", "0b6f3c1c-2d11-4b83-9d0c-6f2a4f5e3a4c"
	first := disableSite(demo, "audit").with("request_id", id)
	_, record, err := h.either(t, first, false)
	if err != nil {
		t.Fatal(err)
	}
	rpcCase{
		call: disableSite(demo, "another reason").with("request_id", id), code: codes.AlreadyExists, http: 409,
		reason: pb.ErrorReason_REQUEST_ID_REUSED, holds: id,
	}.check(t, h, h)

	plain := disableSite(demo, "audit")
	for name, c := range map[string]struct {
		body, header string
		code         int
	}{
		"in the header":             {plain.body, id, 200},
		"in capitals":               {plain.body, strings.ToUpper(id), 200},
		"in the body":               {first.body, id, 200},
		"another one in the header": {first.body, other, 400},
		"no UUID":                   {plain.body, "again", 400},
	} {
		code, header, answer := h.rest(t, plain.rest, c.body, "Idempotency-Key", c.header)
		if code != c.code {
			t.Errorf("%s: %d, want %d: %s", name, code, c.code, answer)
		}
		if code == 200 && one(t, header["Drmhub-Mutation"]) != record {
			t.Errorf("%s: answered from %s, and not from %s", name, header["Drmhub-Mutation"], record)
		}
	}
	if n := h.effects(); n != 1 {
		t.Errorf("the vendor saw %d writes", n)
	}
}

func TestARestartAnswersTheSame(t *testing.T) {
	h := start(t, furnish, withAmino(time.Now()), func(t *testing.T, h *testServer) { h.cfg.Store.DSN = config.NewDSN(storetest.SQLite(t)) })
	create := rpc(&pb.CreateProductLicenseRequest{Parent: aminoVendor, ProductLicense: &pb.ProductLicense{User: "ann", Product: movies}}).with("request_id", uuid.NewString())
	made, record, err := h.either(t, create, false)
	if err != nil {
		t.Fatal(err)
	}
	refused := disableSite("vendors/acme/sites/NONE", "").with("request_id", uuid.NewString())
	_, refusal, _ := h.either(t, refused, true)
	open := resetPassword("7").with("request_id", uuid.NewString())
	lost := h.lose(t, open)
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}

	h = h.run(t)
	for _, overREST := range []bool{true, false} {
		answer, from, err := h.either(t, create, overREST)
		if err != nil || compact(t, answer) != compact(t, made) || from != record {
			t.Errorf("%s from %s, %v; before, it was %s from %s", answer, from, err, made, record)
		}
		if _, from, err := h.either(t, refused, overREST); err == nil || err.Reason != pb.ErrorReason_RESOURCE_NOT_FOUND || from != refusal {
			t.Errorf("what was refused: from %s, %v", from, err)
		}
		if _, from, err := h.either(t, open, overREST); err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN || from != lost {
			t.Errorf("what nobody knows: from %s, %v", from, err)
		}
	}
	if n := h.effects(); n != 2 { // a license, and a password
		t.Errorf("the vendors saw %d writes", n)
	}
}

// TestALostAnswer lets every vendor carry out a write and lose its answer.
func TestALostAnswer(t *testing.T) {
	now := time.Now()
	account := rpc(&pb.CreateDrmAccountRequest{Parent: "vendors/telecomx", DrmAccount: &pb.DrmAccount{}, View: pb.DrmAccount_FULL})
	replace := rpc(&pb.ReplaceProductLicenseRequest{Name: owned + "/L1", ProductLicense: &pb.ProductLicense{User: "ann", Product: products + "/sports"}})
	for name, c := range map[string]struct {
		option       func(*testing.T, *testServer)
		call         call
		method, path string // of the request whose answer is lost
		effects      int
		holds        string
	}{
		"PallyCon switches a site off":       {furnish, disableSite(demo, "audit"), "POST", "/api/v2/plan/", 1, `"state":"PENDING"`},
		"NAVER Cloud switches a site off":    {withNCP(now), disableSite(mySite, ""), "PUT", "/api/v1/sites/", 1, `"enabled":false`},
		"TelecomX creates an account":        {withTelecomX(now), account, "POST", "/iptv/drm", 1, `"deviceCount":0`},
		"AminoTV revokes, to issue again":    {withAmino(now), replace, "DELETE", "/api/license/", 2, `"product":"vendors/amino/products/sports"`},
		"AminoTV issues, having revoked one": {withAmino(now), replace, "POST", "/api/license/", 2, `"playable":true`},
	} {
		for _, overREST := range []bool{false, true} {
			t.Run(name+map[bool]string{false: " over gRPC", true: " over REST"}[overREST], func(t *testing.T) {
				h := start(t, c.option)
				again := c.call.with("request_id", uuid.NewString())
				h.loseAnswers(c.method, c.path)
				_, record, err := h.either(t, again, overREST)
				if err == nil || err.Reason != pb.ErrorReason_OUTCOME_UNKNOWN || err.Code != codes.Unknown {
					t.Fatalf("the answer was lost, and the call says %v", err)
				}
				if named := err.Metadata[apierror.MutationName]; record == "" || named != record {
					t.Errorf("the error names %q, the header %q", named, record)
				}
				answer, from, err := h.either(t, again, !overREST)
				if err != nil || from != record || !strings.Contains(compact(t, answer), c.holds) {
					t.Errorf("the same request_id again: %s from %s, %v", answer, from, err)
				}
				if n := h.effects(); n != c.effects {
					t.Errorf("the vendor saw %d writes, want %d", n, c.effects)
				}
			})
		}
	}
}

// TestABatchWithALostAnswer says of each item what became of it, and settles the one that is open.
func TestABatchWithALostAnswer(t *testing.T) {
	h := start(t, withAmino(time.Now()))
	item := func(user string) *pb.CreateProductLicenseRequest {
		return &pb.CreateProductLicenseRequest{ProductLicense: &pb.ProductLicense{User: user, Product: movies}}
	}
	batch := &pb.BatchCreateProductLicensesRequest{Parent: aminoVendor, Requests: []*pb.CreateProductLicenseRequest{item("x"), item("y"), item("z")}, RequestId: uuid.NewString()}
	h.loseAnswers("POST", "/api/license/")
	client := pb.NewProductLicenseServiceClient(h.conn)
	first, err := client.BatchCreateProductLicenses(t.Context(), proto.CloneOf(batch))
	if err != nil {
		t.Fatal(err)
	}
	unknown := 0
	for _, r := range first.GetResults() {
		if r.GetError() == nil {
			continue
		}
		if e := apierror.Convert(status.FromProto(r.GetError()).Err()); e.Reason != pb.ErrorReason_OUTCOME_UNKNOWN || e.Metadata[apierror.Vendor] != "amino" {
			t.Errorf("an item's error: %v %v", e, e.Metadata)
		}
		unknown++
	}
	open := h.mutations(t, &pb.MutationFilter{RequestId: batch.GetRequestId()})
	if unknown != 1 || len(open) != 1 || open[0].GetState() != pb.Mutation_UNKNOWN || len(open[0].GetSteps()) != 3 {
		t.Errorf("%d items of an unknown outcome, and the record %v", unknown, open)
	}
	again, err := client.BatchCreateProductLicenses(t.Context(), proto.CloneOf(batch))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range again.GetResults() {
		if r.GetProductLicense().GetUser() != batch.GetRequests()[i].GetProductLicense().GetUser() {
			t.Errorf("item %d: %v", i, r)
		}
	}
	if n := h.effects(); n != 3 {
		t.Errorf("the vendor saw %d writes", n)
	}
}
