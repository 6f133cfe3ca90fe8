package pallycon

import (
	"bytes"
	"maps"
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

// The files were written by OpenSSL 3.0: one RSA key, encrypted with this password in all ways that
// its tools offer, and its certificate.
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
		Certificate: fairPlayFile(t, "certificate.der"), PrivateKey: fairPlayFile(t, key), KeyPassword: fairPlayPassword, ApplicationSecretKey: fairPlayASK,
	}
}

// violations are the fields that an error complains of, and what it says.
func violations(t *testing.T, what string, err error) map[string]string {
	t.Helper()
	said := map[string]string{}
	if err == nil {
		return said
	}
	e := apierror.Convert(err)
	if e.Code != codes.InvalidArgument {
		t.Errorf("%s: %s", what, e.Code)
	}
	for _, v := range e.Violations {
		said[v.GetField()] += v.GetDescription()
	}
	return said
}

func TestEveryUsualEncryptionOfAKeyIsOpened(t *testing.T) {
	want := &pb.FairPlayCertificate{
		Subject: "CN=FairPlay Streaming Certificate,O=Kids TV,C=KR", SerialNumber: "4d1f",
		ExpireTime: timestamppb.New(time.Date(2028, 11, 21, 4, 33, 5, 0, time.UTC)),
	}
	for _, key := range []string{
		"dek-info-aes128.pem", "dek-info-des3.pem", "pbes2-des3.pem", "pbes2-aes-128-cbc.pem", "pbes2-aes-192-cbc.pem", "pbes2-aes-256-cbc.pem",
		"pbes2-hmacWithSHA1.pem", "pbes2-hmacWithSHA224.pem", "pbes2-hmacWithSHA384.pem", "pbes2-hmacWithSHA512.pem",
	} {
		req := fairPlayRequest(t, key)
		if got, err := checkFairPlay(req, fairPlayDay); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", key, got, err, want)
		}
		req.KeyPassword = "correct horse"
		if _, err := checkFairPlay(req, fairPlayDay); violations(t, key, err)["key_password"] == "" {
			t.Errorf("%s, with a wrong password: %v", key, err)
		}
		req = fairPlayRequest(t, key)
		req.PrivateKey = slices.Concat([]byte("Bag Attributes\n    friendlyName: key\n"), fairPlayFile(t, "certificate.pem"), req.GetPrivateKey())
		if _, err := checkFairPlay(req, fairPlayDay); err != nil {
			t.Errorf("%s, among other things: %v", key, err)
		}
	}
}

