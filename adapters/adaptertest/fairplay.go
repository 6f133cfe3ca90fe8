package adaptertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/fairplay"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var fairPlayPromises = []Promise{
	{"GetFairPlayCertificate returns the certificate that was registered last",
		needs("GetFairPlayCertificate", "RegisterFairPlayCertificate"), servesTheLatest},
	{"GetFairPlayCertificate takes nothing else for a certificate, and never says that it is gone",
		needs("GetFairPlayCertificate", "RegisterFairPlayCertificate"), takesOnlyCertificates},
	{"GetFairPlayCertificate of an unknown site is NOT_FOUND", needs("GetFairPlayCertificate"),
		notFound(func(t T, h Harness) []proto.Message {
			return []proto.Message{&pb.GetFairPlayCertificateRequest{Name: newUnknownSite(t, h).name}}
		})},
	{"RegisterFairPlayCertificate in a dry run returns the certificate",
		needs("RegisterFairPlayCertificate"), tellsWhatItFound},
	{"RegisterFairPlayCertificate finds every mistake at once, and sends nothing",
		needs("RegisterFairPlayCertificate"), findsMistakes},
	{"RegisterFairPlayCertificate takes files in the forms that people have",
		needs("RegisterFairPlayCertificate"), takesFilesAsTheyAre},
	{"RegisterFairPlayCertificate is settled by the served certificate alone, if another one was served before",
		needs("RegisterFairPlayCertificate", "GetFairPlayCertificate"), settledByTheServed},
	{"RegisterFairPlayCertificate shows no secret in an error", needs("RegisterFairPlayCertificate"), hidesTheKeys},
}

var fairPlayWrites = []write{{
	needs: needs("RegisterFairPlayCertificate"),
	prepare: func(t T, h Harness) *attempt {
		return &attempt{h.calling(newSite(t, h).fairPlay()), wanting(wantCertificate)}
	},
	ofNothing:      func(t T, h Harness) call { return h.calling(newUnknownSite(t, h).fairPlay()) },
	what:           "site",
	mayStayUnknown: true,
}}

// A keyPair is what an operator gets from Apple, as far as the suite can make it.
type keyPair struct {
	certificate *x509.Certificate
	key         []byte // PEM, encrypted with keyPassword
}

const (
	keyPassword          = "opens sesame"
	applicationSecretKey = "0123456789abcdef0123456789ABCDEF"
)

// newKeyPair makes a key and its certificate, which is valid for a year from begins on.
func newKeyPair(begins time.Time) keyPair {
	must := func(err error) {
		if err != nil {
			panic("adaptertest: a key pair cannot be made: " + err.Error())
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x1f2e3d4c5b6a), NotBefore: begins, NotAfter: begins.AddDate(1, 0, 0),
		Subject: pkix.Name{
			CommonName: "FairPlay Streaming: Kids TV", Organization: []string{"Kids TV, Inc."}, Country: []string{"KR"},
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	certificate, err := x509.ParseCertificate(der)
	must(err)
	// OpenSSL wrote keys so until version 3, and Apple's instructions lead to it.
	//nolint:staticcheck // Deprecated, and what people have.
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key),
		[]byte(keyPassword), x509.PEMCipherAES256)
	must(err)
	return keyPair{certificate, pem.EncodeToMemory(block)}
}

// pairs returns two key pairs and an expired one. They are made once, because that takes long.
var pairs = sync.OnceValue(func() [3]keyPair {
	now := time.Now().Add(-time.Hour)
	return [3]keyPair{newKeyPair(now), newKeyPair(now), newKeyPair(now.AddDate(-5, 0, 0))}
})

// fairPlay is a sound request.
func (s *site) fairPlay() *pb.RegisterFairPlayCertificateRequest {
	pair := pairs()[0]
	return &pb.RegisterFairPlayCertificateRequest{
		Name: s.name, Certificate: pair.certificate.Raw, PrivateKey: pair.key, KeyPassword: keyPassword,
		ApplicationSecretKey: applicationSecretKey,
	}
}

