package app_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/config"
)

// canaries are secrets, each of which no text of the server may hold in any encoding.
type canaries struct {
	secrets map[string]bool
	texts   map[string]string // by where they are from
	session string            // the cookie of a person
}

func (c *canaries) add(secrets ...string) {
	for _, s := range secrets {
		if len(s) >= 8 { // A shorter one could be in a text by chance.
			c.secrets[s] = true
		}
	}
}

func (c *canaries) say(where, text string) { c.texts[where] += text + "\n" }

// encodings returns a secret as texts have it.
func encodings(s string) []string {
	quoted, _ := json.Marshal(s)
	return []string{
		s, strings.Trim(string(quoted), `"`), url.QueryEscape(s), url.PathEscape(s),
		hex.EncodeToString([]byte(s)), strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(s)), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(s)), "="),
	}
}

// check reads each text once, since the texts are long and the secrets are many. It looks for the
// first bytes of all secrets at a time.
func (c *canaries) check(t *testing.T) {
	t.Helper()
	const first = 8 // No secret is shorter.
	type form struct{ secret, encoded string }
	forms := map[string][]form{}
	for s := range c.secrets {
		for _, encoded := range encodings(s) {
			forms[encoded[:first]] = append(forms[encoded[:first]], form{s, encoded})
		}
	}
	for where, text := range c.texts {
		found := map[form]bool{}
		for at := range max(0, len(text)-first+1) {
			for _, f := range forms[text[at:at+first]] {
				if !found[f] && strings.HasPrefix(text[at:], f.encoded) {
					found[f] = true
					around := text[max(0, at-150):min(len(text), at+len(f.encoded)+50)]
					t.Errorf("the secret %q is in %s: %q", f.secret, where, around)
				}
			}
		}
	}
}

// withCanaries makes the secrets of a configuration long and unique. The store and the audit trail
// are in files.
func withCanaries(t *testing.T, dir string) func(*testing.T, *testServer) {
	people := withPeople(t, newProvider(t))
	return func(t *testing.T, h *testServer) {
		people(t, h)
		h.cfg.HTTP.TLS, h.cfg.Ops = nil, &config.Ops{Listen: "127.0.0.1:0"}
		h.cfg.Auth.Limits = &config.Limits{}
		client, digest := secret.New("canary/oidc+secret&<é>"), secret.New("canary-of-the-digest-key-in-32-bytes")
		h.cfg.Auth.OIDC.ClientSecret, h.cfg.Store.DigestKey = &client, &digest
		h.cfg.Store.DSN = config.NewDSN("sqlite:" + filepath.Join(dir, "drmhub.db"))
		h.cfg.Audit.File = config.OutFile(filepath.Join(dir, "audit.jsonl"))
		h.twin.PutIntegration("DEMO", emulator.Integration{
			SiteKey: "Y2FuYXJ5b2ZhbGxzaXRla2V5cw==", AccessKey: "canaryaccesskey", KMSToken: "canarykmstoken",
			IV: "canary7890abcdef", TokenDuration: time.Minute,
		})
	}
}

// try makes a call over both faces, and keeps all that it returns. Only a holder may see secrets.
func (c *canaries) try(t *testing.T, h, holder *testServer, where string, call call) {
	t.Helper()
	c.add(secretsOf(call.req.ProtoReflect())...)
	res, header, err := holder.invoke(t, call)
	if err == nil {
		c.add(secretsOf(res.ProtoReflect())...)
	}
	c.say("the metadata of "+where, fmt.Sprintf("%v %v %+v", header, err, apierror.Convert(err)))
	if res, header, err = h.invoke(t, call); err == nil {
		c.say("the responses of "+where, inJSON(t, res))
	}
	c.say("the responses of "+where, fmt.Sprint(header, err))
	for _, headers := range [][]string{nil, {"Cookie", c.session}} {
		_, header, answer := h.rest(t, call.rest, call.body, headers...)
		c.say("the REST responses of "+where, fmt.Sprint(header, answer))
	}
}

// echoes are answers of a vendor that repeats secrets of its requests, in a body and in a header.
func echoes(secrets []string) (faults []twin.Fault) {
	slices.SortFunc(secrets, func(a, b string) int { return len(a) - len(b) }) // A message has an end.
	for form := range encodings("") {
		var all []string
		for _, s := range secrets {
			all = append(all, encodings(s)[form])
		}
		text := strings.Join(all, " ")
		body, _ := json.Marshal(map[string]any{
			"error_code": "4711", "error_message": text, "message": text, "error": map[string]string{"message": text},
		})
		header := map[string]string{"Content-Type": "application/json", "X-Echo": url.QueryEscape(text)}
		faults = append(faults, twin.Fault{Kind: twin.FaultAnswer, Status: 400, Header: header, Body: string(body)})
		if form == 0 {
			faults = append(faults,
				twin.Fault{Kind: twin.FaultAnswer, Status: 500, Header: header, Body: text},
				twin.Fault{Kind: twin.FaultAnswer, Header: header, Body: text})
		}
	}
	return append(faults, twin.Fault{Kind: twin.FaultCutBody})
}

