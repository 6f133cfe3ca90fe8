package app_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// A call is one operation, as it is made over gRPC and over REST.
type call struct {
	method string // its full name
	req    proto.Message
	rest   string // "GET /v1/vendors"
	body   string
}

// response returns an empty message of the type that the call returns.
func (c call) response() proto.Message {
	if known := contract.Lookup(c.method); known != nil {
		return known.NewResponse()
	}
	return &emptypb.Empty{}
}

// mutating is a request that changes something. The contract gives every such request, and no
// other, these two fields.
type mutating interface {
	GetRequestId() string
	GetValidateOnly() bool
}

// with returns the call with one more field.
func (c call) with(field protoreflect.Name, value any) call {
	req := proto.Clone(c.req)
	contract.Set(req, field, value)
	return rpc(req)
}

// invoke makes the call over gRPC. What a stream sends is put together in one message.
func (h *testServer) invoke(t *testing.T, c call) (res proto.Message, header metadata.MD, err error) {
	t.Helper()
	if req, ok := c.req.(*pb.StreamLicensesRequest); ok {
		messages, err := h.stream(t.Context(), req)
		return &pb.StreamLicensesResponse{Licenses: streamed(messages)}, nil, err
	}
	if req, ok := c.req.(*pb.ExportLicensesRequest); ok {
		rows, err := h.export(t.Context(), req)
		return &pb.StreamLicensesResponse{Licenses: rows}, nil, err
	}
	res = c.response()
	err = h.conn.Invoke(t.Context(), c.method, c.req, res, grpc.WaitForReady(true), grpc.Header(&header))
	return res, header, err
}

// An rpcCase is a call, and what both faces must return. A response must be the same over both.
type rpcCase struct {
	name   string
	call   call
	fault  *twin.Fault // of the vendors, during this case
	idle   bool        // a mutation that makes no write, because nothing is to change
	code   codes.Code
	http   int
	reason pb.ErrorReason
	field  string // of the first violation
	holds  string // text within the response as JSON, or within the message of the error
}

// check makes the call over gRPC at one server and over REST at another, so that each has its own
// effect. Unless both servers are one, a mutation without a request_id gets a dry run first, and is
// repeated afterwards over the other face.
func (c rpcCase) check(t *testing.T, overGRPC, overREST *testServer) {
	t.Helper()
	if c.fault != nil {
		overGRPC.order(t, *c.fault)
		overREST.order(t, *c.fault)
	}
	m, changes := c.call.req.(mutating)
	changes = changes && c.code == codes.OK && !m.GetValidateOnly() && m.GetRequestId() == "" && overGRPC != overREST
	if changes {
		c.call = c.call.with("request_id", uuid.NewString())
		c.try(t, overGRPC, overREST)
	}
	res, header, err := overGRPC.invoke(t, c.call)
	if status.Code(err) != c.code {
		t.Fatalf("gRPC: %v, want %v", err, c.code)
	}
	code, restHeader, answer := overREST.rest(t, c.call.rest, c.call.body)
	if code != c.http {
		t.Fatalf("REST: %d, want %d: %s", code, c.http, answer)
	}
	if err != nil {
		shape(t, c, err, answer)
		return
	}
	if answers(t, c, res, answer); changes {
		records := [2]string{one(t, header["drmhub-mutation"]), one(t, restHeader["Drmhub-Mutation"])}
		if len(header["drmhub-replayed"])+len(restHeader["Drmhub-Replayed"]) > 0 {
			t.Error("the first call counts as a replay")
		}
		c.again(t, overGRPC, overREST, records, res)
	}
}

// answers checks that both faces return the same response, and what it holds.
func answers(t *testing.T, c rpcCase, res proto.Message, answer string) {
	t.Helper()
	if _, streams := res.(*pb.StreamLicensesResponse); streams {
		answer = `{"nextPageToken":"","licenses":[` + strings.ReplaceAll(strings.TrimSpace(answer), "\n", ",") + `]}`
	}
	same(t, answer, res)
	if !strings.Contains(compact(t, answer), c.holds) {
		t.Errorf("the answer does not hold %s: %s", c.holds, answer)
	}
}

// again makes the call once more with the same request_id, at each server over the other face. It
// must return the same response without secrets, from the same record, and make no write.
func (c rpcCase) again(t *testing.T, overGRPC, overREST *testServer, records [2]string, res proto.Message) {
	t.Helper()
	before := overGRPC.writes() + overREST.writes()
	for i, h := range []*testServer{overGRPC, overREST} {
		answer, record, err := h.either(t, c.call, i == 0)
		if err != nil {
			t.Fatalf("the same request_id again: %v", err)
		}
		same(t, answer, redact.Without(res))
		if record != records[i] {
			t.Errorf("the same request_id again returns from %s, want %s", record, records[i])
		}
	}
	if n := overGRPC.writes() + overREST.writes() - before; n != 0 {
		t.Errorf("the same request_id again makes %d writes", n)
	}
}

