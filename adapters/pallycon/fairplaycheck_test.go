package pallycon

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// OpenSSL 3.0 wrote the files: a certificate, and its RSA key, which is encrypted with this password
// in all ways that OpenSSL offers.
const (
	fairPlayPassword = "correct-horse"
	fairPlayASK      = "0123456789abcdef0123456789ABCDEF"
)

// fairPlayDay is a day on which the certificate is good.
var fairPlayDay = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)

func fairPlayFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/fairplay/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func fairPlayRequest(t testing.TB, key string) *pb.RegisterFairPlayCertificateRequest {
	return &pb.RegisterFairPlayCertificateRequest{
		Certificate: fairPlayFile(t, "certificate.der"), PrivateKey: fairPlayFile(t, key),
		KeyPassword: fairPlayPassword, ApplicationSecretKey: fairPlayASK,
	}
}

// wantViolations demands violations of these fields alone, in pairs of a field and a part of its
// description. No pair means no error.
func wantViolations(t *testing.T, what string, err error, want ...string) {
	t.Helper()
	got := map[string]string{}
	if err != nil {
		e := apierror.Convert(err)
		if e.Code != codes.InvalidArgument {
			t.Errorf("%s: %s", what, e.Code)
		}
		for _, v := range e.Violations {
			got[v.GetField()] += v.GetDescription()
		}
	}
	for i := 0; i < len(want); i += 2 {
		if !strings.Contains(got[want[i]], want[i+1]) {
			t.Errorf("%s: of %s it says %q, and not %q", what, want[i], got[want[i]], want[i+1])
		}
	}
	if len(got) != len(want)/2 || (err == nil) != (want == nil) {
		t.Errorf("%s: %v, want violations of %q", what, err, want)
	}
}

func TestEveryUsualEncryptionOfAKeyIsOpened(t *testing.T) {
	want := &pb.FairPlayCertificate{
		Subject: "CN=FairPlay Streaming Certificate,O=Kids TV,C=KR", SerialNumber: "4d1f",
		ExpireTime: timestamppb.New(time.Date(2028, 11, 21, 4, 33, 5, 0, time.UTC)),
	}
	attributes := []byte("Bag Attributes\n    friendlyName: key\n")
	for _, key := range []string{
		"dek-info-aes128.pem", "dek-info-des3.pem",
		"pbes2-des3.pem", "pbes2-aes-128-cbc.pem", "pbes2-aes-192-cbc.pem", "pbes2-aes-256-cbc.pem",
		"pbes2-hmacWithSHA1.pem", "pbes2-hmacWithSHA224.pem", "pbes2-hmacWithSHA384.pem", "pbes2-hmacWithSHA512.pem",
	} {
		req := fairPlayRequest(t, key)
		if got, err := checkFairPlay(req, fairPlayDay); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", key, got, err, want)
		}
		req.PrivateKey = slices.Concat(attributes, fairPlayFile(t, "certificate.pem"), req.GetPrivateKey())
		if _, err := checkFairPlay(req, fairPlayDay); err != nil {
			t.Errorf("%s, among other things: %v", key, err)
		}
		req.KeyPassword = "correct horse"
		_, err := checkFairPlay(req, fairPlayDay)
		wantViolations(t, key+", with a wrong password", err, "key_password", "")
	}
}

