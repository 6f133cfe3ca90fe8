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
	"math/big"
	"mime/multipart"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const (
	register = "/api/v2/drm/setting/fpscert/DEMO?api_code=UA003004200"
	goodASK  = "00112233445566778899AABBccddeeff"

	goodPassword = "the password of the key, 32 byte"
)

// fairPlay makes a certificate in DER and its private key in PEM, encrypted with goodPassword.
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
	plain, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	//nolint:staticcheck // Insecure, and the form that the vendor takes.
	block, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", plain, []byte(goodPassword), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	return string(der), string(pem.EncodeToMemory(block))
}

func inPEM(kind string, content []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}))
}

// A part is a part of a multipart body. One with a file name is a file.
type part struct{ name, file, content string }

func multipartBody(t testing.TB, parts ...part) (contentType, body string) {
	t.Helper()
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for _, p := range parts {
		header := textproto.MIMEHeader{"Content-Disposition": {multipart.FileContentDisposition(p.name, p.file)}}
		if p.file == "" {
			header.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q", p.name))
		}
		out, err := w.CreatePart(header)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = out.Write([]byte(p.content)) // into memory
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), buffer.String()
}

// postParts posts a multipart body.
func postParts(t *testing.T, e *emulator.Emulator, target string, parts ...part) reply {
	t.Helper()
	contentType, body := multipartBody(t, parts...)
	return do(t, e, request(t, "POST", target, contentType, body))
}

// goodParts are what registers a certificate, but for api_code.
func goodParts(certificate, key string) []part {
	return []part{
		{"ask", "", goodASK}, {"key_pw", "", goodPassword},
		{"fps_cert", "fairplay.cer", certificate}, {"private_key", "privatekey.pem", key},
	}
}

func TestCertificateIsRegistered(t *testing.T) {
	for _, encoding := range []emulator.Encoding{
		"", emulator.EncodingQuery, emulator.EncodingForm, emulator.EncodingJSON,
	} {
		e := demo(emulator.Options{Assumptions: emulator.Assumptions{OnlyEncoding: encoding}})
		if e.FairPlayCertificate("DEMO") != nil {
			t.Fatal("a certificate from the start")
		}
		certificate, key := fairPlay(t, "FairPlay of Acme")
		parts := append(goodParts(certificate, key), part{"api_code", "", "UA003004200"})
		got := postParts(t, e, "/api/v2/drm/setting/fpscert/DEMO", parts...)
		const done = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/drm/setting/fpscert/DEMO"}},` +
			`"error_code":"0000"}`
		if strings.TrimSpace(got.Text) != done {
			t.Errorf("%s, want the default response", got.Text)
		}
		held := e.FairPlayCertificate("DEMO")
		if held == nil || string(held.Raw) != certificate || e.FairPlayCertificate("TEST") != nil {
			t.Errorf("holds %v", held)
		}
		// The license server takes no token.
		served := twintest.Serve(e, httptest.NewRequest("GET", "/ri/fpsCert.do?siteId=DEMO", nil))
		none := twintest.Serve(e, httptest.NewRequest("GET", "/ri/fpsCert.do?siteId=TEST", nil))
		if served.Status != 200 || served.Text != certificate || none.Status != 404 {
			t.Errorf("serves %d %q, and %d for a site without a certificate", served.Status, served.Text, none.Status)
		}
		if effects := e.Ledger().Effects(); len(effects) != 1 || fmt.Sprint(effects[0].Kind, effects[0].Details) !=
			"fairPlayCertificateRegisteredmap[serial_number:c0ffee subject:CN=FairPlay of Acme]" {
			t.Errorf("effects %+v", effects)
		}
	}
}

func TestCertificateIsReplaced(t *testing.T) {
	e := demo(emulator.Options{})
	for _, name := range []string{"first", "second"} {
		certificate, key := fairPlay(t, name)
		postParts(t, e, register, goodParts(certificate, key)...)
		if held := e.FairPlayCertificate("DEMO"); held == nil || held.Subject.CommonName != name {
			t.Errorf("holds %v, want the %s", held, name)
		}
	}
}

