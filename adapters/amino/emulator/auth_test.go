package emulator_test

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestCredentials(t *testing.T) {
	e := shop(emulator.Options{APIKey: "the key", Token: "a.b.c"})
	for name, test := range map[string]struct {
		authorization []string
		status        int
	}{
		"key":                     {[]string{"Apikey the key"}, 200},
		"token":                   {[]string{"Bearer a.b.c"}, 200},
		"schemes in another case": {[]string{"apikey the key"}, 200},
		"no header":               {nil, 401},
		"two headers":             {[]string{"Apikey the key", "Apikey the key"}, 401},
		"no scheme":               {[]string{"the key"}, 401},
		"another scheme":          {[]string{"Basic the key"}, 401},
		"the key as a token":      {[]string{"Bearer the key"}, 401},
		"the token as a key":      {[]string{"Apikey a.b.c"}, 401},
		"a wrong key":             {[]string{"Apikey the keys"}, 401},
		"a part of the token":     {[]string{"Bearer a.b"}, 401},
		"an empty key":            {[]string{"Apikey "}, 401},
		"the default key":         {[]string{"Apikey " + emulator.DefaultAPIKey}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, "GET", base+"/products", "")
			r.Header["Authorization"] = test.authorization
			got := do(t, e, r)
			if got.Status != test.status {
				t.Fatalf("%d %s, want %d", got.Status, got.Text, test.status)
			}
			if test.status == 401 && (got.code(t) != "UNAUTHORIZED" || strings.Contains(got.Text, "key")) {
				t.Errorf("%s", got.Text)
			}
		})
	}
}

func TestDefaultCredentials(t *testing.T) {
	e := emulator.New(emulator.Options{})
	for _, authorization := range []string{"Apikey " + emulator.DefaultAPIKey, "Bearer " + emulator.DefaultToken} {
		r := request(t, "GET", base+"/licenses", "")
		r.Header.Set("Authorization", authorization)
		if got := do(t, e, r); got.Status != 200 || strings.TrimSpace(got.Text) != `{"data":[]}` {
			t.Errorf("%d %s", got.Status, got.Text)
		}
	}
}

func TestLedgerHoldsNoCredentials(t *testing.T) {
	e := shop(emulator.Options{})
	call(t, e, "GET", "/products", "")
	twintest.LedgerHides(t, e.Ledger(), "/products", emulator.DefaultAPIKey)
}
