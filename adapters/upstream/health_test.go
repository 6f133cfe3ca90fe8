package upstream_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestTheStatusOfAnAccount(t *testing.T) {
	rejecting := answer(401, "the-key is wrong\x07")
	missing := answer(404, "")
	o := upstream.Options{Secrets: func() []secret.Text { return []secret.Text{secret.New("the-key")} }}
	turns := inTurn(working, rejecting, rejecting, missing, working)
	against(t, turns, o, func(t *testing.T, v *vendor) {
		if s := v.Status(); s.LastError != nil || !s.LastSuccess.IsZero() || !s.CredentialsRejected.IsZero() {
			t.Errorf("before the first call: %+v", s)
		}
		_ = v.read(t.Context())
		first := time.Now()
		time.Sleep(time.Second)
		for range 2 {
			want(t, v.read(t.Context()), credentials, "")
			time.Sleep(time.Second)
		}
		want(t, v.read(t.Context()), notFound, "")
		s := v.Status()
		if s.LastSuccess != first || s.CredentialsRejected != first.Add(time.Second) ||
			s.LastError.Time != first.Add(2*time.Second) ||
			s.LastError.Reason != pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED || s.LastError.Code != credentials.code {
			t.Errorf("%+v, last error %+v", s, s.LastError)
		}
		if strings.Contains(s.LastError.Message, "the-key") {
			t.Errorf("a secret in %q", s.LastError.Message)
		}
		_ = v.read(t.Context())
		if s := v.Status(); !s.CredentialsRejected.IsZero() || s.LastSuccess != time.Now() || s.LastError == nil {
			t.Errorf("after a success: %+v", s)
		}

		// Some vendors refuse the credentials with HTTP 200, which the adapter finds out.
		var since time.Time
		success := v.Status().LastSuccess
		time.Sleep(time.Second)
		for range 2 {
			res, err := v.Read(t.Context(), get, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Complete(apierror.New(credentials.code, credentials.reason, "refused"))
			if since.IsZero() {
				since = time.Now()
			}
			if s := v.Status(); s.CredentialsRejected != since || s.LastSuccess != success {
				t.Errorf("%+v, want credentials rejected since %v", s, since)
			}
			time.Sleep(time.Second)
		}
	})
}

// TestCredentialsOfBeforeSayNothing replaces the credentials of an account. Calls with those of
// before end later.
func TestCredentialsOfBeforeSayNothing(t *testing.T) {
	for rejects, rejected := range map[string]bool{"first": false, "next": true} {
		with := func(key string) func(context.Context, *http.Request) error {
			return func(_ context.Context, r *http.Request) error {
				r.Header.Set("Authorization", key)
				return nil
			}
		}
		handler := func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == rejects {
				answer(401, "")(w, r)
				return
			}
			working(w, r)
		}
		against(t, handler, upstream.Options{Sign: with("first")}, func(t *testing.T, v *vendor) {
			clients := v.Clients()
			o := upstream.Options{BaseURL: "http://vendor.test", Sign: with("next")}
			o.Account, o.Transport = v.Account, &http.Transport{DialContext: v.dial}
			next, err := upstream.New(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(next.Close)
			v.ForgetRejection(clients)
			_, _ = next.Read(t.Context(), get, &site{})
			_ = v.read(t.Context())
			if s := v.Status(); s.CredentialsRejected.IsZero() == rejected || (s.LastError != nil) != rejected {
				t.Errorf("the vendor rejects the %s credentials: %+v", rejects, s)
			}
		})
	}
}

func TestRefusalsAreCountedByReason(t *testing.T) {
	refused := func(v *vendor) map[upstream.RefusalReason]uint64 { return v.Status().Lanes[0].Refused }
	against(t, answer(429, "", "Retry-After", "60"), upstream.Options{}, func(t *testing.T, v *vendor) {
		_ = v.read(t.Context())
		_ = v.read(t.Context())
		s := v.Status()
		if refused(v)[upstream.RefusedByPause] != 1 || s.PauseLeft != time.Minute || s.PauseHTTPStatus != 429 {
			t.Errorf("%+v", s)
		}
	})
	l := upstream.Lane{Reads: 100, Writes: 1, RequestsPerSecond: 1}
	against(t, working, narrow(l), func(t *testing.T, v *vendor) {
		_ = v.read(t.Context())
		notSent(t, v.read(within(t, 500*time.Millisecond)), limited)
		if refused(v)[upstream.RefusedByRate] != 1 || v.RequestsPerSecond() != 1 {
			t.Errorf("%+v", v.Status())
		}
	})
	var failing atomic.Bool
	against(t, ailing(&failing, nil), upstream.Options{}, func(t *testing.T, v *vendor) {
		v.open(t)
		_ = v.read(t.Context())
		if got := refused(v); got[upstream.RefusedByBreaker] == 0 || len(got) != 4 {
			t.Errorf("%+v", got)
		}
	})
}
