package telecomx_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/twin"
)

func TestScenarios(t *testing.T) {
	wiretest.Scenarios{
		New: func(t *testing.T) (set func(key, value string) error, connect func(http.RoundTripper) any) {
			c, login := config(), loggedIn
			set = func(key, value string) error {
				switch key {
				case "user":
				case "machine":
					c = machine()
				case "customer":
					c.Customer = value
				case "login":
					login = value
				default:
					return fmt.Errorf("the scenarios have no setting %q", key)
				}
				return nil
			}
			return set, func(vendor http.RoundTripper) any { return adapterTo(t, c, &session{t, vendor, login}) }
		},
		Reply:    wiretest.StatusAndBody,
		JSONType: "application/json",
	}.Run(t)
}

// A session responds to the login. It checks the token of each other call, and hides it from the
// vendor.
type session struct {
	t      *testing.T
	vendor http.RoundTripper
	login  string
}

func (s *session) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/auth/login" {
		login := wiretest.NewServer(s.t, replies{postLogin: ok(s.login)})
		return twin.Transport(login).RoundTrip(r)
	}
	query := r.URL.Query()
	token := strings.Join(query["token"], " and ")
	if token != "the-first-token" && token != "the-machine-token" {
		s.t.Errorf("%s %s has the token %q", r.Method, r.URL.Path, token)
	}
	if r.Header.Get("Authorization")+r.Header.Get("Cookie") != "" {
		s.t.Errorf("%s %s has credentials in its header", r.Method, r.URL.Path)
	}
	query.Del("token")
	r = r.Clone(r.Context())
	r.URL.RawQuery = query.Encode()
	return s.vendor.RoundTrip(r)
}
