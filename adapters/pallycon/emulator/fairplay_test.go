package emulator_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const (
	certificatePath = "/api/v2/drm/setting/fpscert/"
	codeCertificate = "UA003004200"
	goodASK         = "00112233445566778899AABBccddeeff"
)

// fairPlay makes a certificate in DER and its private key in PEM.
func fairPlay(t testing.TB, name string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xC0FFEE), Subject: pkix.Name{CommonName: name},
		NotBefore: at("2020-01-01 00:00:00"), NotAfter: at("2021-01-01 00:00:00"),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(der), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// part is a part of a multipart body; one with a file is a file.
type part struct{ name, file, content string }

func multipartBody(t testing.TB, parts ...part) (contentType, body string) {
	t.Helper()
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for _, p := range parts {
		create := w.CreateFormField
		if p.file != "" {
			create = func(name string) (io.Writer, error) {
				return w.CreateFormFile(name, p.file)
			}
		}
		out, err := create(p.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(p.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), buffer.String()
}

func register(t *testing.T, e *emulator.Emulator, site, query string, parts ...part) reply {
	t.Helper()
	contentType, body := multipartBody(t, parts...)
	return do(t, e, request(t, "POST", certificatePath+site+query, contentType, body))
}

// goodParts are what registers a certificate, but for api_code.
func goodParts(certificate, key string) []part {
	return []part{
		{"ask", "", goodASK}, {"key_pw", "", "the password of the key, 32 byte"},
		{"fps_cert", "fairplay.cer", certificate}, {"private_key", "privatekey.pem", key},
	}
}

func TestCertificateIsRegistered(t *testing.T) {
	for _, encoding := range []emulator.Encoding{"", emulator.EncodingQuery, emulator.EncodingForm, emulator.EncodingJSON} {
		e := demo(emulator.Options{Assumptions: emulator.Assumptions{OnlyEncoding: encoding}})
		if e.FairPlayCertificate("DEMO") != nil || e.FairPlayCertificate("NONE") != nil {
			t.Fatal("a certificate from the start")
		}
		certificate, key := fairPlay(t, "FairPlay of Acme")
		got := register(t, e, "DEMO", "", append(goodParts(certificate, key), part{"api_code", "", codeCertificate})...)
		const done = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/drm/setting/fpscert/DEMO"}},"error_code":"0000"}`
		if strings.TrimSpace(got.Text) != done {
			t.Errorf("%s, want the default response", got.Text)
		}
		if held := e.FairPlayCertificate("DEMO"); held == nil || string(held.Raw) != certificate || e.FairPlayCertificate("TEST") != nil {
			t.Errorf("holds %v", held)
		}
		effects := e.Ledger().Effects()
		if len(effects) != 1 || fmt.Sprintln(effects[0].Kind, effects[0].Key, effects[0].Details) !=
			"fairPlayCertificateRegistered DEMO map[serial_number:c0ffee subject:CN=FairPlay of Acme]\n" {
			t.Errorf("effects %+v", effects)
		}
	}
}

func TestCertificateIsReplaced(t *testing.T) {
	e := demo(emulator.Options{})
	for _, name := range []string{"first", "second"} {
		certificate, key := fairPlay(t, name)
		encrypted := strings.ReplaceAll(key, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
		register(t, e, "DEMO", "?api_code="+codeCertificate, goodParts(certificate, encrypted)...)
		if held := e.FairPlayCertificate("DEMO"); held == nil || held.Subject.CommonName != name {
			t.Errorf("holds %v, want the %s", held, name)
		}
	}
}

func TestCertificatesAreRefused(t *testing.T) {
	certificate, key := fairPlay(t, "FairPlay of Acme")
	e := demo(emulator.Options{})
	with := func(name, file, content string) []part {
		parts := goodParts(certificate, key)
		for i := range parts {
			if parts[i].name == name {
				parts[i].file, parts[i].content = file, content
			}
		}
		return parts
	}
	inPEM := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(certificate)}))
	for name, test := range map[string]struct {
		site          string
		parts         []part
		code, message string
	}{
		"unknown site":              {"NONE", goodParts(certificate, key), "1003", "NONE"},
		"no ask":                    {"DEMO", goodParts(certificate, key)[1:], "9001", "ask"},
		"no password":               {"DEMO", with("key_pw", "", ""), "9001", "key_pw"},
		"no certificate":            {"DEMO", with("fps_cert", "fairplay.cer", ""), "9001", "fps_cert"},
		"no private key":            {"DEMO", goodParts(certificate, key)[:3], "9001", "private_key"},
		"short ask":                 {"DEMO", with("ask", "", goodASK[:30]), "9002", "32 hexadecimal digits"},
		"ask that is no number":     {"DEMO", with("ask", "", "x"+goodASK[1:]), "9002", "32 hexadecimal digits"},
		"long password":             {"DEMO", with("key_pw", "", strings.Repeat("ü", 17)), "9002", "32 bytes"},
		"certificate in PEM":        {"DEMO", with("fps_cert", "fairplay.cer", inPEM), "1401", "DER"},
		"half a certificate":        {"DEMO", with("fps_cert", "fairplay.cer", certificate[:100]), "1401", "DER"},
		"certificate as the key":    {"DEMO", with("private_key", "privatekey.pem", inPEM), "1401", "PEM"},
		"private key that is none":  {"DEMO", with("private_key", "privatekey.pem", "secret"), "1401", "PEM"},
		"certificate as plain text": {"DEMO", with("fps_cert", "", certificate), "9002", "fps_cert is no file"},
		"ask as a file":             {"DEMO", with("ask", "ask.txt", goodASK), "9002", `"ask" is a file`},
		"something else":            {"DEMO", append(goodParts(certificate, key), part{"note", "", "x"}), "9003", "note"},
		"ask twice":                 {"DEMO", append(goodParts(certificate, key), part{"ask", "", goodASK}), "9002", "ask is given 2 times"},
	} {
		got := register(t, e, test.site, "?api_code="+codeCertificate, test.parts...)
		if got.Status != 200 || got.ErrorCode != test.code || !strings.Contains(got.ErrorMessage, test.message) || got.Data != nil {
			t.Errorf("%s: %d %s, want code %s and %q", name, got.Status, got.Text, test.code, test.message)
		}
		for _, p := range test.parts {
			if p.name != "note" && len(p.content) > 10 && strings.Contains(got.ErrorMessage, p.content[1:9]) {
				t.Errorf("%s: %s shows the %s", name, got.Text, p.name)
			}
		}
	}
	if got := register(t, e, "DEMO", "", goodParts(certificate, key)...); got.Status != 403 {
		t.Errorf("without an api_code: %d %s", got.Status, got.Text)
	}
	asJSON, err := json.Marshal(map[string]string{"api_code": codeCertificate, "ask": goodASK, "key_pw": "x", "fps_cert": "x", "private_key": key})
	if err != nil {
		t.Fatal(err)
	}
	if got := do(t, e, request(t, "POST", certificatePath+"DEMO", "application/json", string(asJSON))); got.Status != 403 {
		t.Errorf("files in JSON: %d %s, want 403 for want of an api_code", got.Status, got.Text)
	}
	for name, contentType := range map[string]string{"another boundary": "multipart/form-data; boundary=x", "no boundary": "multipart/form-data"} {
		_, body := multipartBody(t, goodParts(certificate, key)...)
		if got := do(t, e, request(t, "POST", certificatePath+"DEMO?api_code="+codeCertificate, contentType, body)); got.ErrorCode != "9002" {
			t.Errorf("%s: %d %s", name, got.Status, got.Text)
		}
	}
	contentType, body := multipartBody(t, goodParts(certificate, key)...)
	if got := do(t, e, request(t, "POST", certificatePath+"DEMO?api_code="+codeCertificate, contentType, body[:len(body)-4])); got.ErrorCode != "9002" {
		t.Errorf("a body that ends too early: %d %s", got.Status, got.Text)
	}
	if n := len(e.Ledger().Effects()); n != 0 || e.FairPlayCertificate("DEMO") != nil {
		t.Errorf("%d effects of refused requests", n)
	}
}

