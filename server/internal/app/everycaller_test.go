package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth/roles"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// allVendors serves one account of each kind.
func allVendors(t *testing.T, h *testServer) {
	t.Helper()
	now := time.Now()
	for _, option := range []func(*testing.T, *testServer){furnish, withNCP(now), withTelecomX(now), withAmino(now)} {
		option(t, h)
	}
}

// samples returns a call of every RPC, for a thing that exists. They are the cases that succeed.
func samples(t *testing.T, journal ...string) map[*contract.RPC][]call {
	t.Helper()
	all := map[*contract.RPC][]call{contract.Lookup("drmhub.v1.CallerService/GetCaller"): {parse("GetCaller {}")}}
	for _, kind := range cases(t, journal...) {
		for _, c := range kind {
			if rpc := contract.Lookup(c.call.method); rpc != nil && c.http == http.StatusOK {
				all[rpc] = append(all[rpc], c.call)
			}
		}
	}
	for _, rpc := range contract.RPCs() {
		if len(all[rpc]) == 0 {
			t.Fatalf("no case of %s succeeds", rpc.Name)
		}
	}
	return all
}

var nameInJSON = regexp.MustCompile(`"(vendors|mutations|viewers)/[^"]*"`)

// moved returns the call for things that do not exist: of each name, the ids from one on are
// others.
func (c call) moved(from int) call {
	raw, err := protojson.Marshal(c.req)
	if err != nil {
		panic(err)
	}
	text := nameInJSON.ReplaceAllStringFunc(string(raw), func(quoted string) string {
		segments := strings.Split(strings.Trim(quoted, `"`), "/")
		for i := 1 + 2*from; i < len(segments); i += 2 {
			if segments[i] != "-" {
				segments[i] = "missing-" + segments[i]
			}
		}
		return `"` + strings.Join(segments, "/") + `"`
	})
	return parse(path.Base(c.method) + " " + text)
}

// names returns the names in the call, without those that hold a wildcard.
func (c call) names(wildcard string) []string {
	return slices.DeleteFunc(contract.Names(c.req), func(name string) bool { return strings.Contains(name, wildcard) })
}

// whole makes a call over gRPC, over REST and as HEAD. It returns all that the caller sees of the
// responses, and the reason of the refusal. The reason must be the same over both faces.
func (h *testServer) whole(t *testing.T, c call) (reason, text string) {
	t.Helper()
	res, header, err := h.invoke(t, c)
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(status.Convert(err).Proto())
	code, restHeader, body := h.rest(t, c.rest, c.body)
	text = fmt.Sprintf("%q %v %d %v %s", raw, header["drmhub-mutation"], code, without(restHeader), body)
	if query, ok := strings.CutPrefix(c.rest, "GET "); ok {
		code, restHeader, head := h.rest(t, "HEAD "+query, "")
		text += fmt.Sprintf(" %d %v %s", code, without(restHeader), head)
	}
	if err == nil {
		return "OK", text + inJSON(t, res)
	}
	reason = apierror.Convert(err).Reason.String()
	if rest := failure(t, body); len(rest.Details) == 0 || rest.Details[0].Reason != reason {
		t.Errorf("%s: %s over gRPC, over REST %s", c.rest, reason, body)
	}
	return reason, text
}

// without returns headers without those that differ from call to call.
func without(h http.Header) http.Header {
	h.Del("Date")
	h.Del("X-Request-Id")
	return h
}

// refuses checks that a caller may not make a call, and that the answer is the one for a thing that
// does not exist.
func (h *testServer) refuses(t *testing.T, who string, c, missing call, want string) {
	t.Helper()
	reason, there := h.whole(t, c)
	if reason != want {
		t.Errorf("%s: %s %s: %s, want %s", who, c.rest, c.body, reason, want)
	}
	if _, nowhere := h.whole(t, missing); there != nowhere {
		t.Errorf("%s: what exists: %s\nwhat does not: %s", who, there, nowhere)
	}
}

// refusesUnread checks that somebody without an identity learns nothing about a malformed request.
func (h *testServer) refusesUnread(t *testing.T, c call) {
	t.Helper()
	malformed := &emptypb.Empty{}
	malformed.ProtoReflect().SetUnknown([]byte("\x0a\x02\xff\xfe"))
	err := h.conn.Invoke(t.Context(), c.method, malformed, &emptypb.Empty{})
	if reason := apierror.Convert(err).Reason.String(); reason != "TOKEN_INVALID" {
		t.Errorf("%s: %s for a malformed request", c.method, reason)
	}
}