func TestCertificatesAreRefused(t *testing.T) {
	certificate, key := fairPlay(t, "FairPlay of Acme")
	e := demo(emulator.Options{})
	good := goodParts(certificate, key)
	with := func(changed part) []part {
		parts := goodParts(certificate, key)
		for i := range parts {
			if parts[i].name == changed.name {
				parts[i] = changed
			}
		}
		return parts
	}
	certInPEM := inPEM("CERTIFICATE", []byte(certificate))
	_, another := fairPlay(t, "FairPlay of another")
	pkcs8 := strings.ReplaceAll(key, "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
	for name, test := range map[string]struct {
		parts         []part
		code, message string
	}{
		"no ask":                    {good[1:], "9001", "ask"},
		"no password":               {with(part{"key_pw", "", ""}), "9001", "key_pw"},
		"no certificate":            {with(part{"fps_cert", "fairplay.cer", ""}), "9001", "fps_cert"},
		"no private key":            {good[:3], "9001", "private_key"},
		"short ask":                 {with(part{"ask", "", goodASK[:30]}), "9002", "32 hexadecimal digits"},
		"ask that is no number":     {with(part{"ask", "", "x" + goodASK[1:]}), "9002", "32 hexadecimal digits"},
		"long password":             {with(part{"key_pw", "", strings.Repeat("ü", 17)}), "9002", "32 bytes"},
		"certificate in PEM":        {with(part{"fps_cert", "fairplay.cer", certInPEM}), "1401", "DER"},
		"half a certificate":        {with(part{"fps_cert", "fairplay.cer", certificate[:100]}), "1401", "DER"},
		"certificate as the key":    {with(part{"private_key", "privatekey.pem", certInPEM}), "A9104", "PEM"},
		"no text of a private key":  {with(part{"private_key", "privatekey.pem", "secret"}), "A9104", "PEM"},
		"a key in PKCS#8":           {with(part{"private_key", "privatekey.pem", pkcs8}), "A9104", "traditional"},
		"another password":          {with(part{"key_pw", "", "another"}), "A9104", "does not open"},
		"another's key":             {with(part{"private_key", "privatekey.pem", another}), "A9104", "does not fit"},
		"certificate as plain text": {with(part{"fps_cert", "", certificate}), "9002", "fps_cert must be a file"},
		"ask as a file":             {with(part{"ask", "ask.txt", goodASK}), "9002", `"ask" is a file`},
		"something else":            {append(good, part{"note", "", "x"}), "9003", "note"},
		"ask twice":                 {append(good, part{"ask", "", goodASK}), "9002", "ask is given 2 times"},
	} {
		got := postParts(t, e, register, test.parts...)
		got.wantFailure(t, name, test.code, test.message)
		for _, p := range test.parts {
			if p.name != "note" && len(p.content) > 10 && strings.Contains(got.ErrorMessage, p.content[1:9]) {
				t.Errorf("%s: %s shows the %s", name, got.Text, p.name)
			}
		}
	}
	elsewhere := strings.Replace(register, "DEMO", "NONE", 1)
	postParts(t, e, elsewhere, good...).wantFailure(t, "an unknown site", "1003", "NONE")
	contentType, body := multipartBody(t, good...)
	for name, sent := range map[string]struct{ contentType, body string }{
		"another boundary":           {"multipart/form-data; boundary=x", body},
		"no boundary":                {"multipart/form-data", body},
		"a body that ends too early": {contentType, body[:len(body)-4]},
	} {
		got := do(t, e, request(t, "POST", register, sent.contentType, sent.body))
		got.wantFailure(t, name, "9002", "")
	}
	if n := len(e.Ledger().Effects()); n != 0 || e.FairPlayCertificate("DEMO") != nil {
		t.Errorf("%d effects of refused requests", n)
	}
}

func TestMultipartBodiesWithoutAnAPICodeAreForbidden(t *testing.T) {
	e := demo(emulator.Options{})
	certificate, key := fairPlay(t, "FairPlay of Acme")
	path, _, _ := strings.Cut(register, "?")
	good := goodParts(certificate, key)
	asJSON, err := json.Marshal(map[string]string{
		"api_code": "UA003004200", "ask": goodASK, "key_pw": "x", "fps_cert": "x", "private_key": key,
	})
	if err != nil {
		t.Fatal(err)
	}
	order := []part{{"api_code", "", "UA010310200"}, {"service_name", "", "x"}}
	for what, got := range map[string]reply{
		"no api_code":                      postParts(t, e, path, good...),
		"another api_code":                 postParts(t, e, path+"?api_code=UA003004100", good...),
		"files in JSON":                    do(t, e, request(t, "POST", path, "application/json", string(asJSON))),
		"another call with multipart form": postParts(t, e, "/api/v2/account/siteId/approve", order...),
	} {
		if got.Status != 403 {
			t.Errorf("%s: %d %s, want 403", what, got.Status, got.Text)
		}
	}
	if n := len(e.Ledger().Effects()); n != 0 {
		t.Errorf("%d effects of forbidden requests", n)
	}
}

func TestLedgerHoldsNoSecretOfAnIntegration(t *testing.T) {
	e := demo(emulator.Options{})
	certificate, key := fairPlay(t, "FairPlay of Acme")
	const setting = "/api/v2/drm/setting/DEMO"
	get(t, e, setting, "api_code=UA003004100")
	do(t, e, request(t, "PUT", setting, "application/json", `{"api_code":"UA003004100","site_key":"a-new-site-key"}`))
	postParts(t, e, register, goodParts(certificate, key)...)
	inQuery := register + "&ask=" + goodASK + "&key_pw=" + url.QueryEscape(goodPassword)
	postParts(t, e, inQuery, goodParts(certificate, key)[2:]...)
	i := e.Integration("DEMO")
	twintest.LedgerHides(t, e.Ledger(), "fairPlayCertificateRegistered", i.SiteKey, i.AccessKey, i.KMSToken,
		"a-new-site-key", goodASK, "the password of the key", key[140:160])
}

// FuzzRegistration checks that every body has one of the vendor's replies, and that only a
// certificate takes effect.
func FuzzRegistration(f *testing.F) {
	certificate, key := fairPlay(f, "FairPlay of Acme")
	for _, parts := range [][]part{goodParts(certificate, key), {{"fps_cert", "", certificate}}} {
		contentType, body := multipartBody(f, parts...)
		f.Add(contentType, body)
	}
	f.Add("multipart/form-data; boundary=a",
		"--a\r\nContent-Disposition: form-data; name=\"ask\"; filename=\"\r\n\r\nx\r\n--a--")
	f.Add("multipart/mixed; boundary=a", "--a--")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		e := demo(emulator.Options{})
		r := httptest.NewRequest("POST", register, strings.NewReader(body))
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