func TestEveryMistakeIsFound(t *testing.T) {
	for what, c := range map[string]struct {
		spoil func(*pb.RegisterFairPlayCertificateRequest)
		says  map[string]string
	}{
		"a certificate in PEM":    {func(r *pb.RegisterFairPlayCertificateRequest) { r.Certificate = fairPlayFile(t, "certificate.pem") }, map[string]string{"certificate": "DER"}},
		"a key for a certificate": {func(r *pb.RegisterFairPlayCertificateRequest) { r.Certificate = []byte("0\x82") }, map[string]string{"certificate": "no X.509"}},
		"a certificate for a key": {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = fairPlayFile(t, "certificate.pem") }, map[string]string{"private_key": "no private key"}},
		"another key":             {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = fairPlayFile(t, "another-ec.pem") }, map[string]string{"private_key": "does not belong"}},
		"an unencrypted key":      {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = fairPlayFile(t, "plain-pkcs1.pem") }, map[string]string{"key_password": "not encrypted"}},
		"another unencrypted key": {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = fairPlayFile(t, "plain-pkcs8.pem") }, map[string]string{"key_password": "not encrypted"}},
		"an old encryption":       {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = fairPlayFile(t, "pbes1.pem") }, map[string]string{"private_key": "aes-256-cbc"}},
		"a rare derivation":       {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = fairPlayFile(t, "pbes2-scrypt.pem") }, map[string]string{"private_key": "aes-256-cbc"}},
		"a rare cipher":           {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = fairPlayFile(t, "pbes2-camellia.pem") }, map[string]string{"private_key": "aes-256-cbc"}},
		"too much work":           {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = fairPlayFile(t, "pbes2-slow.pem") }, map[string]string{"private_key": "3000000"}},
		"half a key":              {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = r.PrivateKey[:500] }, map[string]string{"private_key": "no private key"}},
		"no password":             {func(r *pb.RegisterFairPlayCertificateRequest) { r.KeyPassword = "" }, map[string]string{"key_password": "must be set"}},
		"a password of 33 bytes":  {func(r *pb.RegisterFairPlayCertificateRequest) { r.KeyPassword = strings.Repeat("é", 16) + "!" }, map[string]string{"key_password": "33 bytes"}},
		"31 digits":               {func(r *pb.RegisterFairPlayCertificateRequest) { r.ApplicationSecretKey = fairPlayASK[1:] }, map[string]string{"application_secret_key": "32"}},
		"30 digits":               {func(r *pb.RegisterFairPlayCertificateRequest) { r.ApplicationSecretKey = fairPlayASK[2:] }, map[string]string{"application_secret_key": "32"}},
		"a digit that is none":    {func(r *pb.RegisterFairPlayCertificateRequest) { r.ApplicationSecretKey = "g" + fairPlayASK[1:] }, map[string]string{"application_secret_key": "hexadecimal"}},
		"nothing at all":          {func(r *pb.RegisterFairPlayCertificateRequest) { proto.Reset(r) }, map[string]string{"certificate": "DER", "private_key": "PEM", "key_password": "must be set", "application_secret_key": "32"}},
		"another key, and 31 digits": {func(r *pb.RegisterFairPlayCertificateRequest) {
			r.PrivateKey, r.ApplicationSecretKey = fairPlayFile(t, "another-ec.pem"), fairPlayASK[1:]
		}, map[string]string{"private_key": "does not belong", "application_secret_key": "32"}},
	} {
		req := fairPlayRequest(t, "pbes2-aes-256-cbc.pem")
		c.spoil(req)
		found, err := checkFairPlay(req, fairPlayDay)
		got := violations(t, what, err)
		if found != nil || !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(c.says))) {
			t.Errorf("%s: %v, %q, want violations of %q", what, found, got, c.says)
		}
		for field, words := range c.says {
			if !strings.Contains(got[field], words) {
				t.Errorf("%s: of %s it says %q, and not %q", what, field, got[field], words)
			}
		}
		for _, hidden := range []string{req.GetKeyPassword(), req.GetApplicationSecretKey()} {
			if err != nil && len(hidden) > 0 && strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: the error shows a secret", what)
			}
		}
	}
}

func TestACertificateIsGoodFromItsFirstSecondToItsLast(t *testing.T) {
	req := fairPlayRequest(t, "dek-info-aes128.pem")
	begins, ends := time.Date(2026, 11, 22, 4, 33, 5, 0, time.UTC), time.Date(2028, 11, 21, 4, 33, 5, 0, time.UTC)
	for now, words := range map[time.Time]string{
		begins.Add(-time.Second): "not valid before 2026-11-22T04:33:05Z", begins: "", ends: "", ends.Add(time.Second): "ended at 2028-11-21T04:33:05Z",
	} {
		_, err := checkFairPlay(req, now)
		if got := violations(t, now.String(), err)["certificate"]; !strings.Contains(got, words) || (words == "") != (err == nil) {
			t.Errorf("at %s: %v, want %q", now, err, words)
		}
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
		// Nothing that anybody sends makes it panic, and whatever it lets pass belongs together.
		found, err := checkFairPlay(&pb.RegisterFairPlayCertificateRequest{
			Certificate: certificate, PrivateKey: key, KeyPassword: password, ApplicationSecretKey: fairPlayASK,
		}, fairPlayDay)
		if (found == nil) == (err == nil) || err != nil && apierror.Convert(err).Code != codes.InvalidArgument {
			t.Errorf("%v, %v", found, err)
		}
	})
}