// TestEveryRPCIsRefusedWithoutARight makes every call without an identity, without the scope, and
// as callers who see other vendors, other sites, or none. No vendor is asked.
func TestEveryRPCIsRefusedWithoutARight(t *testing.T) {
	h := start(t, guarded, allVendors)
	past := h.as(t, everything).history(t)
	calls := samples(t, "$done", past.done, "$failed", past.failed, "$open", past.open, "$id", past.doneID)
	ids := slices.Collect(maps.Keys(h.twins))
	before := h.asked(ids)
	outsiders := map[string]*testServer{}
	for _, confined := range []string{
		`"vendors":["ghost"]`, `"vendors":[]`, `"sites":[]`, `"sites":["vendors/ghost/sites/DEMO"]`,
		`"vendors":["acme","ncp","telecomx","amino"],"sites":[]`,
		`"vendors":[],"sites":["vendors/acme/sites/DEMO"]`,
	} {
		outsiders[confined] = h.as(t, `{"sub":"outsider","roles":["admin","secrets"],`+confined+`}`)
	}
	for rpc, all := range calls {
		scopes := slices.DeleteFunc(roles.Scopes(), func(s string) bool { return s == rpc.Scope })
		lacking := h.as(t, `{"sub":"root","scope":"`+strings.Join(scopes, " ")+`"}`)
		for _, c := range all {
			h.refuses(t, "nobody", c, c.moved(0), "TOKEN_INVALID")
			h.refusesUnread(t, c)
			if rpc.Scope != contract.AnyCaller {
				lacking.refuses(t, "without "+rpc.Scope, c, c.moved(0), "SCOPE_MISSING")
			}
			for confined, who := range outsiders {
				if len(c.names("vendors/-")) > 0 || ofAll(rpc) {
					who.refuses(t, confined, c, c.moved(0), "SCOPE_MISSING")
				} else if reason, text := who.whole(t, c); rpc.Scope != contract.AnyCaller &&
					(reason != "OK" || shows.MatchString(text)) {
					t.Errorf("%s: %s: %s %s", confined, c.rest, reason, text)
				}
			}
		}
	}
	if n := h.asked(ids) - before; n != 0 {
		t.Errorf("vendors were asked %d times", n)
	}
}

// ofAll reports whether an RPC is about all that the server holds, so that a confined caller may
// not make it.
func ofAll(rpc *contract.RPC) bool {
	return rpc.FullMethod() == pb.AuditService_VerifyAuditEvents_FullMethodName
}

// shows matches what an answer to an outsider must not hold.
var shows = regexp.MustCompile(`vendors/(acme|ncp|telecomx|amino|b-)|"root"|pallycon`)

// TestEveryRPCIsRefusedForAnotherSite makes every call as a caller who may see another site of the
// vendor.
func TestEveryRPCIsRefusedForAnotherSite(t *testing.T) {
	h := start(t, guarded, allVendors)
	past := h.as(t, everything).history(t)
	neighbor := h.as(t, `{"sub":"neighbor","roles":["admin","secrets"],"sites":["vendors/acme/sites/other",
		"vendors/ncp/sites/other","vendors/telecomx/sites/other","vendors/amino/sites/other"]}`)
	words := []string{"$done", past.done, "$failed", past.failed, "$open", past.open, "$id", past.doneID}
	for rpc, all := range samples(t, words...) {
		for _, c := range all {
			inside := rpc.Level == contract.LevelAccount
			for _, name := range c.names("/-") {
				name = strings.TrimSuffix(name, "/status") // who sees a vendor sees its status
				inside = inside || strings.Count(name, "/") != 1 || strings.HasPrefix(name, "mutations/")
			}
			if inside && len(c.names("/-")) > 0 || ofAll(rpc) {
				from := 1
				if rpc.Level == contract.LevelServer {
					from = 0
				}
				neighbor.refuses(t, "a neighbor", c, c.moved(from), "SCOPE_MISSING")
			} else if reason, text := neighbor.whole(t, c); rpc.Scope != contract.AnyCaller &&
				(reason != "OK" || strings.Contains(text, "/sites/")) {
				t.Errorf("%s: %s %s", c.rest, reason, text)
			}
		}
	}
}
