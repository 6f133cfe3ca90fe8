package token_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
)

func TestWhichKeysAndOptionsAreRefused(t *testing.T) {
	good := token.Key{ID: "k", Algorithm: "ES256", Public: tokentest.Public("es256")}
	x25519, _ := tokentest.Key("es256").(*ecdsa.PrivateKey).ECDH()
	for name, change := range map[string]func(o *token.Options){
		"no issuer":             func(o *token.Options) { o.Issuer = "" },
		"no audience":           func(o *token.Options) { o.Audience = "" },
		"no keys":               func(o *token.Options) { o.Keys = nil },
		"a negative leeway":     func(o *token.Options) { o.Leeway = -1 },
		"an id twice":           func(o *token.Options) { o.Keys = append(o.Keys, good) },
		"no id":                 func(o *token.Options) { o.Keys[0].ID = "" },
		"a long id":             func(o *token.Options) { o.Keys[0].ID = strings.Repeat("k", 257) },
		"no algorithm":          func(o *token.Options) { o.Keys[0].Algorithm = "" },
		"none":                  func(o *token.Options) { o.Keys[0].Algorithm = "none" },
		"another curve":         func(o *token.Options) { o.Keys[0].Algorithm = "ES384" },
		"another type":          func(o *token.Options) { o.Keys[0].Algorithm = "RS256" },
		"a public HS256":        func(o *token.Options) { o.Keys[0].Algorithm = "HS256" },
		"a secret beside it":    func(o *token.Options) { o.Keys[0].Secret = []byte("x") },
		"no key":                func(o *token.Options) { o.Keys[0].Public = nil },
		"a private key":         func(o *token.Options) { o.Keys[0].Public = tokentest.Key("es256") },
		"a key for exchanges":   func(o *token.Options) { o.Keys[0].Public = x25519.Public().(*ecdh.PublicKey) },
		"RSA of 1024 bits":      func(o *token.Options) { o.Keys[0] = rsa1024() },
		"a secret of 31 bytes":  func(o *token.Options) { o.Keys[0] = hs(31) },
		"":                      func(*token.Options) {},
		" a secret of 32 bytes": func(o *token.Options) { o.Keys[0] = hs(32) },
	} {
		o := token.Options{Issuer: "i", Audience: "a", Keys: []token.Key{good}}
		change(&o)
		if _, err := token.New(o); (err == nil) != (strings.TrimLeft(name, " ") == "" || name[0] == ' ') {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func rsa1024() token.Key {
	return token.Key{ID: "k", Algorithm: "RS256", Public: tokentest.Public("set-1024")}
}

func hs(length int) token.Key {
	return token.Key{ID: "k", Algorithm: "HS256", Secret: []byte(strings.Repeat("x", length))}
}

func TestParsePublicKey(t *testing.T) {
	pkcs1 := x509.MarshalPKCS1PublicKey(tokentest.Public("rs256").(*rsa.PublicKey))
	private, _ := x509.MarshalPKCS8PrivateKey(tokentest.Key("es256"))
	text := string(tokentest.PublicPEM("es256"))
	for name, test := range map[string]struct{ algorithm, text, problem string }{
		"PKIX":        {"ES256", text, ""},
		"CRLF":        {"ES256", strings.ReplaceAll(text, "\n", "\r\n"), ""},
		"PKCS #1":     {"PS256", inPEM("RSA PUBLIC KEY", pkcs1), ""},
		"certificate": {"ES256", inPEM("CERTIFICATE", certificate(t)), ""},
		"empty":       {"ES256", "", "is not PEM"},
		"a path":      {"ES256", "/etc/key.pem", "is not PEM"},
		"private":     {"ES256", inPEM("EC PRIVATE KEY", private), "is private"},
		"two":         {"ES256", text + text, "several"},
		"damaged":     {"ES256", inPEM("PUBLIC KEY", private), "cannot be read"},
		"another":     {"ES256", inPEM("X", private), "another type"},
		"other alg":   {"RS256", text, "is for ES256, and not for RS256"},
		"short":       {"RS256", string(tokentest.PublicPEM("set-1024")), "1024 bits"},
	} {
		_, err := token.ParsePublicKey(test.algorithm, test.text)
		if (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: %v, want %q", name, err, test.problem)
		}
	}
}

func inPEM(what string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: what, Bytes: der}))
}