// one returns the value of a header that must have exactly one.
func one(t *testing.T, values []string) string {
	t.Helper()
	if len(values) != 1 {
		t.Errorf("a header has the values %q, want one", values)
		return ""
	}
	return values[0]
}

// shape checks that an error has the same content over both faces, and its details.
func shape(t *testing.T, c rpcCase, err error, answer string) {
	t.Helper()
	rest := failure(t, answer)
	e := apierror.Convert(err)
	if e.Reason != c.reason {
		t.Errorf("gRPC: reason %v, want %v: %v", e.Reason, c.reason, err)
	}
	reason := len(rest.Details) > 0 && rest.Details[0].Reason == c.reason.String()
	name := code.Code(c.code).String()
	if c.http == http.StatusNotFound { // also of an unknown method, which is UNIMPLEMENTED over gRPC
		name = "NOT_FOUND"
	}
	if rest.Code != c.http || rest.Status != name || !reason || rest.Message == "" {
		t.Errorf("REST: %s", answer)
	}
	if e.Message == "" || !strings.Contains(strings.ToLower(e.Message), strings.ToLower(c.holds)) {
		t.Errorf("the message does not hold %q: %s", c.holds, e.Message)
	}
	if m, changes := c.call.req.(mutating); changes && e.Reason == pb.ErrorReason_OUTCOME_UNKNOWN {
		hasID := m.GetRequestId() != ""
		checkAdvice(t, e.Message, "request_id", hasID)
		checkAdvice(t, rest.Message, "requestId", hasID)
	}
	var fields []string
	for _, v := range e.Violations {
		fields = append(fields, c.call.restName(v.GetField()))
	}
	wantEqual(t, rest.fields(), fields)
	if c.field != "" && (len(e.Violations) == 0 || e.Violations[0].GetField() != c.field) {
		t.Errorf("violations %v, want %s", e.Violations, c.field)
	}
}

// checkAdvice checks the advice of an error whose outcome is unknown. Only a call with an id can be
// repeated. id is what this face calls it.
func checkAdvice(t *testing.T, message, id string, hasID bool) {
	t.Helper()
	repeat, look := strings.Contains(message, "same "+id), strings.Contains(message, "Look at GET /v1/mutations/")
	if !strings.Contains(message, "console") && (repeat != hasID || look == hasID) {
		t.Errorf("advice to repeat: %t, to look: %t, with an id: %t: %s", repeat, look, hasID, message)
	}
}

// restError is the body of an error over REST.
type restError struct {
	Code    int
	Status  string
	Message string
	Details []struct {
		Reason          string
		Metadata        map[string]string
		FieldViolations []struct{ Field, Description string }
	}
}

// fields returns the fields that an error complains about.
func (e restError) fields() (all []string) {
	for _, d := range e.Details {
		for _, v := range d.FieldViolations {
			all = append(all, v.Field)
		}
	}
	return all
}

func failure(t *testing.T, answer string) restError {
	t.Helper()
	var body struct{ Error restError }
	if err := json.Unmarshal([]byte(answer), &body); err != nil {
		t.Fatalf("REST: %v: %s", err, answer)
	}
	return body.Error
}

func compact(t *testing.T, s string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v: %s", err, s)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// same checks that a REST answer is the gRPC answer in the default mapping, unset fields shown.
func same(t *testing.T, answer string, res proto.Message) {
	t.Helper()
	if v, ok := res.(*pb.Viewer); ok { // Each server counts up to its own time.
		var over pb.Viewer
		fromJSON(t, answer, &over)
		v, over.Coverage = proto.CloneOf(v), nil
		v.Coverage = nil
		res, answer = v, inJSON(t, &over)
	}
	raw := inJSON(t, res)
	var a, b map[string]any
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		t.Fatalf("REST: %v: %s", err, answer)
	}
	_ = json.Unmarshal([]byte(raw), &b)
	delete(a, "latency") // differs from call to call
	delete(b, "latency")
	switch res.(type) {
	case *pb.VendorStatus, *pb.Archive, *pb.ListArchivesResponse: // when a server saw something
		withoutTimes(a)
		withoutTimes(b)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("REST answers %s\ngRPC answers %s", answer, raw)
	}
}

// withoutTimes removes all times from a JSON value.
func withoutTimes(value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			withoutTimes(member)
			if strings.HasSuffix(name, "ime") || name == "lag" || name == "remaining" {
				delete(value, name)
			}
		}
	case []any:
		for _, element := range value {
			withoutTimes(element)
		}
	}
}

func inJSON(t *testing.T, m proto.Message) string {
	t.Helper()
	raw, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func fromJSON(t *testing.T, answer string, into proto.Message) {
	t.Helper()
	if err := protojson.Unmarshal([]byte(answer), into); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
}

func wantEqual(t *testing.T, got, want []string) {
	t.Helper()
	same := 0
	for same < min(len(got), len(want)) && got[same] == want[same] {
		same++
	}
	if same < max(len(got), len(want)) {
		g, w := append(got[same:], "the end"), append(want[same:], "the end")
		t.Errorf("%d, want %d; the first that differs: %q, want %q", len(got), len(want), g[0], w[0])
	}
}
