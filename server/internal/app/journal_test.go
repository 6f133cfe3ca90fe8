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

// either makes a call over one of the faces. It returns the response as JSON or the error, and the
// name of the record in the header.
func (h *testServer) either(t *testing.T, c call, overREST bool) (answer, record string, _ *apierror.Error) {
	t.Helper()
	if !overREST {
		res, header, err := h.invoke(t, c)
		record = strings.Join(header["drmhub-mutation"], ", ")
		if err != nil {
			return "", record, apierror.Convert(err)
		}
		return inJSON(t, res), record, nil
	}
	httpStatus, header, answer := h.rest(t, c.rest, c.body)
	record = strings.Join(header["Drmhub-Mutation"], ", ")
	if httpStatus == http.StatusOK {
		return answer, record, nil
	}
	rest := failure(t, answer)
	err := &apierror.Error{Code: codes.Code(code.Code_value[rest.Status]), Message: rest.Message}
	if len(rest.Details) > 0 {
		err.Reason = pb.ErrorReason(pb.ErrorReason_value[rest.Details[0].Reason])
		err.Metadata = rest.Details[0].Metadata
	}
	return answer, record, err
}

// loseAnswers orders that each vendor carries out the next such request and loses its response.
func (h *testServer) loseAnswers(method, pathPrefix string) {
	for _, v := range h.twins {
		v.Faults().Add(twin.Fault{Kind: twin.FaultLoseAnswer, Method: method, PathPrefix: pathPrefix, Times: 1})
	}
}

// lose resets a password and loses the response. It returns the name of the record.
func (h *testServer) lose(t *testing.T, c call) string {
	t.Helper()
	h.loseAnswers("PUT", "/api/v2/account/member")
	return h.unknown(t, c, false)
}

func TestARequestIDIsForOneRequest(t *testing.T) {
	h := start(t)
	const id, other = "6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11", "0b6f3c1c-2d11-4b83-9d0c-6f2a4f5e3a4c"
	plain := disableSite(demo, "audit")
	first := plain.with("request_id", id)
	_, record, err := h.either(t, first, false)
	if err != nil {
		t.Fatal(err)
	}
	expect(disableSite(demo, "another reason").with("request_id", id), "REQUEST_ID_REUSED "+id).check(t, h, h)

	for name, c := range map[string]struct {
		body, header string
		code         int
	}{
		"in the header":             {plain.body, id, 200},
		"in capitals":               {plain.body, strings.ToUpper(id), 200},
		"in quotes":                 {plain.body, `"` + id + `"`, 200},
		"in the body":               {first.body, id, 200},
		"another one in the header": {first.body, other, 400},
		"no UUID":                   {plain.body, "again", 400},
	} {
		code, header, answer := h.rest(t, plain.rest, c.body, "Idempotency-Key", c.header)
		if code != c.code {
			t.Errorf("%s: %d, want %d: %s", name, code, c.code, answer)
		}
		if name == "no UUID" && !strings.Contains(answer, `"message":"Idempotency-Key: must be a UUID`) {
			t.Errorf("%s: the error is not about the header: %s", name, answer)
		}
		replayed := header.Get("Drmhub-Replayed") == "true"
		if code == 200 && (one(t, header["Drmhub-Mutation"]) != record || !replayed) {
			t.Errorf("%s: from %s, replayed %t, want %s", name, header["Drmhub-Mutation"], replayed, record)
		}
	}
	if n := h.effects(); n != 1 {
		t.Errorf("the vendor saw %d writes", n)
	}
}

func TestARestartAnswersTheSame(t *testing.T) {
	h := start(t, furnish, withAmino(time.Now()), func(t *testing.T, h *testServer) {
		h.cfg.Store.DSN = config.NewDSN(storetest.SQLite(t))
	})
	create := parse(`CreateProductLicense {"parent":"vendors/amino",
		"productLicense":{"user":"ann","product":"`+movies+`"}}`).with("request_id", uuid.NewString())
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
		_, from, err = h.either(t, refused, overREST)
		if err == nil || err.Reason != pb.ErrorReason_RESOURCE_NOT_FOUND || from != refusal {
			t.Errorf("the refused call: from %s, %v", from, err)
		}
		if from := h.unknown(t, open, overREST); from != lost {
			t.Errorf("the call in doubt: from %s", from)
		}
	}
	if n := h.effects(); n != 2 { // a license, and a password
		t.Errorf("the vendors saw %d writes", n)
	}
}

