package emulator_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
)

func TestParametersOfTheListAreRefused(t *testing.T) {
	e := server(emulator.Options{})
	e.PutUsers(emulator.User{Username: "nobody", MachineToken: "nobody's", Customer: mine, AccessLevel: "PERSONAL"})
	for query, name := range map[string]string{
		"limit=0": "limit", "limit=501": "limit", "limit=-1": "limit", "limit=010": "limit", "limit=1e2": "limit", "limit=ten": "limit",
		"limit=%2B10": "limit", "limit=10&limit=10": "limit",
		"offset=-1": "offset", "offset=2147483648": "offset", "offset=1.0": "offset", "offset=%201": "offset", "offset=0&offset=": "offset",
		"full=1": "full", "full=TRUE": "full", "full=yes": "full", "full=true&full=true": "full",
		"filter=a&filter=b": "filter", "filter=%ff": "filter", "customer=" + mine + "&customer=" + mine: "customer", "customer=%ff": "customer",
		"page=2": "page", "Limit=10": "Limit", "username=abcdef": "username", "force=true": "force", "limit=0&offset=-1&zone=1": "limit",
	} {
		fails(t, query, call(t, e, "GET", "/iptv/drm?"+query, ""), 422, name)
		fails(t, query+" before the level", callAs(t, e, "nobody's", "GET", "/iptv/drm?"+query, ""), 422, name)
	}
	for _, query := range []string{"filter=%zz", "a;b"} {
		fails(t, query, call(t, e, "GET", "/iptv/drm?"+query, ""), 400, "bad_request")
	}
}

func TestRequestsThatAreNoCall(t *testing.T) {
	e := server(emulator.Options{})
	for target, status := range map[string]int{
		"GET /": 404, "GET /iptv": 404, "GET /iptv/drms": 404, "GET /iptv/drm/account/devices": 404, "GET /auth": 404,
		"PUT /iptv/drm": 405, "PUT /iptv/drm/account": 405, "DELETE /iptv/drm/account": 405, "GET /iptv/device/1": 405,
	} {
		method, path, _ := strings.Cut(target, " ")
		if got := call(t, e, method, path, ""); got.Status != status {
			t.Errorf("%s: %d, want %d", target, got.Status, status)
		}
	}
}

// FuzzList: whatever the query, the answer is a page of what was asked for, or names what is wrong,
// and the ledger holds no token.
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
		if !strings.Contains(query, emulator.DefaultMachineToken) && strings.Contains(string(ledger), emulator.DefaultMachineToken) {
			t.Errorf("the token stands in %s", ledger)
		}
		e.Ledger().Clear()
		if w.Code != 200 {
			var refusal map[string]string
			err := json.Unmarshal(w.Body.Bytes(), &refusal)
			if err != nil || refusal["error"] == "" && w.Code != 422 || len(refusal) != 1 || w.Code < 400 || w.Code >= 500 {
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
				t.Errorf("%s %q was taken", name, asked.Get(name))
			}
			return n
		}
		fits := len(p.Accounts) <= min(p.Limit, max(0, p.Total-p.Offset))
		if err != nil || p.Offset != integer("offset", 0) || p.Limit != integer("limit", 100) || p.Limit < 1 || p.Limit > 500 || p.Offset < 0 || !fits {
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

// FuzzCreate: whatever the body, either the account answered can be read back and is the only
// effect, or there is none.
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
		rest := strings.Trim(got.Username, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@")
		if len(got.Username) < 6 || rest != "" || len([]rune(got.Password)) < 6 || held[0].Username != got.Username || held[0].Password != got.Password {
			t.Errorf("%+v for %s", got, body)
		}
		if again := call(t, e, "GET", "/iptv/drm/"+url.PathEscape(got.Username), ""); again.Text != w.Body.String() {
			t.Errorf("created %s, read back %s", w.Body, again.Text)
		}
	})
}
