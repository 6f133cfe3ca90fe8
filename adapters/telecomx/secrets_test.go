package telecomx_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/encoding/prototext"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// customersPassword is one that a caller gives an account.
const customersPassword = "open-sesame-4711"

// gossip is a vendor that answers the calls of one method with what it knows of the caller, and the
// others as the twin does. Before it does so, it refuses as many tokens as it is told to. It is the
// adapter's transport, since a broken connection shows the whole URL.
type gossip struct {
	method string
	twin   http.RoundTripper
	refuse int
	answer func(known, target string, w http.ResponseWriter) error
	form   func(string) string // of the secrets
	sent   []string            // the secrets that a call can carry, but for the tokens of logins
	tokens []string            // that were given out
}

func (g *gossip) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == emulator.LoginPath {
		return g.login(r)
	}
	if r.Method != g.method {
		return g.twin.RoundTrip(r)
	}
	known := strings.Join(g.known(), " ")
	answer := g.answer
	if g.refuse--; g.refuse >= 0 {
		answer = says(401, "text/plain", "not with KNOWN")
	}
	var failure error
	res, err := twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { failure = answer(known, r.URL.String(), w) })).RoundTrip(r)
	if failure != nil {
		return nil, failure
	}
	return res, err
}

// login keeps the token that the twin gives.
func (g *gossip) login(r *http.Request) (*http.Response, error) {
	res, err := g.twin.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var given struct{ Token string }
	if err := json.Unmarshal(body, &given); err != nil {
		return nil, err
	}
	g.tokens = append(g.tokens, given.Token)
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	return res, nil
}

// known are the secrets in their form: all that a call of the adapter can carry.
func (g *gossip) known() []string {
	var known []string
	for _, secret := range append(g.sent, g.tokens...) {
		known = append(known, g.form(secret))
	}
	return known
}

// says answers a body of a content type.
func says(status int, contentType, format string) func(string, string, http.ResponseWriter) error {
	return func(known, target string, w http.ResponseWriter) error {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, err := io.WriteString(w, strings.NewReplacer("KNOWN", known, "TARGET", target).Replace(format))
		return err
	}
}

// gossips are answers that repeat the secrets, wherever a vendor can put them.
func gossips() map[string]func(string, string, http.ResponseWriter) error {
	const asJSON = "application/json"
	all := map[string]func(string, string, http.ResponseWriter) error{
		"in a page for people":      says(200, "text/html", "<html>KNOWN</html>"),
		"in the URL, on a page":     says(502, "text/html", "<html>TARGET: bad gateway</html>"),
		"in half an answer":         says(200, asJSON, `{"total":1,"accounts":[{"username":"KNOWN`),
		"in no JSON":                says(200, asJSON, `KNOWN`),
		"after an answer":           says(200, asJSON, `{"total":0} KNOWN`),
		"in a name":                 says(200, asJSON, `{"KNOWN":1,"KNOWN":2}`),
		"in a number":               says(200, asJSON, `{"total":"KNOWN","success":"KNOWN","username":{"KNOWN":1},"devices":"KNOWN"}`),
		"in a time":                 says(200, asJSON, `{"success":true,"expires":"KNOWN","username":"other"}`),
		"in what is missing":        says(200, asJSON, `{"success":false,"message":"KNOWN","username":"KNOWN"}`),
		"in a message of a refusal": says(409, asJSON, `{"error":"id","message":"not with KNOWN"}`),
		"in an error of a refusal":  says(409, asJSON, `{"error":"KNOWN"}`),
		"in a Location": func(known, target string, w http.ResponseWriter) error {
			w.Header().Set("Location", "https://elsewhere.invalid"+target+"&"+url.QueryEscape(known))
			w.WriteHeader(http.StatusFound)
			return nil
		},
		"in what broke the connection": func(known, target string, _ http.ResponseWriter) error {
			return &url.Error{Op: "Get", URL: target, Err: fmt.Errorf("cannot send %s: %w", known, &url.Error{Op: "proxy", URL: target, Err: errors.New(target)})}
		},
	}
	for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500, 501, 503} {
		all[fmt.Sprintf("in the body of HTTP %d", status)] = says(status, "text/plain", "not with\r\nKNOWN")
		all[fmt.Sprintf("in the URL, in the body of HTTP %d", status)] = says(status, "text/plain", "not at TARGET")
	}
	// Texts are cut at a length: not so that the beginning of a secret stays.
	for _, before := range []int{440, 480, 490, 495} {
		all[fmt.Sprintf("in a body after %d characters", before)] = says(500, "text/plain", strings.Repeat("x", before)+"KNOWN")
	}
	return all
}