func certificate(t *testing.T) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	public, private := tokentest.Public("es256"), tokentest.Key("es256")
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// FuzzVerify compares the verifier with package jwt on tokens of any content that are signed right.
func FuzzVerify(f *testing.F) {
	v := verifier(f)
	byID := map[string]token.Key{}
	for _, k := range tokentest.Keys() {
		byID[k.ID] = k
	}
	plain := jwt.NewParser(jwt.WithValidMethods(slices.Sorted(maps.Keys(algorithms(byID)))), jwt.WithStrictDecoding(),
		jwt.WithIssuer(tokentest.Issuer), jwt.WithAudience(tokentest.Audience), jwt.WithLeeway(30e9),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	keyOf := func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if k := byID[kid]; k.Secret != nil {
			return k.Secret, nil
		}
		return byID[kid].Public, nil
	}
	claims := "{" + strings.Join(tokentest.Claims(), ",") + "}"
	f.Add("", `{"alg":"HS256","kid":"hs256"}`, claims)
	f.Add("", `{"alg":"HS256","kid":"hs256","typ":"JWT"}`, claims[:len(claims)-1]+`,"sites":["vendors/a/sites/b"]}`)
	for _, row := range tokentest.Table() {
		f.Add(row.Token, "", "")
	}
	f.Fuzz(func(t *testing.T, raw, header, claims string) {
		if header != "" {
			raw = tokentest.Signed("HS256", "hs256", header, claims)
		}
		got, err := v.Verify(t.Context(), raw)
		if err != nil {
			if token.ReasonOf(err) == "" {
				t.Errorf("no reason: %v", err)
			}
			return
		}
		parsed, err := plain.Parse(raw, keyOf)
		if err != nil || parsed.Claims.(jwt.MapClaims)["sub"] != got.Subject {
			t.Errorf("%s is accepted for %q, and package jwt says: %v", raw, got.Subject, err)
		}
	})
}

func algorithms(keys map[string]token.Key) map[string]bool {
	all := map[string]bool{}
	for _, k := range keys {
		all[k.Algorithm] = true
	}
	return all
}

// TestHolds changes the key that has signed a token, in each of its parts.
func TestHolds(t *testing.T) {
	with := func(keys ...token.Key) *token.Verifier {
		v, err := token.New(token.Options{Issuer: tokentest.Issuer, Audience: tokentest.Audience, Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	secret := tokentest.Key("hs256").([]byte)
	longer := append([]byte("x"), secret...)
	signed := token.Key{ID: "hs256", Algorithm: "HS256", Secret: secret}
	other := token.Key{ID: "es256", Algorithm: "ES256", Public: tokentest.Public("es256")}
	claims, err := with(signed).Verify(t.Context(), tokentest.Sign("HS256", "hs256", nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		keys []token.Key
		want bool
	}{
		"the same":          {[]token.Key{other, signed}, true},
		"none":              {[]token.Key{other}, false},
		"another id":        {[]token.Key{{ID: "hs", Algorithm: "HS256", Secret: secret}}, false},
		"another algorithm": {[]token.Key{{ID: "hs256", Algorithm: "HS384", Secret: secret}}, false},
		"another secret":    {[]token.Key{{ID: "hs256", Algorithm: "HS256", Secret: longer}}, false},
		"another kind":      {[]token.Key{{ID: "hs256", Algorithm: "ES256", Public: other.Public}}, false},
	} {
		if v := with(row.keys...); v.Holds(claims.Key) != row.want || !v.Holds("") || v.Holds("x") {
			t.Errorf("%s: %t, want %t", name, v.Holds(claims.Key), row.want)
		}
	}
}
