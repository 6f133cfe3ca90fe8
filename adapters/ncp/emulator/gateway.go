package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// The headers of a request to the API gateway, and the one that each of its answers has.
const (
	timestampHeader = "X-Ncp-Apigw-Timestamp"
	accessKeyHeader = "X-Ncp-Iam-Access-Key"
	signatureHeader = "X-Ncp-Apigw-Signature-V2"
	regionHeader    = "X-Ncp-Region_code"
	traceIDHeader   = "X-Ncp-Trace-Id"
)

// timestampTolerance: "5 minutes or longer" off, a request is invalid.
const timestampTolerance = 5 * time.Minute

// gateway is what the API gateway holds of the account.
type gateway struct {
	accessKey string
	secretKey []byte
	region    string
	denied    []string
}

// check tells why the gateway does not let r through, or nil.
func (g gateway) check(c call, r *http.Request, now time.Time) *GatewayError {
	refuse := func(e GatewayError, details string) *GatewayError {
		e.Details = details
		return &e
	}
	timestamp, one := only(r, timestampHeader)
	accessKey, two := only(r, accessKeyHeader)
	signature, three := only(r, signatureHeader)
	if !one || !two || !three {
		return refuse(AuthenticationFailed, "Authentication information are missing.")
	}
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	want := g.sign(r.Method+" "+target(r), timestamp)
	switch {
	case err != nil, accessKey != g.accessKey, !hmac.Equal([]byte(signature), []byte(want)):
		return refuse(AuthenticationFailed, "Invalid authentication information.")
	case now.Sub(time.UnixMilli(sent)).Abs() >= timestampTolerance:
		return refuse(AuthenticationFailed, "Expired timestamp.")
	}
	if region, _ := only(r, regionHeader); region != g.region {
		return refuse(BadRequest, "x-ncp-region_code must be "+g.region+".")
	}
	contentType, _ := only(r, "Content-Type")
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		return refuse(BadRequest, "Content-Type must be application/json.")
	}
	if slices.Contains(g.denied, c.pattern()) {
		return refuse(PermissionDenied, "Permission denied.")
	}
	return nil
}

// only is the value of a header that is given once, and not empty.
func only(r *http.Request, header string) (value string, ok bool) {
	values := r.Header.Values(header)
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}

// target is path and query exactly as they were sent: they are signed byte for byte.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // a request that came through no connection, or through a proxy
}

// sign is signature v2: of the method and the target, the timestamp and the access key, each on a
// line of its own.
func (g gateway) sign(methodAndTarget, timestamp string) string {
	mac := hmac.New(sha256.New, g.secretKey)
	mac.Write([]byte(methodAndTarget + "\n" + timestamp + "\n" + g.accessKey))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// serveNotFound answers a request that is no call.
func (e *Emulator) serveNotFound(w http.ResponseWriter, _ *http.Request) {
	refusal := NotFound
	refusal.Details = "URL not found."
	e.write(w, refusal.Status, refusal.body(e.assumed))
}

// traceIDs makes the values of x-ncp-trace-id, which have the form of the examples: 26 digits and
// letters.
func traceIDs(seed uint64) func() string {
	var mu sync.Mutex
	random := twin.Rand(seed, "trace ids")
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return letters(random, "0123456789abcdefghijklmnopqrstuv", 26)
	}
}
