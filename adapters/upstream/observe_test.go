package upstream_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/upstream"
)

// observer notes what it learns.
type observer struct {
	attempts []upstream.Attempted
	endings  []upstream.Ending
	refusals []upstream.Refusal
}

func (o *observer) Attempt(_ context.Context, a upstream.Attempted) func(upstream.Ending) {
	o.attempts = append(o.attempts, a)
	return func(e upstream.Ending) { o.endings = append(o.endings, e) }
}
func (o *observer) Refused(_ context.Context, r upstream.Refusal) { o.refusals = append(o.refusals, r) }

// observed returns options with an account that o observes.
func observed(o *observer) upstream.Options {
	account := upstream.NewAccount("ours")
	account.Observe(o)
	return upstream.Options{
		Connection: upstream.Connection{Account: account},
		Templates:  []string{"/sites", "/sites/{site}", "/sites/{site}/off"},
	}
}

func TestAnObserverLearnsHowEachAttemptEnded(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		call    func(*vendor, context.Context) error
		want    []upstream.Ending
	}{
		"a read": {working, (*vendor).read, []upstream.Ending{{200, upstream.Succeeded}}},
		"a read, repeated": {
			inTurn(answer(500, ""), cut(200, "{"), working), (*vendor).read,
			[]upstream.Ending{{500, upstream.Failed}, {200, upstream.Unreachable}, {200, upstream.Succeeded}},
		},
		"a refused read":     {answer(404, "{}"), (*vendor).read, []upstream.Ending{{404, upstream.Refused}}},
		"an unreadable list": {answer(200, "<html>"), (*vendor).read, []upstream.Ending{{200, upstream.Unreadable}}},
		"a caller who left":  {stall, (*vendor).read, []upstream.Ending{{0, upstream.Canceled}}},
		"a write":            {working, (*vendor).write, []upstream.Ending{{200, upstream.Succeeded}}},
		"a lost write":       {abort, (*vendor).write, []upstream.Ending{{0, upstream.Unknown}}},
		"a failed write":     {answer(503, ""), (*vendor).write, []upstream.Ending{{503, upstream.Unknown}}},
		"a refused write":    {answer(409, "{}"), (*vendor).write, []upstream.Ending{{409, upstream.Refused}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := &observer{}
			against(t, test.handler, observed(o), func(t *testing.T, v *vendor) {
				_ = test.call(v, leaving(t, 10*time.Second))
				if !slices.Equal(o.endings, test.want) || len(o.attempts) != len(test.want) {
					t.Errorf("endings %+v, want %+v", o.endings, test.want)
				}
				for i, a := range o.attempts {
					if a.Number != i+1 || a.Vendor != "ours" || a.Host != "vendor.test" || a.Port != 80 {
						t.Errorf("attempt %+v", a)
					}
				}
			})
		})
	}
}

func TestAnObserverLearnsOfTemplatesAndRefusals(t *testing.T) {
	o := &observer{}
	against(t, answer(429, "", "Retry-After", "60"), observed(o), func(t *testing.T, v *vendor) {
		for path, want := range map[string]string{
			"/sites": "/sites", "/sites/a%2Fb": "/sites/{site}", "/sites/7/off": "/sites/{site}/off",
			"/sites/7/on": upstream.OtherTemplate, "/sites/7/off/x": upstream.OtherTemplate,
		} {
			req := upstream.Request{Method: "POST", Path: path, RawQuery: "token=secret"}
			_, _ = v.WriteOnRecord(t.Context(), req, &site{})
			if last := o.attempts[len(o.attempts)-1]; last.Template != want || !last.Write {
				t.Errorf("%s: %+v, want the template %s", path, o.attempts, want)
			}
		}
		sent := len(o.attempts)
		_ = v.read(t.Context())
		if want := []upstream.Refusal{{Vendor: "ours", Reason: upstream.RefusedByPause}}; len(o.attempts) != sent ||
			!slices.Equal(o.refusals, want) {
			t.Errorf("refusals %+v, want %+v", o.refusals, want)
		}
	})
}