func TestNoSecretLeaves(t *testing.T) {
	dir, now, collected := t.TempDir(), time.Now(), newCollector(t)
	h := start(t, furnish, withCanaries(t, dir), withNCP(now), withTelecomX(now), withAmino(now))
	c := &canaries{secrets: map[string]bool{}, texts: map[string]string{}}
	c.add(h.secrets()...)
	c.add(h.cfg.Auth.OIDC.ClientSecret.Reveal(), h.cfg.Store.DigestKey.Reveal())
	c.add(string(tokentest.Key("hs256").([]byte)))
	sign := func(subject string, roles ...string) string {
		claims := map[string]any{"iss": h.cfg.Auth.Issuer, "sub": subject, "roles": roles}
		token := tokentest.Sign("HS256", "hs256", claims)
		c.add(token, token[strings.LastIndex(token, ".")+1:])
		return token
	}
	c.session = c.login(t, h, sign("person", "admin"))
	asAdmin := h.with(t, "Bearer "+sign("admin", "admin"))
	asHolder := h.with(t, "Bearer "+sign("holder", "admin", "secrets"))
	all := cases(t)
	for kind, list := range all {
		for _, one := range list {
			if _, changes := one.call.req.(mutating); changes {
				c.try(t, asAdmin, asHolder, kind+" in dry runs", one.call.with("validate_only", true))
			}
			c.try(t, asAdmin, asHolder, kind, one.call)
		}
	}
	for _, row := range tokentest.Table() {
		if row.Reason != "" && !strings.ContainsAny(row.Token, "\n\x00") {
			c.add(row.Token)
			stranger := h.with(t, "Bearer "+row.Token)
			c.try(t, stranger, stranger, "refused tokens", rpc(&pb.ListVendorsRequest{}))
		}
	}
	c.tryEchoes(t, h, asAdmin, asHolder, all)
	c.try(t, asAdmin, asAdmin, "records", rpc(&pb.ListMutationsRequest{}))
	c.try(t, asAdmin, asAdmin, "records", rpc(&pb.ListAuditEventsRequest{}))
	c.say("the metrics", h.metrics(t, h.OpsAddr()))
	c.say("the configuration", fmt.Sprintf("%v %+v %#v", *h.cfg, h.cfg.Auth.OIDC, *h.cfg))
	for _, file := range []string{"drmhub.db", "drmhub.db-wal", "audit.jsonl"} {
		content, _ := os.ReadFile(filepath.Join(dir, file)) // SQLite may have no log.
		c.say(file, string(content))
	}
	if err := h.stop(); err != nil {
		t.Error(err)
	}
	c.say("the log", h.log.String())
	for path, sent := range collected.sent {
		c.say("what is sent to "+path, string(sent))
	}
	for where, least := range map[string]int{
		"the log": 1000, "the metrics": 300, "drmhub.db": 10_000, "audit.jsonl": 10_000,
		"what is sent to /v1/traces": 10_000, "what is sent to /v1/metrics": 1000, "what is sent to /v1/logs": 10_000,
	} {
		if len(c.texts[where]) < least {
			t.Errorf("%s has %d bytes only", where, len(c.texts[where]))
		}
	}
	c.check(t)
}

// login begins a browser's session with a token, and returns its cookie.
func (c *canaries) login(t *testing.T, h *testServer, token string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"token": token})
	status, header, answer := h.rest(t, "POST /console/login", string(body))
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	_, value, _ := strings.Cut(cookie, "=")
	if c.add(value); status != 204 || value == "" {
		t.Fatalf("no session: %d %s", status, answer)
	}
	return cookie
}

// tryEchoes makes a read and a write at each vendor while it repeats all secrets.
func (c *canaries) tryEchoes(t *testing.T, h, asAdmin, asHolder *testServer, cases map[string][]rpcCase) {
	t.Helper()
	for i, kind := range []string{"pallycon", "ncp", "telecomx", "amino"} {
		var read, write call
		var held []string
		for _, one := range cases[kind] {
			_, changes := one.call.req.(mutating)
			_, streams := one.call.req.(*pb.StreamLicensesRequest)
			holds := secretsOf(one.call.req.ProtoReflect())
			switch {
			case one.code != codes.OK || streams:
			case !changes:
				read = one.call
			case len(holds) >= len(held):
				write, held = one.call, holds
			}
		}
		vendor := h.cfg.Vendors[i].ID
		known := (&testServer{cfg: &config.Config{Vendors: h.cfg.Vendors[i : i+1]}}).secrets()
		all := append(held, known...)
		for secrets, call := range map[*[]string]call{&known: read, &all: write} {
			for _, fault := range echoes(*secrets) {
				id := h.twins[vendor].Faults().Add(fault)
				c.try(t, asAdmin, asHolder, kind+" with echoes", call)
				h.twins[vendor].Faults().Remove(id)
			}
		}
	}
}
