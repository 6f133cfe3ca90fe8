package app_test

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// try makes the call with validate_only, over gRPC at one server and over REST at another: it must
// answer as a call does, tell what it would send, and change nothing. Nor does it use up its
// request_id.
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
		t.Error("a dry run answers secrets")
	}
	planned := overGRPC.planned(t, c, header["drmhub-planned-request"])
	if rest := overREST.planned(t, c, restHeader["Drmhub-Planned-Request"]); !slices.Equal(planned, rest) {
		t.Errorf("a dry run plans over gRPC %q, over REST %q", planned, rest)
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

// tokenParameter has a credential in it.
var tokenParameter = regexp.MustCompile(`[?&]token=([^&' ]*)`)

// planned checks the requests that a dry run would send, and answers them without what differs from
// server to server.
func (h *testServer) planned(t *testing.T, c rpcCase, requests []string) (lines []string) {
	t.Helper()
	if (len(requests) == 0) != c.idle {
		t.Errorf("a dry run plans %q", requests)
	}
	secrets := slices.Concat(h.secrets(), secretsOf(c.call.req.ProtoReflect()))
	for _, line := range requests {
		if !strings.HasPrefix(line, "curl --") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("a dry run plans no curl line of printable ASCII: %q", line)
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

// secrets are those of the configuration.
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

// secretsOf are those that a request holds.
func secretsOf(m protoreflect.Message) (all []string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Options().(*descriptorpb.FieldOptions).GetDebugRedact():
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

// writes counts what reached the vendors that was not to read or to log in, and what changed there.
func (h *testServer) writes() (n int) {
	for _, v := range h.twins {
		n += len(v.Ledger().Effects()) + len(writesTo(v))
	}
	return n
}

func writesTo(v *twin.Twin) []twin.Request {
	return slices.DeleteFunc(v.Ledger().Requests(), func(r twin.Request) bool {
		return r.Method == http.MethodGet || strings.HasPrefix(r.Target, "/auth/login")
	})
}

// effects counts what changed at the vendors.
func (h *testServer) effects() (n int) {
	for _, v := range h.twins {
		n += len(v.Ledger().Effects())
	}
	return n
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
	return len(h.mutations(t, &pb.MutationFilter{}))
}

// mutations are those that the filter chooses, newest first.
func (h *testServer) mutations(t *testing.T, filter *pb.MutationFilter) (all []*pb.Mutation) {
	t.Helper()
	req := &pb.ListMutationsRequest{Filter: filter, PageSize: 1000}
	for {
		page, err := pb.NewMutationServiceClient(h.conn).ListMutations(t.Context(), proto.CloneOf(req))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.GetMutations()...)
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			return all
		}
	}
}