func wantCertificate(t T, what string, got *pb.FairPlayCertificate) {
	t.Helper()
	want := &pb.FairPlayCertificate{
		Subject: "CN=FairPlay Streaming: Kids TV,O=Kids TV\\, Inc.,C=KR", SerialNumber: "1f2e3d4c5b6a",
		ExpireTime:  timestamppb.New(pairs()[0].certificate.NotAfter),
		Fingerprint: fingerprint(pairs()[0]), KeySize: 2048,
	}
	if !proto.Equal(got, want) {
		t.Errorf("%s: the certificate is %v, want %v", what, got, want)
	}
}

func fingerprint(pair keyPair) string {
	sum := sha256.Sum256(pair.certificate.Raw)
	return hex.EncodeToString(sum[:])
}

func servesTheLatest(t T, h Harness) {
	s := newSite(t, h)
	read := &pb.GetFairPlayCertificateRequest{Name: s.name}
	if res, err := h.ask(t.Context(), read); !errors.Is(err, fairplay.ErrNotServed) {
		t.Errorf("before the first registration: %v, %v, want an error that is fairplay.ErrNotServed", res, err)
	}
	for _, pair := range pairs() {
		req := s.fairPlay()
		req.Certificate, req.PrivateKey = pair.certificate.Raw, pair.key
		if _, err := h.calling(req).in(t.Context(), newSteps()); err != nil {
			t.Fatalf("%v", err)
		}
		got := get[*pb.FairPlayCertificate](t, h, read)
		if got.GetFingerprint() != fingerprint(pair) || got.GetKeySize() != 2048 ||
			!got.GetExpireTime().AsTime().Equal(pair.certificate.NotAfter) {
			t.Errorf("the certificate is %v, want the one with the fingerprint %s", got, fingerprint(pair))
		}
	}
}

func takesOnlyCertificates(t T, h Harness) {
	s := newSite(t, h)
	if _, err := h.calling(s.fairPlay()).in(t.Context(), newSteps()); err != nil {
		t.Fatalf("%v", err)
	}
	for _, fault := range append(successes, Misrouted, TimedOut, Down) {
		h.FailReads(fault)
		res, err := h.ask(t.Context(), &pb.GetFairPlayCertificateRequest{Name: s.name})
		if e := apierror.Convert(err); err == nil || e.Code == codes.NotFound {
			t.Errorf("while something else responds in the vendor's place: %v, %v", res, err)
		}
	}
}

// settledByTheServed loses the response to a registration twice. The first one replaces another
// certificate, and is seen. The second one could be seen only by the keys, which the vendor hides.
func settledByTheServed(t T, h Harness) {
	req := newSite(t, h).fairPlay()
	another := proto.CloneOf(req)
	another.Certificate, another.PrivateKey = pairs()[1].certificate.Raw, pairs()[1].key
	done[*pb.FairPlayCertificate](t, h, another)
	h = countFromNow(h)
	settled := func() (proto.Message, error) {
		log := newSteps()
		h.Writes.Fail(AnswerLost, 1)
		_, err := h.calling(req).in(t.Context(), log)
		wantUnknown(t, "the call", err)
		log.settling = true
		return h.calling(req).in(t.Context(), log)
	}
	if answer, err := settled(); err != nil {
		t.Errorf("settled: %v; make it a success if the certificate is served, without the secrets", err)
	} else {
		wantCertificate(t, "settled", answer.(*pb.FairPlayCertificate))
	}
	_, err := settled()
	wantUnknown(t, "of the same certificate, settled", err)
	wantWrites(t, "settled", h, 2)
}

func tellsWhatItFound(t T, h Harness) {
	ctx, _ := mutation.WithDryRun(t.Context())
	answer, err := h.calling(newSite(t, h).fairPlay())(ctx)
	if err != nil {
		t.Fatalf("tried: %v", err)
	}
	wantCertificate(t, "tried", answer.(*pb.FairPlayCertificate))
}