func TestOtherCallsTakeNoMultipartBody(t *testing.T) {
	e := demo(emulator.Options{})
	contentType, body := multipartBody(t, part{"api_code", "", codeOrder}, part{"service_name", "", "x"})
	if got := do(t, e, request(t, "POST", ordersPath, contentType, body)); got.Status != 403 || len(e.SiteOrders()) != 0 {
		t.Errorf("%d %s, want 403 for want of an api_code", got.Status, got.Text)
	}
}

func TestLedgerHoldsNoSecretOfAnIntegration(t *testing.T) {
	e := demo(emulator.Options{})
	certificate, key := fairPlay(t, "FairPlay of Acme")
	setting(t, e, "DEMO")
	update(t, e, "DEMO", map[string]string{"site_key": "a-new-site-key"})
	register(t, e, "DEMO", "?api_code="+codeCertificate, goodParts(certificate, key)...)
	register(t, e, "DEMO", "?ask="+goodASK+"&key_pw=a-password&api_code="+codeCertificate, goodParts(certificate, key)[2:]...)
	i := e.Integration("DEMO")
	twintest.LedgerHides(t, e.Ledger(), "fairPlayCertificateRegistered",
		i.SiteKey, i.AccessKey, i.KMSToken, "a-new-site-key", goodASK, "a-password", "the password of the key", key[40:60])
}

// FuzzRegistration: whatever arrives, the answer is one of the vendor's, and only a certificate
// takes effect.
func FuzzRegistration(f *testing.F) {
	certificate, key := fairPlay(f, "FairPlay of Acme")
	for _, parts := range [][]part{goodParts(certificate, key), {{"fps_cert", "", certificate}}} {
		contentType, body := multipartBody(f, parts...)
		f.Add(contentType, body)
	}
	f.Add("multipart/form-data; boundary=a", "--a\r\nContent-Disposition: form-data; name=\"ask\"; filename=\"\r\n\r\nx\r\n--a--")
	f.Add("multipart/mixed; boundary=a", "--a--")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		e := demo(emulator.Options{})
		r := httptest.NewRequest("POST", certificatePath+"DEMO?api_code="+codeCertificate, strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		r.Header.Set("Authorization", "Bearer "+goodToken())
		got := reply{Reply: twintest.Serve(e, r)}
		if err := json.Unmarshal([]byte(got.Text), &got); got.Status != 200 || err != nil || got.ErrorCode == "" {
			t.Fatalf("%d %s", got.Status, got.Text)
		}
		done, held := got.ErrorCode == "0000", e.FairPlayCertificate("DEMO")
		if done != (held != nil) || done != (len(e.Ledger().Effects()) == 1) {
			t.Errorf("%s with the certificate %v", got.Text, held)
		}
	})
}
