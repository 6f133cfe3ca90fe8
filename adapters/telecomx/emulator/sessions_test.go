package emulator_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// An answer is the response to a login.
type answer struct {
	Token            string
	ExpiresInMinutes int
	Customer         string
	AccessLevel      string
}

func TestLogin(t *testing.T) {
	e := server(emulator.Options{})
	e.PutUsers(emulator.User{Username: "vera", Password: "vera's password", Customer: private, AccessLevel: "VIEWER"})
	var sandbox, again, vera answer
	read(t, login(t, e, "sandbox", "sandbox-password"), &sandbox)
	read(t, login(t, e, "sandbox", "sandbox-password"), &again)
	read(t, login(t, e, "vera", "vera's password"), &vera)
	if want := (answer{sandbox.Token, 15, mine, "ADMIN"}); sandbox != want || len(sandbox.Token) < 32 {
		t.Errorf("%+v", sandbox)
	}
	if want := (answer{vera.Token, 15, private, "VIEWER"}); vera != want {
		t.Errorf("%+v", vera)
	}
	if sandbox.Token == again.Token || sandbox.Token == vera.Token {
		t.Error("two logins have one token")
	}
	for _, token := range []string{sandbox.Token, again.Token, vera.Token} {
		accepts(t, "after a login", e, token)
	}
	if e.Logins() != 3 {
		t.Errorf("%d logins counted", e.Logins())
	}
	var chosen answer
	own := emulator.Options{Username: "ops", Password: "ops-password", CustomerID: business, AccessLevel: "OWNER"}
	own.Features = []string{"IPTVPRIVATE"}
	read(t, login(t, emulator.New(own), "ops", "ops-password"), &chosen)
	if chosen.Customer != business || chosen.AccessLevel != "OWNER" {
		t.Errorf("%+v", chosen)
	}
}

func TestTheBodyOfALogin(t *testing.T) {
	e := server(emulator.Options{})
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", ";"} {
		r := request(t, "POST", "/auth/login", `{"username":"sandbox","password":"sandbox-password"}`)
		r.Header.Set("Content-Type", contentType)
		fails(t, contentType, do(t, e, r), 400, "bad_request")
	}
	fails(t, "default", login(t, e, "sandbox", "wrong"), 401, "access_denied")
	more := `{"username":"sandbox","password":"sandbox-password","remember":true}`
	works(t, "a field more", do(t, e, request(t, "POST", "/auth/login", more)))
}

