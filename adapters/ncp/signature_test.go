package ncp

import (
	"crypto"
	_ "crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/NaverCloudPlatform/ncloud-sdk-go-v2/hmac"

	"github.com/drmhub/drmhub/adapters/secret"
)

func TestSignaturesAreThoseOfTheVendorsSDK(t *testing.T) {
	for want, c := range map[string]struct{ access, secret, timestamp, method, target string }{
		"xBcE26XFU55BMjppdPT7ZY3oDrqoOedfPyAn3Cq4lUw=": {
			"AK_TEST", "SK_TEST", "1700000000000", "POST", "/vserver/v2/createServerInstances?regionCode=KR",
		},
		"FPsYYX8fuMAgi+cue3eACOW0dNtIwu1LYWfg/megA2M=": {
			"TestAccessKey", "TestSecretKey", "1234567890123", "GET",
			"/vserver/v2/getServerInstanceList?responseFormatType=json",
		},
	} {
		s := signer{accessKey: secret.New(c.access), secretKey: secret.New(c.secret)}
		if got := s.signature(c.method, c.target, c.timestamp); got != want {
			t.Errorf("%s %s is signed %s, want %s", c.method, c.target, got, want)
		}
		oracle, err := hmac.NewSigner(c.secret, crypto.SHA256).Sign(c.method, c.target, c.access, c.timestamp)
		if err != nil || oracle != want {
			t.Errorf("the SDK signs %s %s as %s, %v", c.method, c.target, oracle, err)
		}
	}
}

func TestEveryAttemptHasATimestampOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const target = "/api/v1/sites/a%2Fb?x=%20"
		s := signer{accessKey: secret.New("the-access-key"), secretKey: secret.New("the-secret-key")}
		for range 3 {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://ncp.invalid"+target, nil)
			if err := s.sign(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			timestamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
			for name, want := range map[string]string{
				"x-ncp-apigw-timestamp": timestamp, "x-ncp-iam-access-key": "the-access-key",
				"x-ncp-apigw-signature-v2": s.signature("GET", target, timestamp),
			} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func FuzzSignature(f *testing.F) {
	const address = "http://h/api/v1/sites/a%2Fb?siteId=a%20b&searchKeyword=%EC%98%81%2B"
	f.Add("AK_TEST", "SK_TEST", "1700000000000", "GET", address)
	f.Add("", "\x00\xff", "0", "PUT", "https://h")
	f.Add("k", "k", "-1", "DELETE", "//h/%zz?#")
	f.Fuzz(func(t *testing.T, access, key, timestamp, method, address string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			return
		}
		want, err := hmac.NewSigner(key, crypto.SHA256).Sign(method, r.URL.String(), access, timestamp)
		if err != nil {
			return
		}
		// What is sent is the target as it stands: the SDK parses the address once more, which must
		// not change it.
		again, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL.String(), nil)
		if err != nil || again.URL.RequestURI() != r.URL.RequestURI() {
			return
		}
		s := signer{accessKey: secret.New(access), secretKey: secret.New(key)}
		if got := s.signature(method, r.URL.RequestURI(), timestamp); got != want {
			t.Errorf("%s %s is signed %s, and by the SDK %s", method, r.URL.RequestURI(), got, want)
		}
	})
}
