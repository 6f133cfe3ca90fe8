package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestTargetIsSignedAsItWasSent(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	host, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"/api/v1/sites",
		"/api/v1/sites?pageSize=10&pageNo=1", // not sorted
		"/api/v1/sites?pageNo=%31&&",         // not cleaned
		"/api/v1/sites?",
		"/api/v1/sites/%64rm-20231115142326-nHyNw",
		"/api/v1/license/statistics?searchCondition=contentId&searchKeyword=a+b%20c%7e~%2F/%EB%93%9C&siteId=" + demo,
	} {
		overTCP := request(t, "GET", target, "")
		overTCP.URL.Scheme, overTCP.URL.Host = host.Scheme, host.Host
		for how, got := range map[string]twintest.Reply{
			"in process": do(t, e, request(t, "GET", target, "")).Reply,
			"over TCP":   roundTrip(t, http.DefaultTransport, overTCP).Reply,
			// http.NewRequest sets no RequestURI.
			"without a transport": twintest.Serve(e, request(t, "GET", target, "")),
		} {
			if got.Status != http.StatusOK {
				t.Errorf("%s, %s: %d %s", how, target, got.Status, got.Text)
			}
		}
	}
}

// The account of TestAuthentication, and the request that it signs.
const accessKey, secretKey, target = "acme", "the secret key", "/api/v1/sites?pageNo=1"

// stamp is a timestamp that is off by this duration.
func stamp(off time.Duration) string { return strconv.FormatInt(noon.Add(off).UnixMilli(), 10) }

func signed(timestamp string) http.Header {
	return http.Header{
		"X-Ncp-Apigw-Timestamp":    {timestamp},
		"X-Ncp-Iam-Access-Key":     {accessKey},
		"X-Ncp-Apigw-Signature-V2": {sign(secretKey, "GET", target, timestamp, accessKey)},
	}
}

func with(header http.Header, name string, values ...string) http.Header {
	header[http.CanonicalHeaderKey(name)] = values
	return header
}

func TestAuthentication(t *testing.T) {
	const missing = "Authentication information are missing."
	const incorrect = "Invalid authentication information."
	const timestamp, key, signature = "x-ncp-apigw-timestamp", "x-ncp-iam-access-key", "x-ncp-apigw-signature-v2"
	now := stamp(0)
	resigned := func(secretKey, method, target, accessKey string) http.Header {
		return with(signed(now), signature, sign(secretKey, method, target, now, accessKey))
	}
	unpadded := strings.TrimRight(sign(secretKey, "GET", target, now, accessKey), "=")
	options := frozen()
	options.AccessKey, options.SecretKey = accessKey, secretKey
	e := emulator.New(options)
	for name, test := range map[string]struct {
		header  http.Header
		details string // empty where it is let in
	}{
		"good":                        {signed(now), ""},
		"almost five minutes late":    {signed(stamp(-5*time.Minute + time.Millisecond)), ""},
		"almost five minutes early":   {signed(stamp(5*time.Minute - time.Millisecond)), ""},
		"five minutes late":           {signed(stamp(-5 * time.Minute)), "Expired timestamp."},
		"five minutes early":          {signed(stamp(5 * time.Minute)), "Expired timestamp."},
		"in seconds":                  {signed(now[:10]), "Expired timestamp."},
		"the end of time":             {signed("9223372036854775807"), "Expired timestamp."},
		"no time":                     {signed("now"), incorrect},
		"beyond the end of time":      {signed("9223372036854775808"), incorrect},
		"no headers":                  {http.Header{}, missing},
		"no timestamp":                {with(signed(now), timestamp), missing},
		"no access key":               {with(signed(now), key), missing},
		"no signature":                {with(signed(now), signature), missing},
		"empty signature":             {with(signed(now), signature, ""), missing},
		"two signatures":              {with(signed(now), signature, signed(now).Get(signature), "x"), missing},
		"another access key":          {with(signed(now), key, "other"), incorrect},
		"another account, all of it":  {with(resigned(secretKey, "GET", target, "other"), key, "other"), incorrect},
		"another secret":              {resigned("guess", "GET", target, accessKey), incorrect},
		"another method":              {resigned(secretKey, "POST", target, accessKey), incorrect},
		"method in lower case":        {resigned(secretKey, "get", target, accessKey), incorrect},
		"without the query":           {resigned(secretKey, "GET", "/api/v1/sites", accessKey), incorrect},
		"with the host":               {resigned(secretKey, "GET", base+target, accessKey), incorrect},
		"another timestamp":           {with(signed(now), timestamp, stamp(time.Second)), incorrect},
		"without its padding":         {with(signed(now), signature, unpadded), incorrect},
		"an old signature, unexpired": {with(signed(stamp(-time.Minute)), timestamp, now), incorrect},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, "GET", target, "")
			for _, h := range []string{timestamp, key, signature} {
				r.Header[http.CanonicalHeaderKey(h)] = test.header[http.CanonicalHeaderKey(h)]
			}
			got := do(t, e, r)
			if test.details != "" {
				wantRefusal(t, got, http.StatusUnauthorized, "200", test.details)
			} else if got.Status != http.StatusOK {
				t.Errorf("%d %s, want 200", got.Status, got.Text)
			}
			if strings.Contains(got.Text, secretKey) {
				t.Error("the response contains the secret key")
			}
		})
	}
}

func TestTimestampIsCheckedAgainstTheTwinsClock(t *testing.T) {
	clock := twin.FrozenClock(noon)
	e := emulator.New(emulator.Options{Clock: clock})
	clock.Advance(time.Hour)
	wantRefusal(t, get(t, e, "/api/v1/sites"), 401, "200", "Expired timestamp.")
	if got := do(t, e, requestAt(t, noon.Add(time.Hour), "GET", "/api/v1/sites", "")); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Text)
	}
}

