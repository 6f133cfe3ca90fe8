package telecomx_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestALoginSendsWhatIsDocumented(t *testing.T) {
	a, vendor := serve(t, config(), replies{getAccounts: ok(none)})
	level, err := a.Check(t.Context())
	if err != nil || level != "MANAGER" {
		t.Errorf("Check: %q, %v", level, err)
	}
	login := vendor.Only(postLogin)
	contentType := login.Header.Get("Content-Type")
	isDocumented := login.Body == `{"password":"the-password","username":"ops"}`
	if !isDocumented || contentType != "application/json" || len(login.Query) > 0 {
		t.Errorf("the login has %d parameters, type %q and %d bytes", len(login.Query), contentType, len(login.Body))
	}
	wantQuery(t, vendor.Only(getAccounts), "the-first-token", "limit=1")

	c := config()
	c.Customer = another
	a, vendor = serve(t, c, replies{getAccounts: ok(none)})
	check(t, "for the configured customer", a)
	wantQuery(t, vendor.Only(getAccounts), "the-first-token", "customer="+another+"&limit=1")

	a, vendor = serve(t, config(), replies{postLogin: ok(`{"token":"a b+c&d=e%25#?/\"é"}`), getAccounts: ok(none)})
	if _, err := a.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantQuery(t, vendor.Only(getAccounts), `a b+c&d=e%25#?/"é`, "limit=1")
}

func TestATokenIsRenewedBeforeItsEnd(t *testing.T) {
	for expires, renewed := range map[string]time.Duration{
		`,"expiresInMinutes":15`:    14 * time.Minute,
		``:                          14 * time.Minute, // 15 is the default
		`,"expiresInMinutes":"15"`:  14 * time.Minute,
		`,"expiresInMinutes":15.0`:  14 * time.Minute,
		`,"expiresInMinutes":""`:    14 * time.Minute,
		`,"expiresInMinutes":null`:  14 * time.Minute,
		`,"expiresInMinutes":[1]`:   14 * time.Minute, // unreadable, as if it were left out
		`,"expiresInMinutes":"NaN"`: 14 * time.Minute,
		`,"expiresInMinutes":60`:    59 * time.Minute,
		`,"expiresInMinutes":1`:     48 * time.Second,
		`,"expiresInMinutes":0.5`:   24 * time.Second,
		`,"expiresInMinutes":1e99`:  365*24*time.Hour - time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			var logins []reply
			for i := range 3 {
				logins = append(logins, respond(200, fmt.Sprintf(`{"token":"token-%d"%s}`, i, expires)))
			}
			a, vendor := serve(t, config(), replies{postLogin: logins, getAccounts: ok(none)})
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

func TestHowOftenTheAdapterLogsIn(t *testing.T) {
	for what, c := range map[string]struct {
		options emulator.Options
		calls   int
		pause   time.Duration
		logins  int
	}{
		"a token that does not expire": {emulator.Options{ExpiresInMinutes: -1}, 10, 1000 * time.Hour, 1},
		// for 103 minutes, at changing distances from the renewals, which are every 14 minutes
		"tokens that come and go": {emulator.Options{}, 200, 31 * time.Second, 8},
	} {
		inBubble(t, c.options, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
			for range c.calls {
				if _, err := get(t, a, pb.DrmAccount_BASIC); err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.pause)
			}
			statuses := wiretest.Requests(vendor, getDonald)
			isRefused := func(status int) bool { return status != 200 }
			if slices.ContainsFunc(statuses, isRefused) || len(statuses) != c.calls {
				t.Errorf("%s: of %d calls, some were refused: %v", what, len(statuses), statuses)
			}
			wantLogins(t, what, vendor, c.logins)
		})
	}
}

