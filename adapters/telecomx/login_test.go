package telecomx_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestALoginSendsWhatIsDocumented(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]reply{getAccounts: ok(none)})
	level, err := a.Check(t.Context())
	if err != nil || level != "MANAGER" {
		t.Errorf("Check: %q, %v", level, err)
	}
	login := vendor.Only(postLogin)
	if login.Body != `{"password":"the-password","username":"ops"}` || login.Header.Get("Content-Type") != "application/json" || len(login.Query) > 0 {
		t.Errorf("the login has %d parameters, the type %q and a body of %d bytes", len(login.Query), login.Header.Get("Content-Type"), len(login.Body))
	}
	wantQuery(t, vendor.Only(getAccounts), "the-first-token", "limit=1")
}

func TestATokenWithOddCharactersArrivesWhole(t *testing.T) {
	const odd = `a b+c&d=e%25#?/"é`
	a, vendor := serve(t, config(), map[string][]reply{postLogin: ok(`{"token":"a b+c&d=e%25#?/\"é"}`), getAccounts: ok(none)})
	if _, err := a.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantQuery(t, vendor.Only(getAccounts), odd, "limit=1")
}

func TestATokenIsRenewedBeforeItsEnd(t *testing.T) {
	for expires, renewed := range map[string]time.Duration{
		`,"expiresInMinutes":15`:   14 * time.Minute,
		``:                         14 * time.Minute, // 15 is the default
		`,"expiresInMinutes":60`:   59 * time.Minute,
		`,"expiresInMinutes":1`:    48 * time.Second,
		`,"expiresInMinutes":0.5`:  24 * time.Second,
		`,"expiresInMinutes":1e99`: 365*24*time.Hour - time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			var logins []reply
			for i := range 3 {
				logins = append(logins, respond(200, fmt.Sprintf(`{"token":"token-%d"%s}`, i, expires)))
			}
			a, vendor := serve(t, config(), map[string][]reply{postLogin: logins, getAccounts: ok(none)})
			token := func() string {
				if _, err := a.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				made := vendor.Made(getAccounts)
				return made[len(made)-1].Query.Get("token")
			}
			tokens := []string{token()}
			time.Sleep(renewed - time.Nanosecond)
			tokens = append(tokens, token())
			time.Sleep(time.Nanosecond)
			tokens = append(tokens, token(), token())
			if want := []string{"token-0", "token-0", "token-1", "token-1"}; !slices.Equal(tokens, want) {
				t.Errorf("%s: the tokens are %q, want %q", expires, tokens, want)
			}
		})
	}
}

func TestAPersistentTokenIsNeverRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := duckTwin(emulator.Options{ExpiresInMinutes: -1})
		a := adapterTo(t, config(), twin.Transport(vendor))
		for range 10 {
			if _, err := a.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1000 * time.Hour)
		}
		wantLogins(t, "over a year", vendor, 1)
	})
}

func TestNoCallIsRefusedWhileTokensComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := duckTwin(emulator.Options{})
		a := adapterTo(t, config(), twin.Transport(vendor))
		for range 200 { // 103 minutes, at changing distances from the renewals
			if _, err := get(t, a, pb.DrmAccount_BASIC); err != nil {
				t.Fatal(err)
			}
			time.Sleep(31 * time.Second)
		}
		if statuses := wiretest.Requests(vendor, getDonald); slices.ContainsFunc(statuses, func(s int) bool { return s != 200 }) || len(statuses) != 200 {
			t.Errorf("of %d calls, some were refused: %v", len(statuses), statuses)
		}
		wantLogins(t, "every 14 minutes", vendor, 8)
	})
}

func TestALoginThatFailsForAMomentIsNoRefusal(t *testing.T) {
	for what, c := range map[string]struct {
		fault  twin.Fault
		code   codes.Code
		reason pb.ErrorReason
		after  time.Duration
	}{
		"down":               {wiretest.Answer(500, `{"error":"internal_error"}`), codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, 0},
		"cut":                {twin.Fault{Kind: twin.FaultCut}, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, 0},
		"throttled":          {wiretest.Answer(429, "", "Retry-After", "7"), codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, 7 * time.Second},
		"a page for people":  {wiretest.Answer(200, "<html>"), codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, 0},
		"no token":           {wiretest.Answer(200, `{"expiresInMinutes":15}`), codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, 0},
		"half an answer":     {twin.Fault{Kind: twin.FaultMalformed}, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, 0},
		"no end of it":       {twin.Fault{Kind: twin.FaultEndless}, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, 0},
		"nothing for a time": {twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour}, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			vendor := duckTwin(emulator.Options{})
			c.fault.Path = emulator.LoginPath
			vendor.Faults().Add(c.fault)
			a := adapterTo(t, config(), twin.Transport(vendor))
			_, err := a.Check(t.Context())
			if e := wantError(t, what, err, c.code, c.reason); e.RetryAfter != c.after {
				t.Errorf("%s: it says to try again after %v, want %v", what, e.RetryAfter, c.after)
			}
			vendor.Faults().Clear()
			time.Sleep(c.after)
			if level, err := a.Check(t.Context()); err != nil || level != emulator.LevelAdmin {
				t.Errorf("%s, and well again: %q, %v", what, level, err)
			}
		})
	}
}
