package keyset_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
)

// The public parts of keys: of RFC 8037, appendix A, and of RFC 7515, appendix A.3.
const (
	ed25519X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	p256     = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
)

func rsaOf(t *testing.T, bits int, exponent string) string {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`"kty":"RSA","e":%q,"n":%q`, exponent, base64.RawURLEncoding.EncodeToString(k.N.Bytes()))
}

func TestWhichKeysOfASetCount(t *testing.T) {
	ed, rsa2048 := `"kty":"OKP","crv":"Ed25519","x":"`+ed25519X+`"`, rsaOf(t, 2048, "AQAB")
	for _, test := range []struct{ name, key, algorithms string }{
		{"Ed25519", ed, "EdDSA"},
		{"RSA", rsa2048, "RS256 RS384 RS512 PS256 PS384 PS512"},
		{"P-256", p256, "ES256"},
		{"with an algorithm", rsa2048 + `,"alg":"PS256"`, "PS256"},
		{"for signatures", ed + `,"use":"sig","key_ops":["sign","verify"]`, "EdDSA"},
		{"with members that count for nothing", ed + `,"x5u":"http://[::1]/","x5c":["!"],"Use":"enc"`, "EdDSA"},
		{"for encryption", ed + `,"use":"enc"`, ""},
		{"for an empty use", ed + `,"use":""`, ""},
		{"to encrypt", ed + `,"key_ops":["encrypt"]`, ""},
		{"for nothing", ed + `,"key_ops":[]`, ""},
		{"with an algorithm of another type", ed + `,"alg":"RS256"`, ""},
		{"with an algorithm of another curve", p256 + `,"alg":"ES384"`, ""},
		{"with an algorithm for encryption", rsa2048 + `,"alg":"RSA-OAEP"`, ""},
		{"with a symmetric algorithm", rsa2048 + `,"alg":"HS256"`, ""},
		{"without signatures", rsa2048 + `,"alg":"none"`, ""},
		{"symmetric", `"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"`, ""},
		{"asymmetric and symmetric", ed + `,"k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"`, ""},
		{"private", ed + `,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`, ""},
		{"RSA of 1024 bits", rsaOf(t, 1024, "AQAB"), ""},
		{"RSA with the exponent 1", rsaOf(t, 2048, "AQ"), ""},
		{"RSA with an even exponent", rsaOf(t, 2048, "AQAA"), ""},
		{"RSA with a huge exponent", rsaOf(t, 2048, "AQAAAAAAAAAB"), ""},
		{"RSA of 16384 bits", `"kty":"RSA","e":"AQAB","n":"_` + strings.Repeat("A", 2730) + `"`, ""},
		{"malformed RSA", `"kty":"RSA","e":"!!","n":"AQ"`, ""},
		{"no point of the curve", strings.Replace(p256, "f83O", "f83P", 1), ""},
		{"an unknown curve", `"kty":"EC","crv":"P-999","x":"AQ","y":"AQ"`, ""},
		{"secp256k1", strings.Replace(p256, "P-256", "secp256k1", 1), ""},
		{"X25519", strings.Replace(ed, "Ed25519", "X25519", 1), ""},
		{"a short Ed25519", `"kty":"OKP","crv":"Ed25519","x":"AQ"`, ""},
		{"no type", `"x":"AQ"`, ""},
		{"a number as id", ed + `,"kid":7`, ""},
		{"a member twice", ed + `,"use":"sig","use":"sig"`, ""},
		{"invalid UTF-8", ed + ",\"use\":\"\xff\"", ""},
	} {
		set := `{"keys":[{"kid":"k",` + test.key + `},{"kid":"other",` + ed + `},7,null,"",[],{}]}`
		keys, ignored, err := keyset.Parse([]byte(set))
		if err != nil || keys["other"].Public == nil || len(keys)+ignored != 7 {
			t.Errorf("%s: %v, %d ignored, %v", test.name, keys, ignored, err)
		}
		if got := strings.Join(keys["k"].Algorithms, " "); got != test.algorithms {
			t.Errorf("%s: verifies %q, want %q", test.name, got, test.algorithms)
		}
	}
}

func TestWhichIDsOfASetCount(t *testing.T) {
	ed, long := `"kty":"OKP","crv":"Ed25519","x":"`+ed25519X+`"`, strings.Repeat("k", keyset.MaxKID)
	set := `{"keys":[{` + ed + `},{"kid":"",` + ed + `},
		{"kid":"` + long + `",` + ed + `},{"kid":"` + long + `x",` + ed + `},
		{"kid":"twice",` + ed + `},{"kid":"twice",` + p256 + `},
		{"kid":"once",` + ed + `},{"kid":"once","kty":"oct","k":"AQ"}],
		"more":1,"more":2}`
	keys, ignored, err := keyset.Parse([]byte(set))
	got := slices.Sorted(maps.Keys(keys))
	if want := []string{long, "once"}; err != nil || !slices.Equal(got, want) || ignored != 6 {
		t.Errorf("%q, %d ignored, %v", got, ignored, err)
	}
}

func TestWhatIsNoSet(t *testing.T) {
	key := `{"kid":"k","kty":"OKP","crv":"Ed25519","x":"` + ed25519X + `"}`
	for _, text := range []string{
		``, `null`, `[]`, `"keys"`, `<html>`, `{}`, `{"keys":null}`, `{"keys":{}}`, `{"keys":[]}`, `{"keys":[7]}`,
		`{"Keys":[` + key + `]}`,
		`{"keys":[` + key + `]}x`, `{"keys":[` + key + `],"keys":[` + key + `]}`, `{"keys":[` + key + `]`, key,
		strings.Repeat(`{"keys":[`, 100_000),
	} {
		if keys, _, err := keyset.Parse([]byte(text)); err == nil {
			t.Errorf("%.60q: %v", text, keys)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"keys":[{"kid":"k","kty":"OKP","crv":"Ed25519","x":"` + ed25519X + `"}]}`)
	f.Add(`{"keys":[{"kid":"e",` + p256 + `,"alg":"ES256"},{"kid":"r","kty":"RSA","n":"AQ","e":"AQAB"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, _, err := keyset.Parse([]byte(text))
		for kid, key := range keys {
			if algorithms, bad := keyset.Algorithms(key.Public); err != nil || bad != nil || kid == "" ||
				len(key.Algorithms) == 0 || !slices.Contains(algorithms, key.Algorithms[0]) {
				t.Errorf("%q: %v, %v", kid, key.Algorithms, bad)
			}
		}
	})
}
