package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

var tokenTime = time.Unix(1_583_191_411, 0)

func TestTokens(t *testing.T) {
	const key = "the service api key"
	payload := func(extra string) string {
		return `{"sub":"PallyConAPI","aud":"INKA","iss":"PallyCon","account_id":"acme","account_seq":"77"` + extra + `}`
	}
	good := sign(key, goodHeader, payload(""))
	parts := strings.Split(good, ".")
	unsigned := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "."
	}
	swap := func(old, replacement string) string { return strings.Replace(payload(""), old, replacement, 1) }
	tests := map[string]struct {
		authorization []string
		status        int
	}{
		"good":                       {[]string{"Bearer " + good}, 200},
		"scheme in lower case":       {[]string{"bearer " + good}, 200},
		"not expired":                {[]string{"Bearer " + sign(key, goodHeader, payload(`,"exp":1583191412`))}, 200},
		"expires now":                {[]string{"Bearer " + sign(key, goodHeader, payload(`,"exp":1583191411`))}, 401},
		"exp is text":                {[]string{"Bearer " + sign(key, goodHeader, payload(`,"exp":"1583191412"`))}, 401},
		"no header":                  {nil, 401},
		"two headers":                {[]string{"Bearer " + good, "Bearer " + good}, 401},
		"no scheme":                  {[]string{good}, 401},
		"another scheme":             {[]string{"Basic " + good}, 401},
		"another key":                {[]string{"Bearer " + sign("guess", goodHeader, payload(""))}, 401},
		"two parts":                  {[]string{"Bearer " + parts[0] + "." + parts[1]}, 401},
		"four parts":                 {[]string{"Bearer " + good + ".x"}, 401},
		"padded":                     {[]string{"Bearer " + good + "="}, 401},
		"alg none":                   {[]string{"Bearer " + unsigned(`{"alg":"none","typ":"JWT"}`)}, 401},
		"alg HS384":                  {[]string{"Bearer " + sign(key, `{"alg":"HS384","typ":"JWT"}`, payload(""))}, 401},
		"no typ":                     {[]string{"Bearer " + sign(key, `{"alg":"HS256"}`, payload(""))}, 401},
		"header is no JSON":          {[]string{"Bearer " + sign(key, `HS256`, payload(""))}, 401},
		"payload is null":            {[]string{"Bearer " + sign(key, goodHeader, `null`)}, 401},
		"another sub":                {[]string{"Bearer " + sign(key, goodHeader, swap("PallyConAPI", "pallyconapi"))}, 401},
		"another aud":                {[]string{"Bearer " + sign(key, goodHeader, swap("INKA", "INKA2"))}, 401},
		"aud is a list":              {[]string{"Bearer " + sign(key, goodHeader, swap(`"INKA"`, `["INKA"]`))}, 401},
		"another iss":                {[]string{"Bearer " + sign(key, goodHeader, swap(`"PallyCon"`, `"Pally"`))}, 401},
		"another account":            {[]string{"Bearer " + sign(key, goodHeader, swap("acme", "other"))}, 401},
		"account_seq is a number":    {[]string{"Bearer " + sign(key, goodHeader, swap(`"77"`, `77`))}, 401},
		"account_seq is missing":     {[]string{"Bearer " + sign(key, goodHeader, swap(`,"account_seq":"77"`, ``))}, 401},
		"keys in another case":       {[]string{"Bearer " + sign(key, goodHeader, swap(`"sub"`, `"Sub"`))}, 401},
		"the token of the guide":     {[]string{"Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJQYWxseUNvbkFQSSIsImF1ZCI6IklOS0EiLCJpc3MiOiJQYWxseUNvbiIsImFkbWluIjp0cnVlLCJ1c2VySWQiOiJ0ZXN0dXNlciJ9.p7VJmRryoaSVU2qn9PDuoDRIFxphw0N2786bR6zhELQ"}, 401},
		"more claims than necessary": {[]string{"Bearer " + sign(key, goodHeader, payload(`,"iat":1,"admin":true`))}, 200},
	}
	e := emulator.New(emulator.Options{AccountID: "acme", AccountSeq: "77", ServiceAPIKey: key, Clock: twin.FrozenClock(tokenTime)})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := request(t, "GET", "/api/v2/account/siteId?api_code="+codeSite, "", "")
			r.Header["Authorization"] = test.authorization
			if got := do(t, e, r); got.Status != test.status || test.status == 401 && got.Text != "" {
				t.Errorf("%d %q, want %d", got.Status, got.Text, test.status)
			}
		})
	}
}

