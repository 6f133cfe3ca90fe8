package ncp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
)

// A signer adds the API gateway's "signature v2" to requests.
type signer struct{ accessKey, secretKey secret.Text }

// sign signs one attempt. Each attempt has its own timestamp, because the gateway refuses one that
// is five minutes off.
func (s signer) sign(_ context.Context, r *http.Request) error {
	timestamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	r.Header.Set("X-Ncp-Apigw-Timestamp", timestamp)
	r.Header.Set("X-Ncp-Iam-Access-Key", s.accessKey.Reveal())
	r.Header.Set("X-Ncp-Apigw-Signature-V2", s.signature(r.Method, r.URL.RequestURI(), timestamp))
	return nil
}

// signature returns the signature of a request target and a timestamp in milliseconds. The target
// is path and query exactly as they are sent. The body is not signed.
func (s signer) signature(method, target, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(s.secretKey.Reveal()))
	mac.Write([]byte(method + " " + target + "\n" + timestamp + "\n" + s.accessKey.Reveal()))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
