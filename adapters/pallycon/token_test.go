package pallycon_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// part is one part of a token, decoded.
func part(t *testing.T, text string) string {
	t.Helper()
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("a part of the token is no base64url: %v", err)
	}
	return string(plain)
}

// bearer is the token that a call carries.
func bearer(t *testing.T, h http.Header) string {
	t.Helper()
	values := h.Values("Authorization")
	if len(values) != 1 {
		t.Fatalf("%d Authorization headers, want 1", len(values))
	}
	token, ok := strings.CutPrefix(values[0], "Bearer ")
	if !ok {
		t.Fatal("the Authorization header holds no bearer token")
	}
	return token
}

func TestEveryCallCarriesTheGuidesToken(t *testing.T) {
	before := time.Now().Unix()
	a, vendor := serve(t, map[string]string{getSites: none})
	if level, err := a.Check(t.Context()); err != nil || level != "" {
		t.Fatalf("Check returns %q, %v; PallyCon tells no access level", level, err)
	}
	parts := strings.Split(bearer(t, vendor.Only(getSites).Header), ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts, want 3", len(parts))
	}
	mac := hmac.New(sha256.New, []byte("the-service-api-key"))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if part(t, parts[2]) != string(mac.Sum(nil)) {
		t.Error("the signature is not the HMAC SHA-256 of header and payload")
	}
	var header, payload map[string]any
	err := json.Unmarshal([]byte(part(t, parts[0])), &header)
	if err != nil || header["alg"] != "HS256" || header["typ"] != "JWT" {
		t.Errorf("the header is %v, %v", header, err)
	}
	if err := json.Unmarshal([]byte(part(t, parts[1])), &payload); err != nil {
		t.Fatal(err)
	}
	// aud is one string, and account_seq is text although it looks like a number
	for claim, want := range map[string]any{
		"sub": "PallyConAPI", "aud": "INKA", "iss": "PallyCon", "account_id": "acme", "account_seq": "77",
	} {
		if payload[claim] != want {
			t.Errorf("%s is %#v, want %#v", claim, payload[claim], want)
		}
	}
	if exp, ok := payload["exp"].(float64); !ok || int64(exp) <= before || int64(exp) > before+15*60 {
		t.Errorf("exp is %v, want a time within a quarter of an hour of %d", payload["exp"], before)
	}
	if len(payload) != 6 {
		t.Errorf("the payload is %v, which has other claims than the guide's", payload)
	}
}

func TestATokenIsRenewedTwoMinutesBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, vendor := serve(t, map[string]string{getSites: none})
		token := func() string {
			if _, err := a.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			made := vendor.Made(getSites)
			return bearer(t, made[len(made)-1].Header)
		}
		ends := func(token string) time.Time {
			var payload struct{ Exp int64 }
			if err := json.Unmarshal([]byte(part(t, strings.Split(token, ".")[1])), &payload); err != nil {
				t.Fatal(err)
			}
			return time.Unix(payload.Exp, 0)
		}
		first := token()
		time.Sleep(time.Until(ends(first)) - 2*time.Minute - time.Nanosecond)
		if token() != first {
			t.Error("more than two minutes before its end, a token is not used again")
		}
		time.Sleep(time.Nanosecond)
		second := token()
		if second == first || !ends(second).After(ends(first)) {
			t.Error("two minutes before its end, a token is still used")
		}
		if token() != second {
			t.Error("the second token is not used again")
		}
	})
}

func TestATokenIsGoodAsLongAsItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := adapterTo(t, twinConfig(), twin.Transport(emulator.New(emulator.Options{})))
		for range 200 { // more than an hour and a half, at changing distances from the renewals
			if _, err := a.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(31 * time.Second)
		}
	})
}

func TestAnotherAccountsTokenIsRefused(t *testing.T) {
	for what, change := range map[string]emulator.Options{
		"another account":     {AccountID: "other"},
		"another seq":         {AccountSeq: "2"},
		"another key":         {ServiceAPIKey: "another-key"},
		"the key in capitals": {ServiceAPIKey: strings.ToUpper(emulator.DefaultServiceAPIKey)},
	} {
		_, err := adapterTo(t, twinConfig(), twin.Transport(emulator.New(change))).Check(t.Context())
		wantError(t, what, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
	}
}

func FuzzTheTwinTakesTheTokenOfAnyAccount(f *testing.F) {
	f.Add("acme", "77", "the-service-api-key")
	f.Add(`a "quoted" <b>&`, "007", "\x00\xff")
	f.Add("계정\u2028", "1e3", strings.Repeat("k", 200))
	f.Fuzz(func(t *testing.T, id, seq, key string) {
		if id == "" || seq == "" || key == "" || !utf8.ValidString(id) || !utf8.ValidString(seq) {
			// no configuration has such an account: a YAML file is UTF-8; a key may hold any bytes
			return
		}
		c := config()
		c.AccountID, c.AccountSeq, c.ServiceAPIKey = id, seq, secret.New(key)
		vendor := emulator.New(emulator.Options{AccountID: id, AccountSeq: seq, ServiceAPIKey: key})
		if _, err := adapterTo(t, c, twin.Transport(vendor)).Check(t.Context()); err != nil {
			t.Error(err)
		}
		other := emulator.New(emulator.Options{AccountID: id, AccountSeq: seq, ServiceAPIKey: key + "?"})
		_, err := adapterTo(t, c, twin.Transport(other)).Check(t.Context())
		wantError(t, "with another key", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
	})
}
