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

// The headers of a request to the API gateway. The last one is in each of its responses.
const (
	timestampHeader = "X-Ncp-Apigw-Timestamp"
	accessKeyHeader = "X-Ncp-Iam-Access-Key"
	signatureHeader = "X-Ncp-Apigw-Signature-V2"
	regionHeader    = "X-Ncp-Region_code"
	traceIDHeader   = "X-Ncp-Trace-Id"
)

// timestampTolerance is the difference from which on a timestamp is invalid. The API pages say "5
// minutes or longer".
const timestampTolerance = 5 * time.Minute

// gateway is the account as the API gateway knows it.
type gateway struct {
	accessKey string
	secretKey []byte
	region    string
	denied    []string
}

// check returns the reason for which the gateway refuses r, or nil.
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

// only returns the value of a header. It reports false if the header is empty, missing or repeated.
func only(r *http.Request, header string) (value string, ok bool) {
	values := r.Header.Values(header)
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}

// target returns path and query exactly as they were sent, because the signature covers their
// bytes.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // The request came through a proxy, or without a connection.
}

// sign returns signature v2. It covers three lines: method and target, timestamp, and access key.
func (g gateway) sign(methodAndTarget, timestamp string) string {
	mac := hmac.New(sha256.New, g.secretKey)
	mac.Write([]byte(methodAndTarget + "\n" + timestamp + "\n" + g.accessKey))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// serveNotFound refuses a request for an unknown call.
func (e *Emulator) serveNotFound(w http.ResponseWriter, _ *http.Request) {
	refusal := NotFound
	refusal.Details = "URL not found."
	e.write(w, refusal.Status, refusal.body(e.assumed))
}

// traceIDs returns a source of values of x-ncp-trace-id: 26 digits and letters, as in the examples.
func traceIDs(seed uint64) func() string {
	var mu sync.Mutex
	random := twin.Rand(seed, "trace ids")
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return letters(random, "0123456789abcdefghijklmnopqrstuv", 26)
	}
}