func TestOtherRequiredHeaders(t *testing.T) {
	for name, test := range map[string]struct {
		region, header string
		values         []string
		good           bool
	}{
		"no region":                 {"", "x-ncp-region_code", nil, false},
		"another region":            {"", "x-ncp-region_code", []string{"US"}, false},
		"the configured region":     {"FKR", "x-ncp-region_code", []string{"FKR"}, true},
		"no content type":           {"", "Content-Type", nil, false},
		"a form":                    {"", "Content-Type", []string{"application/x-www-form-urlencoded"}, false},
		"a broken content type":     {"", "Content-Type", []string{";"}, false},
		"JSON with a character set": {"", "Content-Type", []string{"application/json; charset=utf-8"}, true},
	} {
		options := frozen()
		options.RegionCode = test.region
		r := request(t, "GET", "/api/v1/sites", "")
		r.Header[http.CanonicalHeaderKey(test.header)] = test.values
		if got := do(t, emulator.New(options), r); !test.good {
			wantRefusal(t, got, 400, "100", test.header+" must be")
		} else if got.Status != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.Status, got.Text)
		}
	}
}

func TestDeniedCalls(t *testing.T) {
	options := frozen()
	options.Denied = []string{"PUT /api/v1/sites/{siteId}/off"}
	e := emulator.New(options)
	e.PutSites(emulator.Site{SiteID: demo, Enabled: true})
	wantRefusal(t, put(t, e, "/api/v1/sites/"+demo+"/off", ""), 401, "210", "denied")
	if !e.Sites()[0].Enabled {
		t.Error("what was denied took effect")
	}
	if got := get(t, e, "/api/v1/sites/"+demo); got.Status != http.StatusOK {
		t.Errorf("another call: %d %s", got.Status, got.Text)
	}
	twintest.WantPanic(t, "an unknown call is denied", "", func() {
		emulator.New(emulator.Options{Denied: []string{"PUT /api/v1/sites/{id}/off"}})
	})
}

func TestEveryAnswerHasATraceID(t *testing.T) {
	e, same := newDemo(emulator.Assumptions{}), newDemo(emulator.Assumptions{})
	seen := map[string]bool{}
	for _, target := range []string{"/api/v1/sites", "/nothing", "/api/v1/sites/none"} {
		id := get(t, e, target).traceID()
		if len(id) != len("36c9k60om4p3238cpmc9gm4cj4") || seen[id] {
			t.Errorf("%s: trace id %q", target, id)
		}
		if again := get(t, same, target).traceID(); again != id {
			t.Errorf("%s: trace id %q from the same seed, want %q", target, again, id)
		}
		seen[id] = true
	}
}

func TestLedgerHoldsNoSecrets(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	put(t, e, "/api/v1/sites/"+demo, `{"siteName":"secretive","policyId":0,`+
		`"fairPlayCert":{"certFile":"https://a.example/f.cer",`+
		`"privateKey":"https://a.example/very-private.pem",`+
		`"privateEncryptedString":"pass phrase","secretKey":"0011223344"}}`)
	twintest.LedgerHides(t, e.Ledger(), "secretive",
		emulator.DefaultAccessKey, "very-private", "pass phrase", "0011223344")
	for _, r := range e.Ledger().Requests() {
		if got := r.Header.Get("x-ncp-apigw-signature-v2"); got != "[redacted]" {
			t.Errorf("signature %q", got)
		}
	}
}

// FuzzSignature checks that a request is let in only if it is signed with the key, byte for byte,
// and in time.
func FuzzSignature(f *testing.F) {
	now := strconv.FormatInt(noon.UnixMilli(), 10)
	good := sign(emulator.DefaultSecretKey, "GET", "/api/v1/sites?pageNo=1", now, emulator.DefaultAccessKey)
	f.Add("/api/v1/sites?pageNo=1", now, emulator.DefaultAccessKey, good)
	f.Add("/api/v1/sites?pageNo=%31", now, emulator.DefaultAccessKey, good)
	f.Add("/api/v1/sites/%2e%2e/x?", "-1", "", "")
	f.Add("//api/v1/sites", "9223372036854775807", "x", "===")
	e := emulator.New(frozen())
	f.Fuzz(func(t *testing.T, target, timestamp, accessKey, signature string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") || strings.HasPrefix(u.Path, "/_twin/") {
			t.Skip()
		}
		for _, valid := range []bool{false, true} {
			if valid {
				signature = sign(emulator.DefaultSecretKey, "GET", target, timestamp, accessKey)
			}
			r := &http.Request{Method: "GET", URL: u, RequestURI: target, Body: http.NoBody, Header: http.Header{
				"X-Ncp-Apigw-Timestamp": {timestamp}, "X-Ncp-Iam-Access-Key": {accessKey},
				"X-Ncp-Apigw-Signature-V2": {signature},
				"X-Ncp-Region_code":        {"KR"}, "Content-Type": {"application/json"},
			}}
			served := twintest.Serve(e, r)
			e.Ledger().Clear()
			var got reply
			twintest.Decode(t, served.Text, &got)
			if u.Path != "/api/v1/sites" || u.EscapedPath() != u.Path {
				continue // where it is let in, what is answered depends on the path
			}
			sent, err := strconv.ParseInt(timestamp, 10, 64)
			inTime := err == nil && time.UnixMilli(sent).Sub(noon).Abs() < 5*time.Minute
			right := inTime && accessKey == emulator.DefaultAccessKey &&
				signature == sign(emulator.DefaultSecretKey, "GET", target, timestamp, accessKey)
			if letIn := served.Status != http.StatusUnauthorized; letIn != right {
				t.Errorf("%d %s for %q", served.Status, served.Text, target)
			}
		}
	})
}
