package pallycon_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const postCertificate = "POST /api/v2/drm/setting/fpscert/DEMO"

// certificate is a sound request, with a certificate that is good for an hour.
func certificate(t *testing.T) *pb.RegisterFairPlayCertificateRequest {
	t.Helper()
	block, _ := pem.Decode([]byte(fixture(t, "fairplay/plain-pkcs1.pem")))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(0xc0ffee), Subject: pkix.Name{CommonName: "Kids TV"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &pb.RegisterFairPlayCertificateRequest{
		Name: demo, Certificate: der, PrivateKey: []byte(fixture(t, "fairplay/pbes2-aes-256-cbc.pem")), KeyPassword: "correct-horse",
		ApplicationSecretKey: "0123456789abcdef0123456789ABCDEF",
	}
}

func TestACertificateIsSentAsAFormWithFiles(t *testing.T) {
	// which is about other calls
	for _, encoding := range []pallycon.ParameterEncoding{pallycon.EncodeJSON, pallycon.EncodeQuery} {
		c := config()
		c.ParameterEncoding = encoding
		a, vendor := serve(t, c, map[string]string{postCertificate: done})
		req := certificate(t)
		registered, err := a.RegisterFairPlayCertificate(as(t, mutation.NewMemory()), req)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the certificate", registered, &pb.FairPlayCertificate{
			Subject: "CN=Kids TV", SerialNumber: "c0ffee", ExpireTime: timestamppb.New(registered.GetExpireTime().AsTime().Truncate(time.Second)),
		})
		post := vendor.Only(postCertificate)
		if len(post.Query) > 0 {
			t.Errorf("the query is %v: secrets do not belong there", post.Query)
		}
		wantParts(t, post, map[string][]byte{
			"api_code": []byte("UA003004200"), "ask": []byte(req.GetApplicationSecretKey()), "key_pw": []byte("correct-horse"),
			"fps_cert fairplay.cer": req.GetCertificate(), "private_key private_key.pem": req.GetPrivateKey(),
		})
	}
}

// wantParts demands these parts, by their name and, of a file, its file name.
func wantParts(t *testing.T, post wiretest.Request, want map[string][]byte) {
	t.Helper()
	media, options, err := mime.ParseMediaType(post.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		t.Fatalf("the Content-Type is %q, %v", post.Header.Get("Content-Type"), err)
	}
	parts, n := multipart.NewReader(strings.NewReader(post.Body), options["boundary"]), 0
	for ; ; n++ {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		name := strings.TrimSpace(part.FormName() + " " + part.FileName())
		if expected, ok := want[name]; !ok || err != nil || !bytes.Equal(content, expected) {
			t.Errorf("the part %q has %d bytes, want %d; %v", name, len(content), len(expected), err)
		}
	}
	if n != len(want) {
		t.Errorf("%d parts, want %d", n, len(want))
	}
}

func TestValidateOnlySendsNothing(t *testing.T) {
	// which fails the test with any other call
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json")})
	req := certificate(t)
	ctx, trial := mutation.WithDryRun(t.Context())
	found, err := a.RegisterFairPlayCertificate(ctx, req)
	if err != nil || found.GetSerialNumber() != "c0ffee" || len(trial.Requests()) != 1 {
		t.Errorf("%v, %v, with the requests %q", found, err, trial.Requests())
	}
	req.KeyPassword = "wrong"
	ctx, trial = mutation.WithDryRun(t.Context())
	_, err = a.RegisterFairPlayCertificate(ctx, req)
	wantError(t, "with a mistake", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	if planned := trial.Requests(); len(planned) > 0 {
		t.Errorf("with a mistake, it would send %q", planned)
	}
}

func TestACertificateThatIsNotTaken(t *testing.T) {
	sites := fixture(t, "account-siteId.json")
	for what, c := range map[string]struct {
		answer, sites string
		code          codes.Code
		reason        pb.ErrorReason
	}{
		"refused":                 {refused, sites, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
		"no such site":            {refused, none, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"cut":                     {cut, sites, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN},
		"no answer of PallyCon's": {`{}`, sites, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN},
	} {
		a, vendor := serveInTurn(t, config(), map[string][]string{postCertificate: {c.answer, done}, getSites: {c.sites}})
		log, req := mutation.NewMemory(), certificate(t)
		for range 2 { // what is refused stays refused, and what is unknown stays unknown
			_, err := a.RegisterFairPlayCertificate(as(t, log), req)
			wantError(t, what, err, c.code, c.reason)
		}
		vendor.Only(postCertificate)
	}
}

func TestAVendorThatRepeatsSecretsIsNotQuoted(t *testing.T) {
	req := certificate(t)
	for _, value := range []string{req.GetKeyPassword(), req.GetApplicationSecretKey()} {
		a, _ := serve(t, config(), map[string]string{postCertificate: `{"error_code":"7777","error_message":"not with ` + value + `"}`, getSites: fixture(t, "account-siteId.json")})
		_, err := a.RegisterFairPlayCertificate(as(t, mutation.NewMemory()), req)
		e := wantError(t, "refused", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
		for _, text := range append([]string{err.Error()}, e.Metadata["vendor_message"]) {
			if strings.Contains(text, value) || !strings.Contains(text, "not with") {
				t.Errorf("it says %q", text)
			}
		}
	}
}