// TestALostAnswer lets every vendor carry out a write and lose its response.
func TestALostAnswer(t *testing.T) {
	now := time.Now()
	account := parse(`CreateDrmAccount {"parent":"vendors/telecomx","drmAccount":{},"view":"FULL"}`)
	replace := parse(`ReplaceProductLicense {"name":"` + owned + `/L1",
		"productLicense":{"user":"ann","product":"` + sports + `"}}`)
	toSports := `"product":"` + sports + `"`
	for name, c := range map[string]struct {
		option       func(*testing.T, *testServer)
		call         call
		method, path string // of the request whose response is lost
		effects      int
		holds        string
	}{
		"PallyCon switches a site off":    {furnish, disableSite(demo, ""), "POST", "/", 1, `"state":"PENDING"`},
		"NAVER Cloud switches a site off": {withNCP(now), disableSite(mySite, ""), "PUT", "/", 1, `"enabled":false`},
		"TelecomX creates an account":     {withTelecomX(now), account, "POST", "/iptv/drm", 1, `"deviceCount":0`},
		"AminoTV revokes before issuing":  {withAmino(now), replace, "DELETE", "/api/license/", 2, toSports},
		"AminoTV issues after revoking":   {withAmino(now), replace, "POST", "/api/license/", 2, `"playable":true`},
	} {
		for face, overREST := range map[string]bool{" over gRPC": false, " over REST": true} {
			t.Run(name+face, func(t *testing.T) {
				h := start(t, c.option)
				again := c.call.with("request_id", uuid.NewString())
				h.loseAnswers(c.method, c.path)
				record := h.unknown(t, again, overREST)
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

// TestABatchWithALostAnswer checks the outcome of each item, and settles the item in doubt.
func TestABatchWithALostAnswer(t *testing.T) {
	h := start(t, withAmino(time.Now()))
	batch := &pb.BatchCreateProductLicensesRequest{Parent: aminoVendor, RequestId: uuid.NewString()}
	for _, user := range []string{"x", "y", "z"} {
		item := &pb.CreateProductLicenseRequest{ProductLicense: &pb.ProductLicense{User: user, Product: movies}}
		batch.Requests = append(batch.Requests, item)
	}
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
		e := apierror.Convert(status.FromProto(r.GetError()).Err())
		if e.Reason != pb.ErrorReason_OUTCOME_UNKNOWN || e.Metadata[apierror.Vendor] != "amino" {
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

// TestAGeneratedPasswordIsToldOnce creates an account. drmhub picks the username, and TelecomX the
// password.
func TestAGeneratedPasswordIsToldOnce(t *testing.T) {
	h := start(t, withTelecomX(time.Now()))
	create := parse(`CreateDrmAccount {"parent":"vendors/telecomx","view":"FULL",
		"drmAccount":{"customer":"`+business+`"}}`).with("request_id", uuid.NewString())
	var made pb.DrmAccount
	fromJSON(t, h.do(t, create), &made)
	password := made.GetPassword()
	if len(strings.Trim(made.GetUsername(), "0123456789")) > 0 || len(made.GetUsername()) != 10 || len(password) < 6 {
		t.Fatalf("%v", &made)
	}
	made.Password = ""
	again, record, err := h.either(t, create, true)
	if err != nil || record == "" {
		t.Errorf("the same request_id again: %v from %q", err, record)
	}
	same(t, again, &made)
	held := h.do(t, parse(`GetDrmAccount {"name":"`+made.GetName()+`","view":"FULL"}`))
	if !strings.Contains(held, password) {
		t.Error("GetDrmAccount returns another password")
	}
	if n := h.effects(); n != 1 {
		t.Errorf("%d accounts were created", n)
	}
}
