package pallycon_test

import (
	"context"
	"encoding/base64"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// registration returns a sound request, at a time when its certificate is good.
func registration(t *testing.T) *pb.RegisterFairPlayCertificateRequest {
	time.Sleep(time.Until(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)))
	return &pb.RegisterFairPlayCertificateRequest{
		Name: demo, KeyPassword: "correct-horse", ApplicationSecretKey: "0123456789abcdef0123456789ABCDEF",
		Certificate: []byte(fixture(t, "../../fairplay/testdata/certificate.der")),
		PrivateKey:  []byte(fixture(t, "../../fairplay/testdata/dek-info-aes128.pem")),
	}
}

// A license server that hangs delays a registration, and most of its caller's time is left.
func TestARegistrationWaitsAShortTimeForTheLicenseServer(t *testing.T) {
	for deadline, want := range map[time.Duration]time.Duration{
		time.Minute: 5 * time.Second, 4 * time.Second: 2 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			req := registration(t)
			a, vendor := slow(t, http.MethodGet, time.Hour, twinConfig())
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			began := time.Now()
			_, err := a.RegisterFairPlayCertificate(mutation.NewContext(ctx, mutation.NewMemory()), req)
			if took := time.Since(began); err != nil || took != want {
				t.Errorf("%v after %v, want a success after %v", err, took, want)
			}
			wiretest.WantEffects(t, vendor, 1)
		})
	}
}

func TestACertificateIsSentAsAFormWithFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const call = "POST /api/v2/drm/setting/fpscert/DEMO"
		a, vendor := serve(t, map[string]string{call: `{"error_code":"0000"}`, "GET /ri/fpsCert.do": "none"})
		req := registration(t)
		ctx := mutation.NewContext(t.Context(), mutation.NewMemory())
		if _, err := a.RegisterFairPlayCertificate(ctx, req); err != nil {
			t.Fatal(err)
		}
		post := vendor.Only(call)
		media, options, err := mime.ParseMediaType(post.Header.Get("Content-Type"))
		if err != nil || media != "multipart/form-data" {
			t.Fatalf("the Content-Type is %q, %v", post.Header.Get("Content-Type"), err)
		}
		got := map[string]string{} // by name and file name
		for parts := multipart.NewReader(strings.NewReader(post.Body), options["boundary"]); ; {
			part, err := parts.NextPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(part)
			if err != nil {
				t.Fatal(err)
			}
			got[strings.TrimSpace(part.FormName()+" "+part.FileName())] += string(content)
		}
		if want := map[string]string{
			"api_code": "UA003004200", "ask": req.GetApplicationSecretKey(), "key_pw": "correct-horse",
			"fps_cert fairplay.cer":       string(req.GetCertificate()),
			"private_key private_key.pem": string(req.GetPrivateKey()),
		}; !maps.Equal(got, want) {
			t.Errorf("the parts are %q, want %q", got, want)
		}
	})
}

func TestTheServedCertificateIsRead(t *testing.T) {
	const served = "GET /ri/fpsCert.do"
	der := fixture(t, "../../fairplay/testdata/certificate.der")
	req := &pb.GetFairPlayCertificateRequest{Name: demo}
	for body, want := range map[string]string{
		der: "4d1f", fixture(t, "../../fairplay/testdata/certificate.pem"): "4d1f",
		base64.StdEncoding.EncodeToString([]byte(der)): "4d1f", "<html>maintenance</html>": "", "": "",
	} {
		a, vendor := serve(t, map[string]string{getSites: fixture(t, "account-siteId.json"), served: body})
		got, err := a.GetFairPlayCertificate(t.Context(), req)
		if got.GetSerialNumber() != want {
			t.Errorf("%.20q: the certificate is %v, %v, want %q", body, got, err, want)
		}
		if want == "" {
			wantError(t, "another body", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
		}
		if r := vendor.Only(served); r.Header.Get("Authorization") != "" {
			t.Errorf("the license server gets the token %q", r.Header.Get("Authorization"))
		}
	}
}