func TestAPICodeOfAnotherCallIsForbidden(t *testing.T) {
	e := demo(emulator.Options{DeniedAPICodes: []string{codeDRM}, Assumptions: emulator.Assumptions{
		ForbiddenBody: "no", UnauthorizedBody: "who?",
	}})
	for name, target := range map[string]string{
		"another call's": "/api/v2/account/siteId?api_code=" + codeDRM,
		"none":           "/api/v2/account/siteId",
		"denied":         "/api/v2/drm/license?site_id=DEMO&api_code=" + codeDRM,
	} {
		if got := do(t, e, request(t, "GET", target, "", "")); got.Status != http.StatusForbidden || got.Text != "no" {
			t.Errorf("%s: %d %q, want 403 and the body that was set", name, got.Status, got.Text)
		}
	}
	r := request(t, "GET", "/api/v2/account/siteId?api_code="+codeSite, "", "")
	r.Header.Del("Authorization")
	if got := do(t, e, r); got.Status != http.StatusUnauthorized || got.Text != "who?" {
		t.Errorf("%d %q, want 401 and the body that was set", got.Status, got.Text)
	}
}

func TestLedgerHoldsNoToken(t *testing.T) {
	e := demo(emulator.Options{})
	get(t, e, "/api/v2/account/siteId", "api_code="+codeSite)
	text, err := json.Marshal(e.Ledger().Requests())
	if err != nil || !strings.Contains(string(text), "siteId") || strings.Contains(string(text), goodToken()[:30]) {
		t.Errorf("%v %s", err, text)
	}
}

// FuzzToken: whatever arrives, it is let in only if it is signed with the key and says exactly what
// the guide demands.
func FuzzToken(f *testing.F) {
	f.Add(goodToken())
	f.Add(sign(emulator.DefaultServiceAPIKey, goodHeader, `{"sub":["PallyConAPI"]}`))
	f.Add("..")
	f.Add(goodToken() + "=")
	e := emulator.New(emulator.Options{Clock: twin.FrozenClock(tokenTime)})
	f.Fuzz(func(t *testing.T, token string) {
		r := httptest.NewRequest("GET", "/api/v2/account/siteId?api_code="+codeSite, nil)
		r.Header["Authorization"] = []string{"Bearer " + token}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusUnauthorized {
			t.Fatalf("status %d", w.Code)
		}
		header, rest, _ := strings.Cut(token, ".")
		payload, _, _ := strings.Cut(rest, ".")
		plainHeader, _ := base64.RawURLEncoding.DecodeString(header)
		plainPayload, _ := base64.RawURLEncoding.DecodeString(payload)
		signed := sign(emulator.DefaultServiceAPIKey, string(plainHeader), string(plainPayload)) == token
		if w.Code == http.StatusOK && !signed {
			t.Errorf("%q is let in without the key's signature", token)
		}
		e.Ledger().Clear()
	})
}

// FuzzClaims: a payload signed with the key is let in only if every claim is exact.
func FuzzClaims(f *testing.F) {
	f.Add(goodPayload)
	f.Add(strings.Replace(goodPayload, "}", `,"exp":1583191412}`, 1))
	f.Add(strings.Replace(goodPayload, "}", `,"exp":1e300}`, 1))
	f.Add(`{"SUB":"PallyConAPI"}`)
	e := emulator.New(emulator.Options{Clock: twin.FrozenClock(tokenTime)})
	f.Fuzz(func(t *testing.T, payload string) {
		r := httptest.NewRequest("GET", "/api/v2/account/siteId?api_code="+codeSite, nil)
		r.Header.Set("Authorization", "Bearer "+sign(emulator.DefaultServiceAPIKey, goodHeader, payload))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		e.Ledger().Clear()
		want := map[string]any{"sub": "PallyConAPI", "aud": "INKA", "iss": "PallyCon", "account_id": "sandbox", "account_seq": "1"}
		var claims map[string]any
		exact := json.Unmarshal([]byte(payload), &claims) == nil
		for name, value := range want {
			exact = exact && claims[name] == value
		}
		if expiry, given := claims["exp"]; given {
			seconds, isNumber := expiry.(float64)
			exact = exact && isNumber && seconds > float64(tokenTime.Unix())
		}
		if got := w.Code == http.StatusOK; got != exact {
			t.Errorf("status %d for %s", w.Code, payload)
		}
	})
}