func TestEveryMistakeIsFound(t *testing.T) {
	type request = pb.RegisterFairPlayCertificateRequest
	certificate := func(content []byte) func(*request) { return func(r *request) { r.Certificate = content } }
	key := func(file string) func(*request) { return func(r *request) { r.PrivateKey = fairPlayFile(t, file) } }
	password := func(text string) func(*request) { return func(r *request) { r.KeyPassword = text } }
	ask := func(text string) func(*request) { return func(r *request) { r.ApplicationSecretKey = text } }
	for what, c := range map[string]struct {
		spoil func(*request)
		want  []string
	}{
		"a certificate in PEM":    {certificate(fairPlayFile(t, "certificate.pem")), []string{"certificate", "DER"}},
		"a key for a certificate": {certificate([]byte("0\x82")), []string{"certificate", "must be an X.509"}},
		"a certificate for a key": {key("certificate.pem"), []string{"private_key", "no private key"}},
		"another key":             {key("another-ec.pem"), []string{"private_key", "does not belong"}},
		"an unencrypted key":      {key("plain-pkcs1.pem"), []string{"key_password", "not encrypted"}},
		"another unencrypted key": {key("plain-pkcs8.pem"), []string{"key_password", "not encrypted"}},
		"an old encryption":       {key("pbes1.pem"), []string{"private_key", "aes-256-cbc"}},
		"a rare derivation":       {key("pbes2-scrypt.pem"), []string{"private_key", "aes-256-cbc"}},
		"a rare cipher":           {key("pbes2-camellia.pem"), []string{"private_key", "aes-256-cbc"}},
		"too much work":           {key("pbes2-slow.pem"), []string{"private_key", "3000000"}},
		"half a key": {
			func(r *request) { r.PrivateKey = r.PrivateKey[:500] }, []string{"private_key", "no private key"},
		},
		"no password":            {password(""), []string{"key_password", "must be set"}},
		"a password of 33 bytes": {password(strings.Repeat("é", 16) + "!"), []string{"key_password", "33 bytes"}},
		"31 digits":              {ask(fairPlayASK[1:]), []string{"application_secret_key", "32"}},
		"30 digits":              {ask(fairPlayASK[2:]), []string{"application_secret_key", "32"}},
		"a letter after f":       {ask("g" + fairPlayASK[1:]), []string{"application_secret_key", "hexadecimal"}},
		"nothing at all": {
			func(r *request) { proto.Reset(r) },
			[]string{
				"certificate", "DER", "private_key", "PEM",
				"key_password", "must be set", "application_secret_key", "32",
			},
		},
		"another key, and 31 digits": {
			func(r *request) { key("another-ec.pem")(r); ask(fairPlayASK[1:])(r) },
			[]string{"private_key", "does not belong", "application_secret_key", "32"},
		},
	} {
		req := fairPlayRequest(t, "pbes2-aes-256-cbc.pem")
		c.spoil(req)
		found, err := checkFairPlay(req, fairPlayDay)
		wantViolations(t, what, err, c.want...)
		for _, hidden := range []string{req.GetKeyPassword(), req.GetApplicationSecretKey()} {
			if found != nil || hidden != "" && strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: %v, or the error shows a secret", what, found)
			}
		}
	}
}

func TestACertificateIsGoodFromItsFirstSecondToItsLast(t *testing.T) {
	req := fairPlayRequest(t, "dek-info-aes128.pem")
	begins, ends := time.Date(2026, 11, 22, 4, 33, 5, 0, time.UTC), time.Date(2028, 11, 21, 4, 33, 5, 0, time.UTC)
	for now, want := range map[time.Time][]string{
		begins.Add(-time.Second): {"certificate", "not valid before 2026-11-22T04:33:05Z"},
		begins:                   nil,
		ends:                     nil,
		ends.Add(time.Second):    {"certificate", "expired at 2028-11-21T04:33:05Z"},
	} {
		_, err := checkFairPlay(req, now)
		wantViolations(t, now.String(), err, want...)
	}
}

func FuzzFairPlay(f *testing.F) {
	certificate := fairPlayFile(f, "certificate.der")
	keys, err := filepath.Glob("testdata/fairplay/*.pem")
	if err != nil || len(keys) < 10 {
		f.Fatal(keys, err)
	}
	for _, key := range keys {
		f.Add(certificate, fairPlayFile(f, filepath.Base(key)), fairPlayPassword)
	}
	f.Fuzz(func(t *testing.T, certificate, key []byte, password string) {
		if bytes.Count(key, []byte("PRIVATE KEY")) > 4 {
			return
		}
		// Nothing makes it panic, and what it accepts belongs together.
		found, err := checkFairPlay(&pb.RegisterFairPlayCertificateRequest{
			Certificate: certificate, PrivateKey: key, KeyPassword: password, ApplicationSecretKey: fairPlayASK,
		}, fairPlayDay)
		if (found == nil) == (err == nil) || err != nil && apierror.Convert(err).Code != codes.InvalidArgument {
			t.Errorf("%v, %v", found, err)
		}
	})
}
