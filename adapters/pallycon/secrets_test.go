package pallycon_test

import (
	"encoding/base64"
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
	"github.com/drmhub/drmhub/adapters/twin"
)

// gossip is a vendor that answers the calls of one method with what it knows of the caller, and the
// others as the twin does. It is the adapter's transport, since a broken connection can show what
// was sent too.
type gossip struct {
	method string
	twin   http.RoundTripper
	answer func(known string, w http.ResponseWriter) error // known are the key and the token
	form   func(string) string                             // of the secrets
	token  string
}

func (g *gossip) RoundTrip(r *http.Request) (*http.Response, error) {
	g.token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.Method != g.method {
		return g.twin.RoundTrip(r)
	}
	known := g.form(twinConfig().ServiceAPIKey.Reveal()) + " " + g.form(g.token)
	var failure error
	res, err := twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { failure = g.answer(known, w) })).RoundTrip(r)
	if failure != nil {
		return nil, failure
	}
	return res, err
}

// says answers a body of a content type.
func says(status int, contentType, format string) func(string, http.ResponseWriter) error {
	return func(known string, w http.ResponseWriter) error {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, err := io.WriteString(w, strings.ReplaceAll(format, "KNOWN", known))
		return err
	}
}

// gossips are answers that repeat the key and the token, wherever a vendor can put them.
func gossips() map[string]func(string, http.ResponseWriter) error {
	const asJSON = "application/json"
	all := map[string]func(string, http.ResponseWriter) error{
		"in an error_message":          says(200, asJSON, `{"error_code":"7777","error_message":"not with KNOWN\u001b"}`),
		"in an error_code":             says(200, asJSON, `{"error_code":"KNOWN","error_message":"no"}`),
		"in a page for people":         says(200, "text/html", "<html>KNOWN</html>"),
		"in a content type":            func(k string, w http.ResponseWriter) error { return says(200, "text/"+k, "no")(k, w) },
		"in half an answer":            says(200, asJSON, `{"error_code":"0000","data":[{"cid":"KNOWN`),
		"in no JSON":                   says(200, asJSON, `KNOWN`),
		"after an answer":              says(200, asJSON, `{"error_code":"0000","data":[],"count":0} KNOWN`),
		"in a name":                    says(200, asJSON, `{"KNOWN":1,"KNOWN":2}`),
		"in an error_code of a number": says(200, asJSON, `{"error_code":{"KNOWN":1}}`),
		"in data of another form":      says(200, asJSON, `{"error_code":"0000","data":"KNOWN"}`),
		"in data before the code":      says(200, asJSON, `{"data":"KNOWN","error_code":"0000"}`),
		"in a count":                   says(200, asJSON, `{"error_code":"0000","data":[],"count":"KNOWN"}`),
		"in a reg_time":                says(200, asJSON, `{"error_code":"0000","data":[{"reg_time":"KNOWN"}],"count":1}`),
		"in a Location": func(known string, w http.ResponseWriter) error {
			w.Header().Set("Location", "https://elsewhere.invalid/?"+known)
			w.WriteHeader(http.StatusFound)
			return nil
		},
		"in a Retry-After": func(known string, w http.ResponseWriter) error {
			w.Header().Set("Retry-After", known)
			w.WriteHeader(http.StatusTooManyRequests)
			return nil
		},
		"in what broke the connection": func(known string, _ http.ResponseWriter) error {
			return &url.Error{Op: "Get", URL: "http://pallycon.invalid/?" + known, Err: errors.New("cannot send " + known)}
		},
	}
	for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500, 501, 503} {
		all[fmt.Sprintf("in the body of HTTP %d", status)] = says(status, "text/plain", "not with\r\nAuthorization: Bearer KNOWN")
	}
	// Texts are cut at a length: not so that the beginning of a secret stays.
	for _, before := range []int{440, 480, 490, 495} {
		long := strings.Repeat("x", before)
		all[fmt.Sprintf("in an error_message after %d characters", before)] = says(200, asJSON, `{"error_code":"7777","error_message":"`+long+`KNOWN"}`)
		all[fmt.Sprintf("in a body after %d characters", before)] = says(500, "text/plain", long+"KNOWN")
	}
	return all
}

func TestNoErrorShowsTheKeyOrTheToken(t *testing.T) {
	forms := map[string]func(string) string{
		"plain":   func(s string) string { return s },
		"escaped": url.QueryEscape,
		"base64":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	}
	for name, answer := range gossips() {
		for form, write := range forms {
			synctest.Test(t, func(t *testing.T) {
				reads := &gossip{method: http.MethodGet, twin: twin.Transport(demoTwin()), answer: answer, form: write}
				a := adapterTo(t, twinConfig(), reads)
				_, err := list(t, a, nil)
				reads.wantSilent(t, "ListLicenses", name, form, err)
				_, err = a.Check(t.Context())
				reads.wantSilent(t, "Check", name, form, err)

				writes := &gossip{method: http.MethodPost, twin: twin.Transport(demoTwin()), answer: answer, form: write}
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

// wantSilent demands that no text of an error holds a part of the secrets that somebody could use.
func (g *gossip) wantSilent(t *testing.T, call, where, form string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	e := apierror.Convert(err)
	texts := []string{err.Error(), fmt.Sprintf("%v %+v", err, e), prototext.Format(e.GRPCStatus().Proto())}
	for key, value := range e.Metadata {
		texts = append(texts, key, value)
	}
	_, claims, _ := strings.Cut(g.token, ".") // what comes before is the same in all tokens
	const usable = 8
	for _, secret := range []string{g.form(twinConfig().ServiceAPIKey.Reveal()), g.form(claims), g.form(g.token)[len(g.form(g.token))/2:]} {
		for i := 0; i+usable <= len(secret); i++ {
			for _, text := range texts {
				if strings.Contains(text, secret[i:i+usable]) {
					t.Errorf("%s, with the secrets %s (%s): an error shows %d characters of one: %s", call, where, form, usable, text)
					return
				}
			}
		}
	}
}
