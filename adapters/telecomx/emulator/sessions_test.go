package emulator_test

import (
	"fmt"
	"sync"
	"testing"

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
		works(t, "after a login", callAs(t, e, token, "GET", "/iptv/drm", ""))
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

func TestAnUnknownUserHasNoPassword(t *testing.T) {
	twintest.WantPanic(t, "an unknown user", "", func() { server(emulator.Options{}).ChangePassword("nobody", "x") })
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
