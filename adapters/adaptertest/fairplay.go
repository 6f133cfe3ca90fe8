package adaptertest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var fairPlayPromises = []Promise{
	{"RegisterFairPlayCertificate that is tried answers what was found", needs(fairPlayRegistrar), tellsWhatItFound},
	{"RegisterFairPlayCertificate finds every mistake at once, and sends nothing", needs(fairPlayRegistrar), findsMistakes},
	{"RegisterFairPlayCertificate shows no secret in an error", needs(fairPlayRegistrar), hidesTheKeys},
}

var fairPlayWrites = []write{{
	needs: needs(fairPlayRegistrar),
	prepare: func(t T, h Harness) *attempt {
		return &attempt{registering(h, newSite(t, h).fairPlay()), wanting(wantCertificate)}
	},
	ofNothing:      func(t T, h Harness) call { return registering(h, newUnknownSite(t, h).fairPlay()) },
	what:           "site",
	mayStayUnknown: true,
}}

// keyPair is what an operator gets from Apple, as far as the suite can make it by itself.
type keyPair struct {
	certificate *x509.Certificate
	key         []byte // PEM, encrypted with keyPassword
}

const (
	keyPassword          = "opens sesame"
	applicationSecretKey = "0123456789abcdef0123456789ABCDEF"
)

// newKeyPair makes a key and its certificate, which is good from now on for a year.
func newKeyPair() keyPair {
	must := func(err error) {
		if err != nil {
			panic("adaptertest: a key pair cannot be made: " + err.Error())
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	begins := time.Now().Add(-time.Hour)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x1f2e3d4c5b6a), NotBefore: begins, NotAfter: begins.AddDate(1, 0, 0),
		Subject: pkix.Name{CommonName: "FairPlay Streaming: Kids TV", Organization: []string{"Kids TV, Inc."}, Country: []string{"KR"}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	certificate, err := x509.ParseCertificate(der)
	must(err)
	// The way in which OpenSSL wrote keys until version 3, and which Apple's instructions lead to.
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), []byte(keyPassword), x509.PEMCipherAES256) //nolint:staticcheck // Deprecated, and what people have.
	must(err)
	return keyPair{certificate, pem.EncodeToMemory(block)}
}

// pairs are two key pairs, which are made once: that takes its time.
var pairs = sync.OnceValue(func() [2]keyPair { return [2]keyPair{newKeyPair(), newKeyPair()} })

// fairPlay is a sound request.
func (s *site) fairPlay() *pb.RegisterFairPlayCertificateRequest {
	pair := pairs()[0]
	return &pb.RegisterFairPlayCertificateRequest{
		Name: s.name, Certificate: pair.certificate.Raw, PrivateKey: pair.key, KeyPassword: keyPassword, ApplicationSecretKey: applicationSecretKey,
	}
}

func registering(h Harness, req *pb.RegisterFairPlayCertificateRequest) call {
	return typed(h.Adapter.(adapters.FairPlayCertificateRegistrar).RegisterFairPlayCertificate, req)
}

func wantCertificate(t T, what string, got *pb.FairPlayCertificate) {
	t.Helper()
	want := &pb.FairPlayCertificate{
		Subject: "CN=FairPlay Streaming: Kids TV,O=Kids TV\\, Inc.,C=KR", SerialNumber: "1f2e3d4c5b6a", ExpireTime: timestamppb.New(pairs()[0].certificate.NotAfter),
	}
	if !proto.Equal(got, want) {
		t.Errorf("%s: the certificate is %v, want %v", what, got, want)
	}
}

func tellsWhatItFound(t T, h Harness) {
	ctx, _ := mutation.WithDryRun(t.Context())
	answer, err := registering(h, newSite(t, h).fairPlay())(ctx)
	if err != nil {
		t.Fatalf("tried: %v", err)
	}
	wantCertificate(t, "tried", answer.(*pb.FairPlayCertificate))
}

func findsMistakes(t T, h Harness) {
	sound := newSite(t, h).fairPlay()
	for what, c := range map[string]struct {
		spoil  func(*pb.RegisterFairPlayCertificateRequest)
		fields []string
	}{
		"another's key":       {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = pairs()[1].key }, []string{"private_key"}},
		"a wrong password":    {func(r *pb.RegisterFairPlayCertificateRequest) { r.KeyPassword = "opens nothing" }, []string{"key_password"}},
		"a short ASK":         {func(r *pb.RegisterFairPlayCertificateRequest) { r.ApplicationSecretKey = "0123456789abcdef" }, []string{"application_secret_key"}},
		"no certificate":      {func(r *pb.RegisterFairPlayCertificateRequest) { r.Certificate = []byte("no certificate") }, []string{"certificate"}},
		"no key":              {func(r *pb.RegisterFairPlayCertificateRequest) { r.PrivateKey = []byte("no key") }, []string{"private_key"}},
		"everything is wrong": {spoilAll, []string{"certificate", "private_key", "application_secret_key"}},
	} {
		req := proto.CloneOf(sound)
		c.spoil(req)
		_, err := registering(h, req).in(t.Context(), newSteps())
		wantViolations(t, what, err, c.fields...)
		wantWrites(t, what, h, 0)
	}
}

func spoilAll(r *pb.RegisterFairPlayCertificateRequest) {
	r.Certificate, r.PrivateKey, r.ApplicationSecretKey = []byte("no certificate"), []byte("no key"), "no ASK"
}

func hidesTheKeys(t T, h Harness) {
	sound := newSite(t, h).fairPlay()
	spoilt := proto.CloneOf(sound)
	spoilt.KeyPassword, spoilt.ApplicationSecretKey = "opens nothing", "an ASK that is none"
	try := func(what string, ctx context.Context, req *pb.RegisterFairPlayCertificateRequest) {
		_, err := registering(h, req).in(ctx, newSteps())
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		known := h
		known.Secrets = append([]secret.Text{
			secret.New(req.GetKeyPassword()), secret.New(req.GetApplicationSecretKey()), secret.New(string(req.GetPrivateKey())),
		}, h.Secrets...)
		wantClean(t, what, known, err)
	}
	try("refused by the adapter", t.Context(), spoilt)
	for _, fault := range []WriteFault{Refused, AnswerGarbled, AnswerLost} {
		h.Writes.Fail(fault, 1)
		try("failed by the vendor", t.Context(), sound)
	}
}