func TestALoginThatFailsForAMomentIsNoRefusal(t *testing.T) {
	throttled := wiretest.Answer(429, "", "Retry-After", "7")
	stalled := twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour}
	for what, c := range map[string]struct {
		fault   twin.Fault
		outcome outcome
		after   time.Duration
	}{
		"down":               {wiretest.Answer(500, `{"error":"internal_error"}`), wiretest.Unavailable, 0},
		"cut":                {twin.Fault{Kind: twin.FaultCut}, wiretest.Unavailable, 0},
		"throttled":          {throttled, wiretest.Throttled, 7 * time.Second},
		"a page for people":  {wiretest.Answer(200, "<html>"), wiretest.Unreadable, 0},
		"a proxy's 404":      {wiretest.Answer(404, "default backend - 404"), wiretest.Unreadable, 0},
		"a proxy's 410":      {wiretest.Answer(410, ""), wiretest.Unreadable, 0},
		"a proxy's 408":      {wiretest.Answer(408, ""), wiretest.Unavailable, 0},
		"a proxy's 425":      {wiretest.Answer(425, ""), wiretest.Unavailable, 0},
		"a failure as 200":   {wiretest.Answer(200, `{"error":"internal_error"}`), wiretest.Unavailable, 0},
		"nothing":            {wiretest.Answer(200, `{}`), wiretest.Unreadable, 0},
		"a success alone":    {wiretest.Answer(200, `{"status":"ok"}`), wiretest.Unreadable, 0},
		"no token":           {wiretest.Answer(200, `{"expiresInMinutes":15}`), wiretest.Unreadable, 0},
		"half a response":    {twin.Fault{Kind: twin.FaultMalformed}, wiretest.Unreadable, 0},
		"no end of it":       {twin.Fault{Kind: twin.FaultEndless}, wiretest.Unreadable, 0},
		"nothing for a time": {stalled, wiretest.Unavailable, 0},
	} {
		inBubble(t, emulator.Options{}, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
			c.fault.Path = emulator.LoginPath
			vendor.Faults().Add(c.fault)
			_, err := a.Check(t.Context())
			if e := want(t, what, err, c.outcome, "not sent: "); e.RetryAfter != c.after {
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

func TestARefusedLoginNamesWhatItWants(t *testing.T) {
	for text, c := range map[string]struct {
		status int
		says   string
	}{
		`{"error":"access_denied"}`:                        {200, "check username, password"},
		`{"error":{"code":"x"},"token":"the-first-token"}`: {200, "check username, password"},
		`{"error":"smsKey"}`:                               {200, "wants smsKey"},
		`{"smsKey":true,"token":null}`:                     {200, "wants smsKey"},
		`{"status":"authenticatorToken required"}`:         {200, "wants authenticatorToken"},
		`{"error":"authenticatorToken"}`:                   {422, "wants authenticatorToken"},
		`{"error":"access_denied","message":"no smskey"}`:  {401, "wants smsKey"},
		`the smsKey is missing`:                            {403, "wants smsKey"},
		`<html>Request blocked</html>`:                     {403, "a proxy in front of TelecomX may have sent it"},
	} {
		a, vendor := serve(t, config(), replies{postLogin: {respond(c.status, text)}})
		for range 2 { // the second time, it does not log in
			_, err := a.Check(t.Context())
			want(t, text, err, wiretest.Unauthorized, "not sent: ", fmt.Sprintf("HTTP %d", c.status), c.says)
		}
		vendor.WantMade(postLogin, 1)
		vendor.WantMade(getAccounts, 0)
	}
}

func TestTheTwinCanWantMoreThanAPassword(t *testing.T) {
	for _, wants := range []string{"smsKey", "authenticatorToken"} {
		o := emulator.Options{Assumptions: emulator.Assumptions{LoginWants: wants}}
		inBubble(t, o, func(t *testing.T, vendor *emulator.Emulator, a *telecomx.Adapter) {
			_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
			want(t, wants, err, wiretest.Unauthorized, "not sent: ", "wants "+wants)
			wiretest.WantEffects(t, vendor, 0)
		})
	}
}
