package emulator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestLogin(t *testing.T) {
	type answer struct {
		Token            string
		ExpiresInMinutes int
		Customer         string
		AccessLevel      string
	}
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
		if got := callAs(t, e, token, "GET", "/iptv/drm", ""); got.Status != 200 {
			t.Errorf("%d %s", got.Status, got.Text)
		}
	}
	if e.Logins() != 3 {
		t.Errorf("%d logins counted", e.Logins())
	}
	var chosen answer
	own := emulator.Options{Username: "ops", Password: "ops-password", CustomerID: business, AccessLevel: "OWNER", Features: []string{"IPTVPRIVATE"}}
	read(t, login(t, emulator.New(own), "ops", "ops-password"), &chosen)
	if chosen.Customer != business || chosen.AccessLevel != "OWNER" {
		t.Errorf("%+v", chosen)
	}
}

func TestLoginsThatAreRefused(t *testing.T) {
	bodies := map[string]string{
		"wrong password":     `{"username":"sandbox","password":"Sandbox-password"}`,
		"unknown user":       `{"username":"Sandbox","password":"sandbox-password"}`,
		"no password":        `{"username":"sandbox"}`,
		"empty password":     `{"username":"sandbox","password":""}`,
		"password is null":   `{"username":"sandbox","password":null}`,
		"password is a list": `{"username":"sandbox","password":["sandbox-password"]}`,
		"no username":        `{"password":"sandbox-password"}`,
		"nothing":            `{}`,
		"keys in capitals":   `{"Username":"sandbox","Password":"sandbox-password"}`,
		"machine, no word":   `{"username":"machine","password":""}`,
		"machine, no field":  `{"username":"machine"}`,
	}
	for _, status := range []int{401, 403} {
		e := server(emulator.Options{Assumptions: emulator.Assumptions{LoginRefused: status}})
		e.PutUsers(
			emulator.User{Username: "machine", MachineToken: "t", Customer: mine, AccessLevel: "OWNER"},
			emulator.User{Username: "former", Password: "former-password", Customer: mine, AccessLevel: "NO_LOGIN"},
		)
		for name, body := range bodies {
			fails(t, name, do(t, e, request(t, "POST", "/auth/login", body)), status, "access_denied")
		}
		fails(t, "NO_LOGIN", login(t, e, "former", "former-password"), 403, "access_denied")
		if e.Logins() != 0 {
			t.Errorf("%d logins counted", e.Logins())
		}
	}
	e := server(emulator.Options{})
	fails(t, "default", login(t, e, "sandbox", "wrong"), 401, "access_denied")
	for _, body := range []string{``, `null`, `[]`, `"sandbox"`, `{"username":"sandbox","password":"sandbox-password"} {}`, `username=sandbox&password=sandbox-password`} {
		r := request(t, "POST", "/auth/login", body)
		r.Header.Set("Content-Type", "application/json")
		fails(t, body, do(t, e, r), 400, "bad_request")
	}
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", ";"} {
		r := request(t, "POST", "/auth/login", `{"username":"sandbox","password":"sandbox-password"}`)
		r.Header.Set("Content-Type", contentType)
		fails(t, contentType, do(t, e, r), 400, "bad_request")
	}
	if got := do(t, e, request(t, "GET", "/auth/login?username=sandbox&password=sandbox-password", "")); got.Status != 405 {
		t.Errorf("login by GET: %d", got.Status)
	}
	more := `{"username":"sandbox","password":"sandbox-password","remember":true}`
	if got := do(t, e, request(t, "POST", "/auth/login", more)); got.Status != 200 {
		t.Errorf("a field more: %d %s", got.Status, got.Text)
	}
}

func TestTokensExpireByTheClock(t *testing.T) {
	for _, test := range []struct{ minutes, says, lasts int }{{0, 15, 15}, {2, 2, 2}, {-1, -1, 0}} {
		e := server(emulator.Options{ExpiresInMinutes: test.minutes})
		var answer struct {
			Token            string
			ExpiresInMinutes int
		}
		read(t, login(t, e, "sandbox", "sandbox-password"), &answer)
		if answer.ExpiresInMinutes != test.says {
			t.Errorf("expiresInMinutes is %d, want %d", answer.ExpiresInMinutes, test.says)
		}
		e.Clock().Advance(time.Duration(test.lasts)*time.Minute - time.Nanosecond)
		if got := callAs(t, e, answer.Token, "GET", "/iptv/drm", ""); got.Status != 200 {
			t.Errorf("before its end: %d %s", got.Status, got.Text)
		}
		e.Clock().Advance(time.Nanosecond)
		got := callAs(t, e, answer.Token, "GET", "/iptv/drm", "")
		if test.lasts == 0 {
			e.Clock().Advance(10 * 365 * 24 * time.Hour)
			if got = callAs(t, e, answer.Token, "GET", "/iptv/drm", ""); got.Status != 200 {
				t.Errorf("a persistent token: %d %s", got.Status, got.Text)
			}
			continue
		}
		fails(t, "expired", got, 401, "access_denied")
		if got := callAs(t, e, token(t, e), "GET", "/iptv/drm", ""); got.Status != 200 {
			t.Errorf("after another login: %d %s", got.Status, got.Text)
		}
		fails(t, "expired, after another login", callAs(t, e, answer.Token, "GET", "/iptv/drm", ""), 401, "access_denied")
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
		fails(t, "a create without one", do(t, e, request(t, "POST", "/iptv/drm", `{"customer":"`+mine+`"}`)), status, "access_denied")
		fails(t, "a removal without one", do(t, e, request(t, "DELETE", "/iptv/device/1", "")), status, "access_denied")
	}
}

