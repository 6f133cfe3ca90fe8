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
	claims := `{"sub":"PallyConAPI","aud":"INKA","iss":"PallyCon","account_id":"acme","account_seq":"77"}`
	claiming := func(old, replacement string) string {
		return "Bearer " + sign(key, goodHeader, strings.Replace(claims, old, replacement, 1))
	}
	headed := func(header string) string { return "Bearer " + sign(key, header, claims) }
	good := headed(goodHeader)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	const ofTheGuide = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." +
		"eyJzdWIiOiJQYWxseUNvbkFQSSIsImF1ZCI6IklOS0EiLCJpc3MiOiJQYWxseUNvbiIsImFkbWluIjp0cnVlLCJ1c2Vy" +
		"SWQiOiJ0ZXN0dXNlciJ9." +
		"p7VJmRryoaSVU2qn9PDuoDRIFxphw0N2786bR6zhELQ"
	e := emulator.New(emulator.Options{
		AccountID: "acme", AccountSeq: "77", ServiceAPIKey: key, Clock: twin.FrozenClock(tokenTime),
	})
	for status, rows := range map[int]map[string][]string{
		200: {
			"good":                       {good},
			"scheme in lower case":       {"b" + good[1:]},
			"not expired":                {claiming("}", `,"exp":1583191412}`)},
			"more claims than necessary": {claiming("}", `,"iat":1,"admin":true}`)},
		},
		401: {
			"expires now":             {claiming("}", `,"exp":1583191411}`)},
			"exp is text":             {claiming("}", `,"exp":"1583191412"}`)},
			"no header":               nil,
			"two headers":             {good, good},
			"no scheme":               {strings.TrimPrefix(good, "Bearer ")},
			"another scheme":          {strings.Replace(good, "Bearer", "Basic", 1)},
			"another key":             {"Bearer " + sign("guess", goodHeader, claims)},
			"two parts":               {parts[0] + "." + parts[1]},
			"four parts":              {good + ".x"},
			"padded":                  {good + "="},
			"alg none":                {"Bearer " + none + "." + parts[1] + "."},
			"alg HS384":               {headed(`{"alg":"HS384","typ":"JWT"}`)},
			"no typ":                  {headed(`{"alg":"HS256"}`)},
			"header that is no JSON":  {headed(`HS256`)},
			"payload is null":         {claiming(claims, `null`)},
			"another sub":             {claiming("PallyConAPI", "pallyconapi")},
			"another aud":             {claiming("INKA", "INKA2")},
			"aud is a list":           {claiming(`"INKA"`, `["INKA"]`)},
			"another iss":             {claiming(`"PallyCon"`, `"Pally"`)},
			"another account":         {claiming("acme", "other")},
			"account_seq is a number": {claiming(`"77"`, `77`)},
			"account_seq is missing":  {claiming(`,"account_seq":"77"`, ``)},
			"keys in another case":    {claiming(`"sub"`, `"Sub"`)},
			"the token of the guide":  {"Bearer " + ofTheGuide},
		},
	} {
		for name, authorization := range rows {
			r := request(t, "GET", "/api/v2/account/siteId?api_code="+codeSite, "", "")
			r.Header["Authorization"] = authorization
			if got := do(t, e, r); got.Status != status || status == 401 && got.Text != "" {
				t.Errorf("%s: %d %q, want %d", name, got.Status, got.Text, status)
			}
		}
	}
}

func TestTheBodyOfARefusedTokenIsAnAssumption(t *testing.T) {
	e := demo(emulator.Options{Assumptions: emulator.Assumptions{UnauthorizedBody: "who?"}})
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

// FuzzToken checks that a token is accepted only if it is signed with the key.
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
			t.Errorf("%q is accepted without the key's signature", token)
		}
		e.Ledger().Clear()
	})
}

// FuzzClaims checks that a signed payload is accepted only if every claim is exact.
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
		want := map[string]any{
			"sub": "PallyConAPI", "aud": "INKA", "iss": "PallyCon", "account_id": "sandbox", "account_seq": "1",
		}
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