func TestTokensExpireByTheClock(t *testing.T) {
	for _, test := range []struct{ minutes, says, lasts int }{{0, 15, 15}, {2, 2, 2}, {-1, -1, 0}} {
		e := server(emulator.Options{ExpiresInMinutes: test.minutes})
		var given answer
		read(t, login(t, e, "sandbox", "sandbox-password"), &given)
		if given.ExpiresInMinutes != test.says {
			t.Errorf("expiresInMinutes is %d, want %d", given.ExpiresInMinutes, test.says)
		}
		if test.lasts == 0 {
			e.Clock().Advance(10 * 365 * 24 * time.Hour)
			accepts(t, "a persistent token", e, given.Token)
			continue
		}
		e.Clock().Advance(time.Duration(test.lasts)*time.Minute - time.Nanosecond)
		accepts(t, "before its end", e, given.Token)
		e.Clock().Advance(time.Nanosecond)
		denies(t, "expired", e, given.Token)
		accepts(t, "after another login", e, token(t, e))
		denies(t, "expired, after another login", e, given.Token)
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	for _, status := range []int{401, 403} {
		e := server(emulator.Options{Assumptions: emulator.Assumptions{TokenRefused: status}})
		good := token(t, e)
		for name, target := range map[string]string{
			"none":             "/iptv/drm",
			"empty":            "/iptv/drm?token=",
			"unknown":          "/iptv/drm?token=" + good + "0",
			"in capitals":      "/iptv/drm?token=" + strings.ToUpper(good),
			"twice":            "/iptv/drm?token=" + good + "&token=" + good,
			"of another name":  "/iptv/drm?Token=" + good,
			"before the limit": "/iptv/drm?limit=0",
			"before the id":    "/iptv/drm/nobody",
		} {
			fails(t, name, do(t, e, request(t, "GET", target, "")), status, "access_denied")
		}
		r := request(t, "GET", "/iptv/drm", "")
		r.Header.Set("Authorization", "Bearer "+good)
		fails(t, "in a header", do(t, e, r), status, "access_denied")
		create := request(t, "POST", "/iptv/drm", `{"customer":"`+mine+`"}`)
		fails(t, "a create without one", do(t, e, create), status, "access_denied")
		fails(t, "a removal without one", do(t, e, request(t, "DELETE", "/iptv/device/1", "")), status, "access_denied")
	}
}

func TestMachineTokensDoNotExpire(t *testing.T) {
	e := server(emulator.Options{MachineToken: "a machine's + token"})
	e.Clock().Advance(10 * 365 * 24 * time.Hour)
	accepts(t, "ten years later", e, "a machine's + token")
	denies(t, "the default one", e, emulator.DefaultMachineToken)
	e.PutUsers(emulator.User{Username: "sandbox", MachineToken: "new", Customer: mine, AccessLevel: "ADMIN"})
	denies(t, "replaced", e, "a machine's + token")
	accepts(t, "the new one", e, "new")
	if e.Logins() != 0 {
		t.Errorf("%d logins", e.Logins())
	}
}

func TestChangedPasswordEndsSessions(t *testing.T) {
	for _, outlive := range []bool{false, true} {
		e := server(emulator.Options{Assumptions: emulator.Assumptions{SessionsOutlivePassword: outlive}})
		e.PutUsers(emulator.User{Username: "other", Password: "other-password", Customer: mine, AccessLevel: "OWNER"})
		var other answer
		read(t, login(t, e, "other", "other-password"), &other)
		old := token(t, e)
		e.ChangePassword("sandbox", "rotated")
		if outlive {
			accepts(t, "a token that outlives the password", e, old)
		} else {
			denies(t, "a token of the old password", e, old)
		}
		fails(t, "the old password", login(t, e, "sandbox", emulator.DefaultPassword), 401, "access_denied")
		works(t, "the new password", login(t, e, "sandbox", "rotated"))
		accepts(t, "another user's token", e, other.Token)
		accepts(t, "the machine token", e, emulator.DefaultMachineToken)
	}
	twintest.WantPanic(t, "an unknown user", "", func() { server(emulator.Options{}).ChangePassword("nobody", "x") })
}

func TestRevokedTokens(t *testing.T) {
	for name, revoke := range map[string]func(e *emulator.Emulator){
		"from Go": (*emulator.Emulator).RevokeTokens,
		"by the admin call": func(e *emulator.Emulator) {
			if got := do(t, e, request(t, "DELETE", "/_twin/tokens", "")); got.Status != 204 {
				t.Errorf("%d %s", got.Status, got.Text)
			}
		},
	} {
		e := server(emulator.Options{})
		old := token(t, e)
		revoke(e)
		denies(t, name, e, old)
		denies(t, name, e, emulator.DefaultMachineToken)
		accepts(t, name+", after a login", e, token(t, e))
	}
}

func TestTokensAreReproducible(t *testing.T) {
	of := func(seed uint64) string { return token(t, server(emulator.Options{Seed: seed})) }
	if a, b, c := of(7), of(7), of(8); a != b || a == c {
		t.Errorf("tokens %s and %s of one seed, %s of another", a, b, c)
	}
}

func TestTheLedgerHasNoSecrets(t *testing.T) {
	e := server(emulator.Options{})
	given := token(t, e)
	login(t, e, "sandbox", "a-guess")
	callAs(t, e, given, "GET", "/iptv/drm?full=true", "")
	callAs(t, e, "a-guess", "GET", "/iptv/drm", "")
	call(t, e, "POST", "/iptv/drm", `{"customer":"`+mine+`","username":"viewer-1","password":"viewers-password"}`)
	call(t, e, "POST", "/iptv/drm", `{"customer":"`+mine+`","password":"short"}`)
	call(t, e, "POST", "/iptv/drm", `{"password":"viewers-password"`)
	call(t, e, "GET", "/iptv/drm/viewer-1", "")
	if n := len(e.Ledger().Requests()); n != 8 {
		t.Errorf("the ledger has %d requests", n)
	}
	twintest.LedgerHides(t, e.Ledger(), "viewer-1", "sandbox-password", emulator.DefaultMachineToken, given,
		"a-guess", "viewers-password", "short", e.Accounts()[0].Password)
}

func TestManyAtOnce(t *testing.T) {
	e := server(emulator.Options{})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			mine := token(t, e)
			body := fmt.Sprintf(`{"customer":"%s","username":"viewer-%02d"}`, business, i)
			works(t, "create", callAs(t, e, mine, "POST", "/iptv/drm", body))
			works(t, "list", callAs(t, e, mine, "GET", "/iptv/drm?customer="+business, ""))
			if _, err := e.BindDevice(fmt.Sprintf("viewer-%02d", i), emulator.Device{Type: "WEB"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := list(t, e, "customer="+business).Total; n != 20 || e.Logins() != 20 || len(e.Ledger().Effects()) != 40 {
		t.Errorf("%d accounts, %d logins, %d effects", n, e.Logins(), len(e.Ledger().Effects()))
	}
}
