package telecomx_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// customersPassword is one that a caller gives an account.
const customersPassword = "open-sesame-4711"

// A gossip is a vendor that responds to the calls of one method with what it knows of the caller.
// The twin handles other calls. Before it gossips, it refuses as many tokens as it is told to. It
// is the adapter's transport, since the error of a broken connection shows the whole URL.
type gossip struct {
	method string
	refuse int
	tell   telling
	form   func(string) string // of the secrets
	twin   http.RoundTripper
	known  []string // the secrets that calls carry
}

// A telling is a response of a vendor that knows these secrets to a call of this URL.
type telling func(known, target string) (*http.Response, error)

func (g *gossip) RoundTrip(r *http.Request) (*http.Response, error) {
	if token := r.URL.Query().Get("token"); token != "" {
		g.known = append(g.known, token)
	}
	if r.Method != g.method || r.URL.Path == emulator.LoginPath {
		return g.twin.RoundTrip(r)
	}
	tell := g.tell
	if g.refuse--; g.refuse >= 0 {
		tell = says("401 | text/plain | not with KNOWN")
	}
	return tell(strings.Join(g.forms(), " "), r.URL.String())
}

func (g *gossip) forms() (all []string) {
	for _, secret := range g.known {
		all = append(all, g.form(secret))
	}
	return all
}

// says returns the response in a line of testdata/gossip.txt.
func says(line string) telling {
	words := append(strings.SplitN(line, " |", 3), "")
	return func(known, target string) (*http.Response, error) {
		body := strings.NewReplacer("KNOWN", known, "TARGET", target).Replace(strings.TrimSpace(words[2]))
		header := http.Header{"Content-Type": {strings.TrimSpace(words[1])}}
		status, err := strconv.Atoi(words[0])
		switch status {
		case 0:
			proxy := &url.Error{Op: "proxy", URL: target, Err: errors.New(target)}
			return nil, &url.Error{Op: "Get", URL: target, Err: fmt.Errorf("cannot send %s: %w", known, proxy)}
		case http.StatusFound:
			header.Set("Location", "https://elsewhere.invalid"+target+"&"+url.QueryEscape(known))
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, err
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	long := regexp.MustCompile(`X(\d+)`)
	for line := range strings.Lines(wiretest.Fixture(t, "gossip.txt")) {
		if line[0] == '#' {
			continue
		}
		tell := says(long.ReplaceAllStringFunc(line, func(length string) string {
			n, _ := strconv.Atoi(length[1:])
			return strings.Repeat("x", n)
		}))
		for form, write := range wiretest.SecretForms {
			for refused := range 3 { // the token was just renewed, or refused for the second time
				synctest.Test(t, func(t *testing.T) {
					what := fmt.Sprintf("%s, %s, %d tokens refused", line, form, refused)
					for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
						vendor := twin.Transport(duckTwin(emulator.Options{}))
						g := &gossip{method: method, refuse: refused, tell: tell, form: write, twin: vendor}
						g.calls(t, what)
					}
				})
			}
		}
	}
}

// calls makes all calls twice. The second time, the vendor gossips when writes are read back.
func (g *gossip) calls(t *testing.T, what string) {
	t.Helper()
	c := config()
	if g.method != http.MethodGet && g.refuse == 0 {
		c = machine()
	}
	g.known = []string{c.Token.Reveal() + c.Password.Reveal()} // it has one of them
	c.Customer = own
	a := adapterTo(t, c, g)
	removal, creation := mutation.NewMemory(), mutation.NewMemory()
	for range 2 {
		_, err := list(t, a, &pb.ListDrmAccountsRequest{View: pb.DrmAccount_FULL})
		g.wantSilent(t, "ListDrmAccounts", what, err)
		_, err = get(t, a, pb.DrmAccount_FULL)
		g.wantSilent(t, "GetDrmAccount", what, err)
		_, err = remove(t, a, removal, false)
		g.wantSilent(t, "DeleteDrmAccountDevice", what, err)
		before := g.known
		g.known = append(slices.Clip(before), customersPassword)
		_, err = create(t, a, creation, &pb.DrmAccount{Username: "daisy@duck.com", Password: customersPassword})
		g.wantSilent(t, "CreateDrmAccount", what, err)
		g.wantSilent(t, "the stored creation", what, creation.Get("create").Err.Err())
		g.wantSilent(t, "the stored removal", what, removal.Get("delete").Err.Err())
		g.known, g.method = before, http.MethodGet
	}
}

// wantSilent demands that an error shows no secret of the calls.
func (g *gossip) wantSilent(t *testing.T, call, what string, err error) {
	t.Helper()
	wiretest.WantSilent(t, call+", "+what, err, g.forms()...)
}