func TestNoErrorShowsASecret(t *testing.T) {
	forms := map[string]func(string) string{
		"plain":   func(s string) string { return s },
		"escaped": url.QueryEscape,
		"base64":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	}
	for where, answer := range gossips() {
		for form, write := range forms {
			for refused := range 3 { // the token was just renewed, or refused for the second time
				synctest.Test(t, func(t *testing.T) {
					what := fmt.Sprintf("%s, %s, %d tokens refused", where, form, refused)
					reads := &gossip{method: http.MethodGet, twin: twin.Transport(duckTwin(emulator.Options{})), refuse: refused, answer: answer, form: write, sent: []string{config().Password.Reveal()}}
					a := adapterTo(t, config(), reads)
					for range 2 {
						_, err := list(t, a, &pb.ListDrmAccountsRequest{View: pb.DrmAccount_FULL})
						reads.wantSilent(t, "ListDrmAccounts", what, err)
						_, err = get(t, a, pb.DrmAccount_FULL)
						reads.wantSilent(t, "GetDrmAccount", what, err)
					}
					for _, method := range []string{http.MethodPost, http.MethodDelete} {
						writes := &gossip{method: method, twin: twin.Transport(duckTwin(emulator.Options{})), refuse: refused, answer: answer, form: write}
						writes.silentWrites(t, what)
					}
				})
			}
		}
	}
}

// silentWrites makes writes, and again with a vendor that gossips when they are read back.
func (g *gossip) silentWrites(t *testing.T, what string) {
	t.Helper()
	c := machine()
	g.sent = []string{c.Token.Reveal()}
	if g.refuse > 0 {
		c = config()
		g.sent = []string{c.Password.Reveal()}
	}
	c.Customer = own
	a := adapterTo(t, c, g)
	removal, creation := mutation.NewMemory(), mutation.NewMemory()
	credentials := g.sent
	for range 2 {
		g.sent = credentials
		_, err := remove(t, a, removal, false)
		g.wantSilent(t, "DeleteDrmAccountDevice", what, err)
		g.sent = append(g.sent, customersPassword)
		_, err = create(t, a, creation, &pb.DrmAccount{Username: "daisy@duck.com", Password: customersPassword})
		g.wantSilent(t, "CreateDrmAccount", what, err)
		g.method = http.MethodGet
	}
	for _, log := range []*mutation.Memory{creation, removal} {
		for _, step := range []string{"create", "delete"} {
			if stored := log.Get(step).Err; stored != nil {
				g.wantSilent(t, "what is stored", what, stored.Err())
			}
		}
	}
}

// wantSilent demands that no text of an error holds a part of the secrets that somebody could use.
func (g *gossip) wantSilent(t *testing.T, call, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	e := apierror.Convert(err)
	texts := []string{err.Error(), fmt.Sprintf("%v %+v", err, e), prototext.Format(e.GRPCStatus().Proto())}
	for key, value := range e.Metadata {
		texts = append(texts, key, value)
	}
	const usable = 10
	for _, secret := range g.known() {
		for i := 0; i+usable <= len(secret); i++ {
			for _, text := range texts {
				if strings.Contains(text, secret[i:i+usable]) {
					t.Errorf("%s, %s: an error shows %d characters of a secret: %s", call, what, usable, text)
					return
				}
			}
		}
	}
}
