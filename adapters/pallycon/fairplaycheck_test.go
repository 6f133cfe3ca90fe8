package pallycon

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// OpenSSL 3.0 wrote the files: a certificate, and its RSA key, which is encrypted with this
// password in all ways that OpenSSL offers.
const (
	fairPlayPassword = "correct-horse"
	fairPlayASK      = "0123456789abcdef0123456789ABCDEF"
	certificateSum   = "8e62e88c47296eef5eeb6cff563788873051f45b35bcc5a1b71e2d9ee20946b2"
)

// fairPlayDay is a day on which the certificate is good.
var fairPlayDay = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)

func fairPlayFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("../fairplay/testdata/" + name)
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

func TestFilesAreConvertedForPallyCon(t *testing.T) {
	want := &pb.FairPlayCertificate{
		Subject: "CN=FairPlay Streaming Certificate,O=Kids TV,C=KR", SerialNumber: "4d1f",
		Fingerprint: certificateSum, KeySize: 1024,
		ExpireTime: timestamppb.New(time.Date(2028, 11, 21, 4, 33, 5, 0, time.UTC)),
	}
	for _, key := range []string{
		"dek-info-des3.pem", "plain-pkcs1.pem", "plain-pkcs8.pem", "pbes1.pem", "pbes2-scrypt.pem",
		"pbes2-aes-256-cbc.pem",
	} {
		req := fairPlayRequest(t, key)
		req.Certificate = fairPlayFile(t, "certificate.pem")
		req.ApplicationSecretKey = "0x" + fairPlayASK + "\r\n"
		got, err := checkFairPlay(t.Context(), req, fairPlayDay)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if !proto.Equal(got.description, want) || got.secretKey != fairPlayASK ||
			!bytes.Equal(got.certificate, fairPlayFile(t, "certificate.der")) {
			t.Errorf("%s: %v, want %v, or the certificate or the ASK is not converted", key, got.description, want)
		}
		const traditional = "BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
		if !strings.Contains(string(got.privateKey), traditional) {
			t.Errorf("%s: the key is not in OpenSSL's traditional form", key)
		}
		req.KeyPassword = "correct horse"
		if _, err = checkFairPlay(t.Context(), req, fairPlayDay); !strings.HasPrefix(key, "plain") {
			wantViolations(t, key+", with a wrong password", err, "key_password", "")
		}
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
		"two swapped files": {
			func(r *request) { r.Certificate, r.PrivateKey = r.PrivateKey, fairPlayFile(t, "certificate.pem") },
			[]string{"certificate", "swap the two files", "private_key", "is a certificate"},
		},
		"a key twice": {
			certificate(fairPlayFile(t, "pbes1.pem")), []string{"certificate", "is a private key"},
		},
		"a key for a certificate": {certificate([]byte("0\x82")), []string{"certificate", "must be an X.509"}},
		"a certificate for a key": {key("certificate.pem"), []string{"private_key", "is a certificate"}},
		"another key":             {key("another-ec.pem"), []string{"private_key", "does not belong"}},
		"a rare cipher":           {key("pbes2-camellia.pem"), []string{"private_key", "pkey -traditional -aes256"}},
		"too much work":           {key("pbes2-slow.pem"), []string{"private_key", "3000000"}},
		"half a key": {
			func(r *request) { r.PrivateKey = r.PrivateKey[:500] },
			[]string{"private_key", "no private key that is whole"},
		},
		"no password":            {password(""), []string{"key_password", "must be set"}},
		"a line end":             {password(fairPlayPassword + "\n"), []string{"key_password", "with white space"}},
		"a password of 33 bytes": {password(strings.Repeat("é", 16) + "!"), []string{"key_password", "33 bytes"}},
		"31 digits":              {ask(fairPlayASK[1:]), []string{"application_secret_key", "has 31"}},
		"30 digits":              {ask(fairPlayASK[2:]), []string{"application_secret_key", "has 30"}},
		"a letter after f":       {ask("g" + fairPlayASK[1:]), []string{"application_secret_key", "hexadecimal"}},
		"nothing at all": {
			func(r *request) { proto.Reset(r) },
			[]string{
				"certificate", "X.509", "private_key", ".pem",
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
		found, err := checkFairPlay(t.Context(), req, fairPlayDay)
		wantViolations(t, what, err, c.want...)
		for _, hidden := range []string{req.GetKeyPassword(), req.GetApplicationSecretKey()} {
			if found != nil || hidden != "" && strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: %v, or the error shows a secret", what, found)
			}
		}
	}
}

func TestACertificateIsGoodFromItsFirstSecondOn(t *testing.T) {
	req := fairPlayRequest(t, "dek-info-aes128.pem")
	begins, ends := time.Date(2026, 11, 22, 4, 33, 5, 0, time.UTC), time.Date(2028, 11, 21, 4, 33, 5, 0, time.UTC)
	for now, want := range map[time.Time][]string{
		begins.Add(-time.Second): {"certificate", "not valid before 2026-11-22T04:33:05Z"},
		begins:                   nil,
		ends.Add(time.Second):    nil, // Apple's devices ignore the date
	} {
		_, err := checkFairPlay(t.Context(), req, now)
		wantViolations(t, now.String(), err, want...)
	}
}
