package app_test

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// try makes the call with validate_only, over gRPC at one server and over REST at another. It must
// return a response, tell what it would send, and change nothing. Its request_id stays free.
func (c rpcCase) try(t *testing.T, overGRPC, overREST *testServer) {
	t.Helper()
	trial := c.call.with("validate_only", true)
	writes, records := overGRPC.writes()+overREST.writes(), overGRPC.records(t)+overREST.records(t)
	res, header, err := overGRPC.invoke(t, trial)
	if err != nil {
		t.Fatalf("a dry run over gRPC: %v", err)
	}
	code, restHeader, answer := overREST.rest(t, trial.rest, trial.body)
	if code != http.StatusOK {
		t.Fatalf("a dry run over REST: %d: %s", code, answer)
	}
	same(t, answer, res)
	if redact.Has(res) {
		t.Error("a dry run returns secrets")
	}
	planned := overGRPC.planned(t, c, header["drmhub-planned-request"])
	if rest := overREST.planned(t, c, restHeader["Drmhub-Planned-Request"]); !slices.Equal(planned, rest) {
		t.Errorf("a dry run plans over gRPC %q, over REST %q", planned, rest)
	}
	for i, request := range restHeader["Drmhub-Planned-Request"] {
		if numbered := restHeader.Get(fmt.Sprintf("Drmhub-Planned-Request-%d", i+1)); numbered != request {
			t.Errorf("planned request %d is %q, want %q", i+1, numbered, request)
		}
	}
	if named := append(header["drmhub-mutation"], restHeader["Drmhub-Mutation"]...); len(named) != 0 {
		t.Errorf("a dry run has the records %q", named)
	}
	if n := overGRPC.records(t) + overREST.records(t) - records; n != 0 {
		t.Errorf("dry runs leave %d records", n)
	}
	if n := overGRPC.writes() + overREST.writes() - writes; n != 0 {
		t.Errorf("dry runs make %d writes", n)
	}
}

var (
	curlLine = regexp.MustCompile(`^curl --[[:print:]]*$`)
	// tokenParameter matches a parameter that holds a credential.
	tokenParameter = regexp.MustCompile(`[?&]token=([^&' ]*)`)
)

// planned checks the requests that a dry run would send, and returns them without the addresses of
// the vendors.
func (h *testServer) planned(t *testing.T, c rpcCase, requests []string) (lines []string) {
	t.Helper()
	if (len(requests) == 0) != c.idle {
		t.Errorf("a dry run plans %q", requests)
	}
	secrets := slices.Concat(h.secrets(), secretsOf(c.call.req.ProtoReflect()))
	for _, line := range requests {
		if !curlLine.MatchString(line) {
			t.Errorf("a dry run plans what is no curl line of printable ASCII: %q", line)
		}
		for _, s := range secrets {
			if strings.Contains(line, s) {
				t.Errorf("a planned request shows a secret: %s", line)
			}
		}
		for _, shown := range tokenParameter.FindAllStringSubmatch(line, -1) {
			if shown[1] != secret.Redacted {
				t.Errorf("a planned request shows a token: %s", line)
			}
		}
		for _, v := range h.cfg.Vendors {
			line = strings.ReplaceAll(line, reflect.ValueOf(v.Settings).Elem().FieldByName("BaseURL").String(), "")
		}
		lines = append(lines, line)
	}
	return lines
}

// secrets returns the secrets of the configuration.
func (h *testServer) secrets() (all []string) {
	for _, v := range h.cfg.Vendors {
		for _, setting := range reflect.ValueOf(v.Settings).Elem().Fields() {
			if s, ok := reflect.TypeAssert[secret.Text](setting); ok && !s.IsZero() {
				all = append(all, s.Reveal())
			}
		}
	}
	return all
}

// secretsOf returns the secrets that a request holds.
func secretsOf(m protoreflect.Message) (all []string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case contract.IsSecret(f):
			all = append(all, fmt.Sprintf("%s", v.Interface()))
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				all = append(all, secretsOf(v.List().Get(i).Message())...)
			}
		default:
			all = append(all, secretsOf(v.Message())...)
		}
		return true
	})
	return all
}

// writes counts the changes at the vendors, and the requests other than reads and logins.
func (h *testServer) writes() int {
	n := h.effects()
	for _, v := range h.twins {
		for _, r := range v.Ledger().Requests() {
			if r.Method != http.MethodGet && !strings.HasPrefix(r.Target, "/auth/login") {
				n++
			}
		}
	}
	return n
}

// effects counts the changes at the vendors.
func (h *testServer) effects() int { return len(h.effectKinds()) }

// effectKinds returns the kinds of the changes at the vendors, in their order at each.
func (h *testServer) effectKinds() (kinds []string) {
	for _, v := range h.twins {
		for _, e := range v.Ledger().Effects() {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// order orders a fault of all vendors, until the end of the test.
func (h *testServer) order(t *testing.T, fault twin.Fault) {
	t.Helper()
	for _, v := range h.twins {
		id := v.Faults().Add(fault)
		t.Cleanup(func() { v.Faults().Remove(id) })
	}
}

// records counts the mutations that the journal keeps.
func (h *testServer) records(t *testing.T) int {
	t.Helper()
	return len(h.mutations(t, nil))
}

// mutations returns the mutations that the filter chooses, newest first.
func (h *testServer) mutations(t *testing.T, filter *pb.MutationFilter) []*pb.Mutation {
	t.Helper()
	list := h.pages(t, &pb.ListMutationsRequest{Filter: filter}, 1000, false)
	return list.(*pb.ListMutationsResponse).GetMutations()
}