func findsMistakes(t T, h Harness) {
	sound := newSite(t, h).fairPlay()
	type request = *pb.RegisterFairPlayCertificateRequest
	for what, c := range map[string]struct {
		spoil  func(request)
		fields []string
	}{
		"another's key":    {func(r request) { r.PrivateKey = pairs()[1].key }, []string{"private_key"}},
		"a wrong password": {func(r request) { r.KeyPassword = "opens nothing" }, []string{"key_password"}},
		"a short ASK":      {func(r request) { r.ApplicationSecretKey = "0123" }, []string{"application_secret_key"}},
		"no certificate":   {func(r request) { r.Certificate = []byte("none") }, []string{"certificate"}},
		"no key":           {func(r request) { r.PrivateKey = []byte("none") }, []string{"private_key"}},
		"three mistakes": {func(r request) {
			r.Certificate, r.PrivateKey, r.ApplicationSecretKey = []byte("none"), []byte("none"), "none"
		}, []string{"certificate", "private_key", "application_secret_key"}},
	} {
		req := proto.CloneOf(sound)
		c.spoil(req)
		_, err := h.calling(req).in(t.Context(), newSteps())
		wantViolations(t, what, err, c.fields...)
		wantWrites(t, what, h, 0)
	}
}

// takesFilesAsTheyAre registers files in several forms. The expired certificate stays in use,
// because Apple's devices ignore its date.
func takesFilesAsTheyAre(t T, h Harness) {
	type request = *pb.RegisterFairPlayCertificateRequest
	usual, expired := pairs()[0], pairs()[2]
	for what, c := range map[string]struct {
		change  func(request)
		expires time.Time
	}{
		"an expired certificate": {func(r request) {
			r.Certificate, r.PrivateKey = expired.certificate.Raw, expired.key
		}, expired.certificate.NotAfter},
		"PEM": {func(r request) {
			r.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.GetCertificate()})
		}, usual.certificate.NotAfter},
		"a byte-order mark and the line ends of Windows": {func(r request) {
			lines := bytes.ReplaceAll(r.GetPrivateKey(), []byte("\n"), []byte("\r\n"))
			r.PrivateKey = append([]byte("\uFEFF"), lines...)
		}, usual.certificate.NotAfter},
		"an ASK as it is printed": {func(r request) {
			r.ApplicationSecretKey = "0x" + applicationSecretKey[:16] + "-" + applicationSecretKey[16:] + "\n"
		}, usual.certificate.NotAfter},
	} {
		req := newSite(t, h).fairPlay()
		c.change(req)
		answer, err := h.calling(req).in(t.Context(), newSteps())
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if got := answer.(*pb.FairPlayCertificate).GetExpireTime(); !got.AsTime().Equal(c.expires) {
			t.Errorf("%s: the certificate expires at %v, want %v", what, got.AsTime(), c.expires)
		}
	}
}

func hidesTheKeys(t T, h Harness) {
	sound := newSite(t, h).fairPlay()
	spoilt := proto.CloneOf(sound)
	spoilt.KeyPassword, spoilt.ApplicationSecretKey = "opens nothing", "not an ASK"
	try := func(what string, ctx context.Context, req *pb.RegisterFairPlayCertificateRequest) {
		_, err := h.calling(req).in(ctx, newSteps())
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		known := h
		known.Secrets = append([]secret.Text{
			secret.New(req.GetKeyPassword()), secret.New(req.GetApplicationSecretKey()),
			secret.New(string(req.GetPrivateKey())),
		}, h.Secrets...)
		wantClean(t, what, known, err)
	}
	try("refused by the adapter", t.Context(), spoilt)
	for _, fault := range []WriteFault{Refused, AnswerGarbled, AnswerLost} {
		h.Writes.Fail(fault, 1)
		try("failed by the vendor", t.Context(), sound)
	}
}
