package fairplay_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/drmhub/drmhub/adapters/fairplay"
)

// OpenSSL 3.0 wrote the files: a certificate, and its RSA key, which is encrypted with this
// password in all ways that OpenSSL offers.
const password = "correct-horse"

func file(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func certificate(t testing.TB) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(file(t, "certificate.der"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// forms returns a PEM file in the forms that people have.
func forms(text []byte) map[string][]byte {
	crlf := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	little, big := []byte{0xFF, 0xFE}, []byte{0xFE, 0xFF}
	for _, unit := range utf16.Encode([]rune(string(crlf))) {
		little, big = append(little, byte(unit), byte(unit>>8)), append(big, byte(unit>>8), byte(unit))
	}
	replaced := func(end string) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte(end)) }
	return map[string][]byte{
		"as it is": text, "with CRLF": crlf, "with CR": replaced("\r"), "indented": replaced("\n    "),
		"on one line": replaced(""), "with blanks for lines": replaced(" "), "with \\n": replaced(`\n`),
		"with \\r\\n": replaced(`\r\n`), "in quotes": []byte(`"` + string(replaced(`\n`)) + `"`),
		"with a byte-order mark": append([]byte("\uFEFF"), text...), "indented, with CRLF": replaced("\r\n\t"),
		"in UTF-16": little, "in UTF-16, big-endian": big, "in UTF-16 without a mark": little[2:],
		"in UTF-16, big-endian, without a mark": big[2:],
		"with bag attributes":                   append([]byte("Bag Attributes\n    friendlyName: fps\n"), text...),
		"with empty lines":                      replaced("\n\n"),
		"without padding":                       []byte(strings.ReplaceAll(string(text), "=", "")),
		"in base64 again":                       []byte(base64.StdEncoding.EncodeToString(text) + "\n"),
	}
}

func TestEveryFormOfACertificateIsRead(t *testing.T) {
	want := certificate(t)
	all := forms(file(t, "certificate.pem"))
	all["in DER"] = want.Raw
	all["in DER, with a line end"] = append(slices.Clone(want.Raw), "\r\n\x1A"...)
	all["in base64"] = []byte(base64.StdEncoding.EncodeToString(want.Raw))
	all["with its key before it"] = append(file(t, "plain-pkcs8.pem"), file(t, "certificate.pem")...)
	for form, content := range all {
		if got, err := fairplay.Certificates(content); err != nil || len(got) != 1 || !got[0].Equal(want) {
			t.Errorf("%s: %v, %v", form, got, err)
		}
	}
}

// keys are the ways to write a private key that OpenKey reads.
var keys = []string{
	"dek-info-aes128.pem", "dek-info-des3.pem", "plain-pkcs1.pem", "plain-pkcs8.pem",
	"pbes1.pem", "pbes1-md5-des.pem", "pbes1-sha1-des.pem", "pbes1-sha1-2des.pem", "pbes2-scrypt.pem",
	"pbes2-des3.pem", "pbes2-aes-128-cbc.pem", "pbes2-aes-192-cbc.pem", "pbes2-aes-256-cbc.pem",
	"pbes2-hmacWithSHA1.pem", "pbes2-hmacWithSHA224.pem", "pbes2-hmacWithSHA384.pem", "pbes2-hmacWithSHA512.pem",
	"pbes2-hmacWithSHA512-256.pem",
}

func TestEveryKeyIsOpenedAndConverted(t *testing.T) {
	for _, name := range keys {
		text := file(t, name)
		key := wantKey(t, name, text)
		wantTraditional(t, name, key)
		_, err := fairplay.OpenKey(t.Context(), text, "correct horse")
		if plain := strings.HasPrefix(name, "plain"); plain != (err == nil) ||
			!plain && !strings.Contains(err.Error(), "does not open") {
			t.Errorf("%s, with a wrong password: %v", name, err)
		}
	}
}

func TestEveryFormOfAKeyIsRead(t *testing.T) {
	for _, name := range []string{"dek-info-aes128.pem", "dek-info-des3.pem", "pbes1.pem", "plain-pkcs1.pem"} {
		for form, content := range forms(file(t, name)) {
			wantTraditional(t, name+" "+form, wantKey(t, name+" "+form, content))
		}
		if block, _ := pem.Decode(file(t, name)); block.Headers["DEK-Info"] == "" {
			wantKey(t, name+" in DER", block.Bytes)
			wantKey(t, name+" in base64", []byte(base64.StdEncoding.EncodeToString(block.Bytes)))
		}
	}
	among := slices.Concat(file(t, "certificate.pem"), file(t, "pbes1.pem"))
	wantKey(t, "after the certificate", among)
}

func wantKey(t *testing.T, what string, content []byte) *fairplay.Key {
	t.Helper()
	key, err := fairplay.OpenKey(t.Context(), content, password)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if fairplay.Of(key, []*x509.Certificate{certificate(t)}) == nil {
		t.Errorf("%s: another key", what)
	}
	return key
}

// wantTraditional demands OpenSSL's traditional form, opened by the same password.
func wantTraditional(t *testing.T, what string, key *fairplay.Key) {
	t.Helper()
	text, err := key.Traditional(password)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "RSA PRIVATE KEY" || len(rest) > 0 {
		t.Fatalf("%s: is not traditional", what)
	}
	der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // The form that vendors take.
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if _, err = x509.ParsePKCS1PrivateKey(der); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for name, want := range map[string]string{
		"pbes2-camellia.pem":    "(openssl pkey -traditional -aes256 -in key.pem -out encrypted.pem)",
		"dek-info-camellia.pem": "CAMELLIA-256-CBC",
		"pbes1-rc2.pem":         "-provider default -provider legacy)",
		"pbes2-rc2.pem":         "-provider default -provider legacy)",
		"pbes2-slow.pem":        "3000000",
		"certificate.pem":       "is a certificate,",
		"certificate.der":       "is a certificate,",
		"request.pem":           "is a certificate request",
		"request.der":           "is a certificate request",
		"public.pem":            "is a public key",
		"public.der":            "is a public key",
		"pkcs7.pem":             "is PKCS#7",
		"pkcs7.der":             "is PKCS#7",
		"pkcs12.p12":            "(openssl pkcs12 -nocerts -in file.p12",
		"pkcs12-legacy.p12":     "(openssl pkcs12 -legacy -nocerts -in file.p12",
	} {
		if _, err := fairplay.OpenKey(t.Context(), file(t, name), password); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s as a key: %v, want %q", name, err, want)
		}
	}
	for name, want := range map[string]string{
		"pbes1.pem":         "is a private key",
		"request.pem":       "is a certificate request",
		"request.der":       "is a certificate request",
		"public.pem":        "is a public key",
		"public.der":        "is a public key",
		"pkcs7.pem":         "(openssl pkcs7 -print_certs",
		"pkcs7.der":         "(openssl pkcs7 -inform der -print_certs",
		"pkcs12.p12":        "(openssl pkcs12 -clcerts -nokeys",
		"pkcs12-legacy.p12": "(openssl pkcs12 -legacy -clcerts -nokeys",
	} {
		if _, err := fairplay.Certificates(file(t, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s as a certificate: %v, want %q", name, err, want)
		}
	}
	block, _ := pem.Decode(file(t, "pbes1.pem"))
	for text, want := range map[string]string{
		"": "must be an X.509", "-----BEGIN CERTIFICATE-----": "must be an X.509",
		"0\x82\x01\x00\x02\x01\x03": "must be an X.509", string(block.Bytes): "is a private key",
	} {
		if _, err := fairplay.Certificates([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q as a certificate: %v, want %q", text, err, want)
		}
	}
}

func TestSecretKeys(t *testing.T) {
	const want = "0123456789abcdef0123456789ABCDEF"
	for _, text := range []string{
		want, "0x" + want, " " + want + "\r\n",
		"01234567-89abcdef-01234567-89ABCDEF", "\uFEFF" + want, `"` + want + `"`,
		"01:23:45:67:89:ab:cd:ef:01:23:45:67:89:AB:CD:EF", "01 23 45 67 89 ab cd ef\n01 23 45 67 89 AB CD EF",
		"{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0XAB, 0xCD, 0xEF}",
		"01234567\u200989abcdef\u201301234567\u00A089ABCDEF", `\x01\x23456789abcdef0123456789ABCDEF`,
	} {
		if got, err := fairplay.SecretKey(text); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for text, problem := range map[string]string{
		"": "has 0", "0x": "has 0", want[1:]: "has 31", want[2:]: "has 30", "0x" + want[2:]: "has 30",
		want + "00": "has 34", "g" + want[1:]: "another character", "0" + want + "x": "another character",
	} {
		got, err := fairplay.SecretKey(text)
		if err == nil || !strings.Contains(err.Error(), "32 hexadecimal") || !strings.HasSuffix(err.Error(), problem) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, problem)
		}
	}
}

func FuzzFiles(f *testing.F) {
	names, err := filepath.Glob("testdata/*.pem")
	if err != nil || len(names) < 10 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		f.Add(file(f, filepath.Base(name)), password)
	}
	f.Add(file(f, "certificate.der"), "")
	f.Fuzz(func(t *testing.T, content []byte, password string) {
		if bytes.Count(content, []byte("PRIVATE KEY")) > 4 {
			return
		}
		// Nothing makes it panic, and what it opens can be opened again.
		if found, err := fairplay.Certificates(content); (len(found) == 0) == (err == nil) {
			t.Errorf("%v, %v", found, err)
		}
		key, err := fairplay.OpenKey(t.Context(), content, password)
		if err != nil {
			return
		}
		text, err := key.Traditional(password)
		if err != nil {
			return
		}
		if again, err := fairplay.OpenKey(t.Context(), text, password); err != nil || again.Signer == nil {
			t.Errorf("not opened again: %v", err)
		}
	})
}

// A certificate may name any year, and a time of the contract begins with the year 1.
func TestAnEndThatTheContractCannotShow(t *testing.T) {
	c := certificate(t)
	if shown := fairplay.Describe(c).GetExpireTime(); !shown.AsTime().Equal(c.NotAfter) {
		t.Errorf("%v, want %v", shown, c.NotAfter)
	}
	c.NotAfter = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	if shown := fairplay.Describe(c).GetExpireTime(); shown != nil {
		t.Errorf("%v, want no end", shown)
	}
}
