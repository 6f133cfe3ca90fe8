package pallycon_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
)

// A gossip is a vendor that repeats the caller's secrets in the replies to one method. To other
// methods it replies as the twin does. It is the adapter's transport, because a broken connection
// can show what was sent, too.
type gossip struct {
	method string
	twin   http.RoundTripper
	answer answer
	form   func(string) string // of the secrets
	token  string
}

// An answer writes a reply that holds known, which are the key and the token. Its error is how the
// connection breaks.
type answer func(known string, w http.ResponseWriter) error

func (g *gossip) RoundTrip(r *http.Request) (*http.Response, error) {
	g.token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.Method != g.method {
		return g.twin.RoundTrip(r)
	}
	known := g.form(twinConfig().ServiceAPIKey.Reveal()) + " " + g.form(g.token)
	var failure error
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { failure = g.answer(known, w) })
	res, err := twin.Transport(handler).RoundTrip(r)
	if failure != nil {
		return nil, failure
	}
	return res, err
}

// says returns a body with known in the place of KNOWN.
func says(status int, contentType, format string) answer {
	return func(known string, w http.ResponseWriter) error {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, err := io.WriteString(w, strings.ReplaceAll(format, "KNOWN", known))
		return err
	}
}

// inJSON is says with a JSON body.
func inJSON(format string) answer { return says(200, "application/json", format) }

// inHeader returns a reply with known in a header.
func inHeader(status int, name, prefix string) answer {
	return func(known string, w http.ResponseWriter) error {
		w.Header().Set(name, prefix+known)
		w.WriteHeader(status)
		_, err := io.WriteString(w, "no")
		return err
	}
}

// gossips are the replies that repeat the key and the token, wherever a vendor can put them.
func gossips() map[string]answer {
	all := map[string]answer{
		"in an error_message":          inJSON(`{"error_code":"7777","error_message":"not with KNOWN\u001b"}`),
		"in an error_code":             inJSON(`{"error_code":"KNOWN","error_message":"no"}`),
		"in a page for people":         says(200, "text/html", "<html>KNOWN</html>"),
		"in a content type":            inHeader(200, "Content-Type", "text/"),
		"in half an answer":            inJSON(`{"error_code":"0000","data":[{"cid":"KNOWN`),
		"in no JSON":                   inJSON(`KNOWN`),
		"after an answer":              inJSON(`{"error_code":"0000","data":[],"count":0} KNOWN`),
		"in a name":                    inJSON(`{"KNOWN":1,"KNOWN":2}`),
		"in an error_code of a number": inJSON(`{"error_code":{"KNOWN":1}}`),
		"in data of another form":      inJSON(`{"error_code":"0000","data":"KNOWN"}`),
		"in data before the code":      inJSON(`{"data":"KNOWN","error_code":"0000"}`),
		"in a count":                   inJSON(`{"error_code":"0000","data":[],"count":"KNOWN"}`),
		"in a reg_time":                inJSON(`{"error_code":"0000","data":[{"reg_time":"KNOWN"}],"count":1}`),
		"in a Location":                inHeader(302, "Location", "https://elsewhere.invalid/?"),
		"in a Retry-After":             inHeader(429, "Retry-After", ""),
		"in what broke the connection": func(known string, _ http.ResponseWriter) error {
			err := errors.New("cannot send " + known)
			return &url.Error{Op: "Get", URL: "http://pallycon.invalid/?" + known, Err: err}
		},
	}
	for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500, 501, 503} {
		body := "not with\r\nAuthorization: Bearer KNOWN"
		all[fmt.Sprintf("in the body of HTTP %d", status)] = says(status, "text/plain", body)
	}
	// Texts are cut at a length. The beginning of a secret must not remain.
	for _, before := range []int{440, 480, 490, 495} {
		long := strings.Repeat("x", before)
		message := `{"error_code":"7777","error_message":"` + long + `KNOWN"}`
		all[fmt.Sprintf("in an error_message after %d characters", before)] = inJSON(message)
		all[fmt.Sprintf("in a body after %d characters", before)] = says(500, "text/plain", long+"KNOWN")
	}
	return all
}

func TestNoErrorShowsTheKeyOrTheToken(t *testing.T) {
	for name, answer := range gossips() {
		for form, write := range wiretest.SecretForms {
			synctest.Test(t, func(t *testing.T) {
				vendor := func(method string) *gossip {
					return &gossip{method: method, twin: twin.Transport(demoTwin()), answer: answer, form: write}
				}
				reads := vendor(http.MethodGet)
				a := adapterTo(t, twinConfig(), reads)
				_, err := list(t, a, nil)
				reads.wantSilent(t, "ListLicenses", name, form, err)
				_, err = a.Check(t.Context())
				reads.wantSilent(t, "Check", name, form, err)

				writes := vendor(http.MethodPost)
				log := mutation.NewMemory()
				a = adapterTo(t, twinConfig(), writes)
				_, err = disable(t, a, log)
				if err == nil {
					t.Errorf("%s: DisableSite succeeds", name)
				}
				writes.wantSilent(t, "DisableSite", name, form, err)
				writes.method = http.MethodGet // so that reading back fails
				_, err = disable(t, a, log)
				writes.wantSilent(t, "DisableSite, run again", name, form, err)
			})
		}
	}
}

// wantSilent demands that an error shows no part of the key and of the token.
func (g *gossip) wantSilent(t *testing.T, call, where, form string, err error) {
	t.Helper()
	_, claims, _ := strings.Cut(g.token, ".") // all tokens begin alike
	key, token := g.form(twinConfig().ServiceAPIKey.Reveal()), g.form(g.token)
	what := fmt.Sprintf("%s, with the secrets %s (%s)", call, where, form)
	wiretest.WantSilent(t, what, err, key, g.form(claims), token[len(token)/2:])
}
