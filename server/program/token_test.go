package program

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/auth/token"
)

// ran runs the program, and returns what it prints.
func ran(t *testing.T, args ...string) (string, error) {
	var out, errs bytes.Buffer
	err := run(t.Context(), args, &out, &errs)
	return out.String(), err
}

// signing makes a key of each algorithm in a folder, and a configuration of them.
func signing(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	keys := ""
	for _, alg := range []string{"EdDSA", "ES256", "RS256"} {
		said, err := ran(t, "keygen", "--alg", alg, "--out", filepath.Join(dir, alg+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(said) {
			if strings.Contains(line, "{kid: ") {
				keys += line
			}
		}
	}
	t.Setenv("TEST_TOKEN_SECRET", strings.Repeat("s3cr3t", 6))
	yaml := `auth:
  mode: jwt
  issuer: https://id.example
  audience: drmhub
  roles: {reader: ["sites:read"]}
  clients: [{san: billing.acme.example}]
  keys:
    - {kid: hs, alg: HS384, secret: {env: TEST_TOKEN_SECRET}}
    - {kid: absent, alg: HS256, secret: {env: TEST_TOKEN_ABSENT}}
` + keys
	for name, text := range map[string]string{
		"drmhub.yaml": yaml, "none.yaml": "auth: {mode: none}", "broken.yaml": "auth: {mode: no}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestATokenOfTheCommandIsValid(t *testing.T) {
	dir := signing(t)
	config := filepath.Join(dir, "drmhub.yaml")
	for kid, alg := range map[string]string{"EdDSA": "EdDSA", "ES256": "ES256", "RS256": "RS256", "hs": "HS384"} {
		key := token.Key{ID: kid, Algorithm: alg}
		by := []string{"--key", filepath.Join(dir, kid+".pem")}
		if kid == "hs" {
			key.Secret, by = []byte(os.Getenv("TEST_TOKEN_SECRET")), []string{"--secret-env", "TEST_TOKEN_SECRET"}
		} else {
			text, err := os.ReadFile(filepath.Join(dir, kid+".pub.pem"))
			if err != nil {
				t.Fatal(err)
			}
			if key.Public, err = token.ParsePublicKey(alg, string(text)); err != nil {
				t.Fatal(err)
			}
		}
		signed, err := ran(t, "token", by[0], by[1], "--kid", kid, "--config", config,
			"--subject", "billing", "--roles", "viewer, reader", "--scopes", "licenses:read", "--scopes", "sites:write",
			"--vendors", "", "--sites", "vendors/acme/sites/a%2Cb", "--for", "1h")
		if err != nil {
			t.Fatal(err)
		}
		v, err := token.New(token.Options{Issuer: "https://id.example", Audience: "drmhub", Keys: []token.Key{key}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.Verify(t.Context(), strings.TrimSuffix(signed, "\n"))
		if err != nil {
			t.Fatalf("%s: %v", kid, err)
		}
		want := token.Claims{
			Subject: "billing", Roles: []string{"viewer", "reader"}, Scopes: []string{"licenses:read", "sites:write"},
			Vendors: []string{}, Sites: []string{"vendors/acme/sites/a,b"}, Expires: c.Expires, Key: c.Key,
		}
		if !reflect.DeepEqual(*c, want) || c.Key == "" || time.Until(c.Expires) > time.Hour {
			t.Errorf("%s: %+v", kid, c)
		}
	}
}

func TestKeygenKeepsPrivateKeysToTheOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "k2.pem")
	if _, err := ran(t, "keygen", "--out", file); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if _, err := ran(t, "keygen", "--out", file); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Error(err)
	}
	_ = os.Remove(strings.TrimSuffix(file, ".pem") + ".pub.pem")
	if _, err := ran(t, "keygen", "--out", file); err == nil {
		t.Error("a private key was replaced")
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("the key is another one")
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 1 {
		t.Error("a failed keygen leaves files:", left)
	}
}

func TestWhatKeygenAndTokenRefuse(t *testing.T) {
	dir := signing(t)
	t.Setenv("TEST_TOKEN_SHORT", "s3cr3t")
	t.Setenv("TEST_TOKEN_OTHER", strings.Repeat("s3cr3t", 7))
	const plain = "token --key EdDSA.pem --kid EdDSA --config drmhub.yaml --subject billing"
	for args, want := range map[string]string{
		plain:                            "",
		"keygen":                         "needs --out",
		"keygen k.pem":                   `no argument "k.pem"`,
		"keygen --alg HS256 --out k.pem": "use EdDSA, ES256 or RS256",
		"keygen --out no/k.pem":          "cannot be written",
		plain + " billing":               `no argument "billing"`,
		plain + " --secret-env X":        "either --key FILE or --secret-env NAME",
		plain + " --key ":                "either --key FILE or --secret-env NAME",
		plain + " --kid ":                "needs --kid",
		plain + " --kid other":           `no key with the kid "other"`,
		plain + " --kid ES256":           "another key with the kid",
		plain + " --kid ES256 --key EdDSA.pub.pem":                   "holds no private key",
		plain + " --key none.yaml":                                   "is not PEM",
		plain + " --key no.pem":                                      "cannot be read",
		plain + " --alg ES256":                                       "has EdDSA for the kid",
		plain + " --subject ":                                        "needs --subject",
		plain + " --subject spiffe://a/b":                            "it names a caller without a token",
		plain + " --subject Anonymous":                               "it names a caller without a token",
		plain + " --subject billing.acme.example":                    "it names a caller without a token",
		plain + " --roles root":                                      `no role "root"`,
		plain + " --scopes sites:raed":                               `no scope "sites:raed"`,
		plain + " --vendors -":                                       "vendors is malformed",
		plain + " --sites DEMO":                                      "sites is malformed",
		plain + " --for 0s":                                          "--for must be between",
		plain + " --for 100000h":                                     "--for must be between",
		plain + " --config ":                                         "needs --config",
		plain + " --config none.yaml":                                "auth.mode none",
		plain + " --config broken.yaml":                              "auth.mode",
		plain + " --config no.yaml":                                  "cannot read the configuration",
		plain + " --audience a --issuer https://id.example":          "",
		plain + " --config  --issuer i --audience a --kid x":         "",
		plain + " --config  --issuer i --audience a --alg RS256":     "is for EdDSA, and not for RS256",
		plain + " --key  --secret-env TEST_TOKEN_SECRET --kid hs":    "",
		plain + " --key  --secret-env TEST_TOKEN_OTHER --kid hs":     "another key with the kid",
		plain + " --key  --secret-env TEST_TOKEN_OTHER --kid absent": "",
		plain + " --key  --secret-env TEST_TOKEN_SHORT --kid absent": "at least 32 bytes",
		plain + " --key  --secret-env TEST_TOKEN_NONE --kid absent":  "is not set",
		plain + " --key  --secret-env TEST_TOKEN_SECRET":             "must be a public key",
	} {
		t.Run(args, func(t *testing.T) {
			t.Chdir(dir)
			said, err := ran(t, strings.Split(args, " ")...)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if err != nil && (said != "" || strings.Contains(err.Error(), "s3cr3t")) {
				t.Errorf("it prints %q and says %v", said, err)
			}
		})
	}
}
