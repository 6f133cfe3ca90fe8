package emulator_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
)

// For each query, the response is the page that was asked for, or names what is wrong. The ledger
// has no token.
func FuzzList(f *testing.F) {
	f.Add("offset=10&limit=10&filter=5665673625&full=true&customer=" + mine)
	f.Add("limit=+5&offset=%30")
	f.Add("filter=%zz&token=")
	f.Add("full=true&full=;limit=%00")
	e := server(emulator.Options{})
	for range 7 {
		e.PutAccounts(emulator.Account{Devices: make([]emulator.Device, 2)})
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/iptv/drm", nil)
		r.URL.RawQuery = "token=" + emulator.DefaultMachineToken + "&" + query
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		ledger, _ := json.Marshal(e.Ledger().Requests())
		const token = emulator.DefaultMachineToken
		if !strings.Contains(query, token) && strings.Contains(string(ledger), token) {
			t.Errorf("the token is in %s", ledger)
		}
		e.Ledger().Clear()
		if w.Code != 200 {
			var refusal map[string]string
			err := json.Unmarshal(w.Body.Bytes(), &refusal)
			isTold := len(refusal) == 1 && (refusal["error"] != "" || w.Code == 422)
			if err != nil || !isTold || w.Code < 400 || w.Code >= 500 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			return
		}
		var p page
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatalf("%v in %s", err, w.Body)
		}
		asked, err := url.ParseQuery(query)
		integer := func(name string, otherwise int) int {
			if asked.Get(name) == "" {
				return otherwise
			}
			n, err := strconv.Atoi(asked.Get(name))
			if err != nil {
				t.Errorf("%s %q was accepted", name, asked.Get(name))
			}
			return n
		}
		isAsked := p.Offset == integer("offset", 0) && p.Limit == integer("limit", 100)
		fits := len(p.Accounts) <= min(p.Limit, max(0, p.Total-p.Offset))
		if err != nil || !isAsked || p.Limit < 1 || p.Limit > 500 || p.Offset < 0 || !fits {
			t.Errorf("%q: %s", query, w.Body)
		}
		for _, a := range p.Accounts {
			username, _ := a["username"].(string)
			_, isList := a["devices"].([]any)
			if !strings.Contains(username, asked.Get("filter")) || isList != (asked.Get("full") == "true") {
				t.Errorf("%q: %v", query, a)
			}
		}
	})
}

// username is a username that the vendor accepts.
var username = regexp.MustCompile(`^[a-zA-Z0-9._@-]{6,}$`)

// For each body, the created account can be read back and is the only effect, or nothing happens.
func FuzzCreate(f *testing.F) {
	f.Add(`{"customer":"` + mine + `","username":"donald@duck.com","password":"vgh38gy3uvhebv"}`)
	f.Add(`{"customer":"` + mine + `"}`)
	f.Add(`{"customer":"` + mine + `","username":"abc","username":"abcdef","password":"\ud800aaaaa"}`)
	f.Add(`{"customer":null}`)
	f.Add(`{"password":"123456"`)
	f.Fuzz(func(t *testing.T, body string) {
		e := server(emulator.Options{})
		r := httptest.NewRequest("POST", "/iptv/drm?token="+emulator.DefaultMachineToken, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		held, effects := e.Accounts(), e.Ledger().Effects()
		if w.Code != 200 {
			if w.Code < 400 || w.Code >= 500 || len(held) != 0 || len(effects) != 0 {
				t.Errorf("%d %s, %d accounts, %d effects", w.Code, w.Body, len(held), len(effects))
			}
			return
		}
		var got struct{ Username, Password string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(held) != 1 || len(effects) != 1 {
			t.Fatalf("%v in %s, %d accounts, %d effects", err, w.Body, len(held), len(effects))
		}
		isHeld := held[0].Username == got.Username && held[0].Password == got.Password
		if !username.MatchString(got.Username) || len([]rune(got.Password)) < 6 || !isHeld {
			t.Errorf("%+v for %s", got, body)
		}
		if again := call(t, e, "GET", "/iptv/drm/"+url.PathEscape(got.Username), ""); again.Text != w.Body.String() {
			t.Errorf("created %s, read back %s", w.Body, again.Text)
		}
	})
}
