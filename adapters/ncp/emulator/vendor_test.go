package emulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const (
	base = "https://multi-drm.apigw.ntruss.com"
	demo = "drm-20231115142326-nHyNw"
)

// noon is the time of the emulators in these tests.
var noon = at("2023-11-23 12:00:00")

var at = twintest.At

// sign is the API gateway's signature v2.
func sign(secretKey, method, target, timestamp, accessKey string) string {
	mac := hmac.New(sha256.New, []byte(secretKey))
	mac.Write([]byte(method + " " + target + "\n" + timestamp + "\n" + accessKey))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// request is a signed request to the default account at noon.
func request(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	return requestAt(t, noon, method, target, body)
}

func requestAt(t testing.TB, now time.Time, method, target, body string) *http.Request {
	t.Helper()
	r := twintest.Request(t, method, base+target, body)
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	r.Header.Set("x-ncp-apigw-timestamp", timestamp)
	r.Header.Set("x-ncp-iam-access-key", emulator.DefaultAccessKey)
	signature := sign(emulator.DefaultSecretKey, method, target, timestamp, emulator.DefaultAccessKey)
	r.Header.Set("x-ncp-apigw-signature-v2", signature)
	r.Header.Set("x-ncp-region_code", "KR")
	r.Header.Set("Content-Type", "application/json")
	return r
}

// A reply is a response of the emulator.
type reply struct {
	twintest.Reply `json:"-"`

	Success *bool           `json:"success"`
	Content json.RawMessage `json:"content"`
	Total   *int            `json:"total"`
	Error   struct {
		Code      string `json:"code"`
		Name      string `json:"name"`
		Message   string `json:"message"`
		ErrorCode any    `json:"errorCode"`
		Details   string `json:"details"`
	} `json:"error"`
}

// do sends r in process.
func do(t testing.TB, e http.Handler, r *http.Request) reply {
	t.Helper()
	return roundTrip(t, twin.Transport(e), r)
}

func roundTrip(t testing.TB, transport http.RoundTripper, r *http.Request) reply {
	t.Helper()
	out := reply{Reply: twintest.Send(t, transport, r)}
	twintest.Decode(t, out.Text, &out)
	if got := out.ContentType(); got != "application/json;charset=utf-8" {
		t.Errorf("content type %q", got)
	}
	return out
}

func get(t testing.TB, e http.Handler, target string) reply {
	t.Helper()
	return do(t, e, request(t, "GET", target, ""))
}

func put(t testing.TB, e http.Handler, target, body string) reply {
	t.Helper()
	return do(t, e, request(t, "PUT", target, body))
}

// licenses asks for the history of site demo.
func licenses(t testing.TB, e http.Handler, query string) reply {
	t.Helper()
	return get(t, e, "/api/v1/license/statistics?siteId="+demo+"&"+query)
}

// rows are the values that the rows of an answer have under key.
func (r reply) rows(t testing.TB, key string) string {
	t.Helper()
	var rows []map[string]any
	twintest.Decode(t, string(r.Content), &rows)
	values := make([]string, len(rows))
	for i, row := range rows {
		values[i], _ = row[key].(string)
	}
	return strings.Join(values, " ")
}

// site is the content of an answer that is a site.
func (r reply) site(t testing.TB) (site map[string]any) {
	t.Helper()
	if r.Status != http.StatusOK || json.Unmarshal(r.Content, &site) != nil {
		t.Fatalf("%d %s, want a site", r.Status, r.Text)
	}
	return site
}

// traceID returns the id that each response has.
func (r reply) traceID() string { return r.Header.Get("x-ncp-trace-id") }

func (r reply) total() int {
	if r.Total == nil {
		return -1
	}
	return *r.Total
}

// wantJSON compares the meaning of two JSON texts.
func wantJSON(t testing.TB, got, want string) {
	t.Helper()
	twintest.SameJSON(t, "JSON", got, want)
}

// wantFailure compares with a failure of the service.
func wantFailure(t testing.TB, got reply, status int, code, message string) {
	t.Helper()
	failed := got.Success != nil && !*got.Success && got.Error.Name != ""
	if got.Status != status || !failed || got.Error.Code != code || !strings.Contains(got.Error.Message, message) {
		t.Errorf("%d %s, want %d with code %s and %q", got.Status, got.Text, status, code, message)
	}
}

// wantRefusal compares with a failure of the gateway.
func wantRefusal(t testing.TB, got reply, status int, code, details string) {
	t.Helper()
	refused := got.Success == nil && got.Error.ErrorCode == code
	if got.Status != status || !refused || !strings.Contains(got.Error.Details, details) {
		t.Errorf("%d %s, want %d with errorCode %s and %q", got.Status, got.Text, status, code, details)
	}
}

// frozen are options with the clock standing at noon.
func frozen() emulator.Options { return emulator.Options{Clock: twin.FrozenClock(noon)} }

// newDemo is an emulator at noon with the sites demo (on) and drm-20231001000000-Ready (off).
func newDemo(assumed emulator.Assumptions) *emulator.Emulator {
	options := frozen()
	options.Assumptions = assumed
	e := emulator.New(options)
	e.PutSites(
		emulator.Site{SiteID: demo, SiteName: "demo", Enabled: true},
		emulator.Site{SiteID: "drm-20231001000000-Ready", SiteName: "ready"},
	)
	return e
}
