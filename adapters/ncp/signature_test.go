package ncp

import (
	"crypto"
	_ "crypto/sha256"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/NaverCloudPlatform/ncloud-sdk-go-v2/hmac"

	"github.com/drmhub/drmhub/adapters/secret"
)

func TestSignaturesAreThoseOfTheVendorsSDK(t *testing.T) {
	for _, c := range []struct{ access, secret, timestamp, method, target, want string }{
		{"AK_TEST", "SK_TEST", "1700000000000", "POST", "/vserver/v2/createServerInstances?regionCode=KR", "xBcE26XFU55BMjppdPT7ZY3oDrqoOedfPyAn3Cq4lUw="},
		{"TestAccessKey", "TestSecretKey", "1234567890123", "GET", "/vserver/v2/getServerInstanceList?responseFormatType=json", "FPsYYX8fuMAgi+cue3eACOW0dNtIwu1LYWfg/megA2M="},
	} {
		s := signer{accessKey: secret.New(c.access), secretKey: secret.New(c.secret)}
		if got := s.signature(c.method, c.target, c.timestamp); got != c.want {
			t.Errorf("%s %s is signed %s, want %s", c.method, c.target, got, c.want)
		}
		oracle, err := hmac.NewSigner(c.secret, crypto.SHA256).Sign(c.method, c.target, c.access, c.timestamp)
		if err != nil || oracle != c.want {
			t.Errorf("the SDK signs %s %s as %s, %v", c.method, c.target, oracle, err)
		}
	}
}

func TestEveryAttemptHasATimestampOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signer{accessKey: secret.New("the-access-key"), secretKey: secret.New("the-secret-key")}
		seen := map[string]bool{}
		for range 3 {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://ncp.invalid/api/v1/sites/a%2Fb?x=%20", nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.sign(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			timestamp := r.Header.Get("x-ncp-apigw-timestamp")
			if timestamp != strconv.FormatInt(time.Now().UnixMilli(), 10) || seen[timestamp] {
				t.Errorf("the timestamp is %s at %d", timestamp, time.Now().UnixMilli())
			}
			seen[timestamp] = true
			if got, want := r.Header.Get("x-ncp-apigw-signature-v2"), s.signature("GET", "/api/v1/sites/a%2Fb?x=%20", timestamp); got != want {
				t.Errorf("the signature is %s, want %s", got, want)
			}
			if got := r.Header.Get("x-ncp-iam-access-key"); got != "the-access-key" {
				t.Errorf("the access key is %q", got)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func FuzzSignature(f *testing.F) {
	f.Add("AK_TEST", "SK_TEST", "1700000000000", "GET", "http://h/api/v1/sites/a%2Fb?siteId=a%20b&searchKeyword=%EC%98%81%2B")
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
