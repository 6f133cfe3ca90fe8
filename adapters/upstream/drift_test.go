package upstream_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

func TestDriftOfResponses(t *testing.T) {
	type step struct {
		after  time.Duration
		canary bool
		status int
		body   string
		want   string // what is new
	}
	var now step
	account := upstream.NewAccount("acme")
	options := upstream.Options{
		Connection: upstream.Connection{Account: account},
		KnownCode:  func(code string) bool { return code == "E1" },
		Secrets:    func() []secret.Text { return []secret.Text{secret.New("TOPSECRET")} },
		Failure: func(_ int, _ http.Header, body []byte) *apierror.Error {
			return (&apierror.Error{}).With(apierror.VendorCode, string(body))
		},
	}
	of := get
	of.Shape = shape.Of[site]("GET /sites", shape.Words("name", map[string]bool{"one": true}))
	serve := func(w http.ResponseWriter, r *http.Request) { answer(now.status, now.body)(w, r) }
	against(t, serve, options, func(t *testing.T, v *vendor) {
		before := 0
		for _, now = range []step{
			{0, false, 200, `{"name":"one","a":1}`, "new_field GET /sites a "},
			{0, false, 200, `{"name":"one","b":1}`, ""}, // within a minute of the one before
			{0, true, 200, `{"name":"one","c":1}`, "new_field GET /sites c "},
			{time.Minute, false, 200, `{"name":"one","d":1}`, "new_field GET /sites d "},
			{0, true, 200, `{"name":"two","d":1}`, "unknown_word GET /sites name two"},
			{0, true, 200, `{"name":"TOPSECRET"}`, "unknown_word GET /sites name (hidden)"},
			{0, true, 200, `{"name":{}}`, ""}, // cannot be read
			{0, true, 200, `{"name":"one","e":"` + strings.Repeat("x", 300<<10) + `","f":1}`, ""},
			{0, false, 400, "E1", ""},
			{0, false, 400, "E2", "unknown_code GET /sites  E2"},
			{0, false, 400, "TOPSECRET", "unknown_code GET /sites  (hidden)"},
		} {
			time.Sleep(now.after + time.Second) // Findings are in the order of their times.
			ctx := t.Context()
			if now.canary {
				ctx = upstream.CompareShapes(ctx)
			}
			_, _ = v.Read(ctx, of, &site{})
			all, fresh := account.Drift(), ""
			for _, s := range all[before:] {
				fresh += fmt.Sprintf("%s %s %s %s", s.Kind, s.Call, s.Path, s.Word)
			}
			if before = len(all); fresh != now.want {
				t.Errorf("%d %.30s: %q, want %q", now.status, now.body, fresh, now.want)
			}
		}
		for _, s := range account.Drift() {
			if want := map[string]int{"d": 2}[s.Path]; s.Count != max(want, 1) {
				t.Errorf("%+v was counted %d times", s.Finding, s.Count)
			}
		}
	})
}