func TestMachineTokensDoNotExpire(t *testing.T) {
	e := server(emulator.Options{MachineToken: "a machine's + token"})
	e.Clock().Advance(10 * 365 * 24 * time.Hour)
	if got := callAs(t, e, "a machine's + token", "GET", "/iptv/drm", ""); got.Status != 200 {
		t.Errorf("%d %s", got.Status, got.Text)
	}
	fails(t, "the default one", call(t, e, "GET", "/iptv/drm", ""), 401, "access_denied")
	e.PutUsers(emulator.User{Username: emulator.DefaultUsername, MachineToken: "new", Customer: mine, AccessLevel: "ADMIN"})
	fails(t, "replaced", callAs(t, e, "a machine's + token", "GET", "/iptv/drm", ""), 401, "access_denied")
	if got := callAs(t, e, "new", "GET", "/iptv/drm", ""); got.Status != 200 || e.Logins() != 0 {
		t.Errorf("%d %s", got.Status, got.Text)
	}
}

func TestChangedPasswordEndsSessions(t *testing.T) {
	for _, outlive := range []bool{false, true} {
		e := server(emulator.Options{Assumptions: emulator.Assumptions{SessionsOutlivePassword: outlive}})
		e.PutUsers(emulator.User{Username: "other", Password: "other-password", Customer: mine, AccessLevel: "OWNER"})
		var other struct{ Token string }
		read(t, login(t, e, "other", "other-password"), &other)
		old := token(t, e)
		e.ChangePassword("sandbox", "rotated")
		if got := callAs(t, e, old, "GET", "/iptv/drm", ""); got.Status == 200 != outlive {
			t.Errorf("outlive %v: %d %s", outlive, got.Status, got.Text)
		}
		fails(t, "the old password", login(t, e, "sandbox", emulator.DefaultPassword), 401, "access_denied")
		if got := login(t, e, "sandbox", "rotated"); got.Status != 200 {
			t.Errorf("the new password: %d %s", got.Status, got.Text)
		}
		for _, kept := range []string{other.Token, emulator.DefaultMachineToken} {
			if got := callAs(t, e, kept, "GET", "/iptv/drm", ""); got.Status != 200 {
				t.Errorf("a token that the password does not concern: %d %s", got.Status, got.Text)
			}
		}
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
		fails(t, name, callAs(t, e, old, "GET", "/iptv/drm", ""), 401, "access_denied")
		fails(t, name, call(t, e, "GET", "/iptv/drm", ""), 401, "access_denied")
		if got := callAs(t, e, token(t, e), "GET", "/iptv/drm", ""); got.Status != 200 {
			t.Errorf("%s: after a login %d %s", name, got.Status, got.Text)
		}
	}
}

func TestTokensAreReproducible(t *testing.T) {
	one, same, other := server(emulator.Options{Seed: 7}), server(emulator.Options{Seed: 7}), server(emulator.Options{Seed: 8})
	if a, b, c := token(t, one), token(t, same), token(t, other); a != b || a == c {
		t.Errorf("tokens %s and %s of one seed, %s of another", a, b, c)
	}
}

// TestLedgerHoldsNoSecrets: neither a token nor a password, wherever it was sent, whether the
// request was taken or not.
func TestLedgerHoldsNoSecrets(t *testing.T) {
	e := server(emulator.Options{})
	secrets := []string{"sandbox-password", "sandbox-machine-token", token(t, e), "a-guess", "viewers-password", "short"}
	login(t, e, "sandbox", "a-guess")
	callAs(t, e, secrets[2], "GET", "/iptv/drm?full=true", "")
	callAs(t, e, "a-guess", "GET", "/iptv/drm", "")
	call(t, e, "POST", "/iptv/drm", `{"customer":"`+mine+`","username":"viewer-1","password":"viewers-password"}`)
	call(t, e, "POST", "/iptv/drm", `{"customer":"`+mine+`","password":"short"}`)
	call(t, e, "POST", "/iptv/drm", `{"password":"viewers-password"`)
	call(t, e, "GET", "/iptv/drm/viewer-1", "")
	text, err := json.Marshal([]any{e.Ledger().Requests(), e.Ledger().Effects()})
	if err != nil || len(e.Ledger().Requests()) != 8 || !strings.Contains(string(text), "viewer-1") {
		t.Fatalf("%v %s", err, text)
	}
	for _, secret := range append(secrets, e.Accounts()[0].Password) {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q stands in %s", secret, text)
		}
	}
}

// TestManyAtOnce: logins and calls by many goroutines are all served, and counted.
func TestManyAtOnce(t *testing.T) {
	e := server(emulator.Options{})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			mine := token(t, e)
			body := fmt.Sprintf(`{"customer":"%s","username":"viewer-%02d"}`, business, i)
			if got := callAs(t, e, mine, "POST", "/iptv/drm", body); got.Status != 200 {
				t.Errorf("%d %s", got.Status, got.Text)
			}
			if got := callAs(t, e, mine, "GET", "/iptv/drm?customer="+business, ""); got.Status != 200 {
				t.Errorf("%d %s", got.Status, got.Text)
			}
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
