package ncp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	inputRefused = wiretest.InputRefused
	notFound     = wiretest.NotFound
	wrongState   = wiretest.WrongState
	unavailable  = wiretest.Unavailable
	unreadable   = wiretest.Unreadable
	throttled    = wiretest.Throttled
	unauthorized = wiretest.Unauthorized
	forbidden    = wiretest.Forbidden
	rejected     = wiretest.Rejected
	unknown      = wiretest.Unknown
)

// wantRefused has the vendor answer a read and a write so, and demands these outcomes.
func wantRefused(t *testing.T, what string, a answer, read, write outcome, code string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { // for the pauses between attempts
		adapter, _ := serve(t, config(), map[string][]answer{getSite: {a}})
		_, err := adapter.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
		e := wantError(t, what+", to GetSite", err, read.Code, read.Reason)
		said, id := e.Metadata[apierror.VendorMessage], e.Metadata[apierror.VendorRequestID]
		if e.Metadata[apierror.VendorCode] != code || said == "" || id != "36c9k60om4p3238cpmc9gm4cj4" {
			t.Errorf("%s: the metadata are %v, want the code %s, the vendor's message and its request id",
				what, e.Metadata, code)
		}

		adapter, vendor := serve(t, config(), map[string][]answer{getSite: {ok(siteRow("READY", false))}, putOn: {a}})
		log := mutation.NewMemory()
		_, err = adapter.EnableSite(mutation.NewContext(t.Context(), log), &pb.EnableSiteRequest{Name: demo})
		e = wantError(t, what+", to EnableSite", err, write.Code, write.Reason)
		if e.Metadata[apierror.VendorCode] != code {
			t.Errorf("%s: the metadata are %v, want the code %s", what, e.Metadata, code)
		}
		vendor.WantMade(putOn, 1)
		if lost := log.Get("on").State == mutation.Sent; lost != (write == unknown) {
			t.Errorf("%s: the step is %v", what, log.Get("on").State)
		}
	})
}

func TestEveryCodeOfTheService(t *testing.T) {
	for code, c := range map[string]struct{ read, write outcome }{
		"280000":  {unavailable, unknown},
		"280001":  {inputRefused, inputRefused},
		"280003":  {inputRefused, inputRefused},
		"281003":  {notFound, notFound},
		"281004":  {wrongState, wrongState},
		"281005":  {wrongState, wrongState},
		"281006":  {wrongState, wrongState},
		"281007":  {wrongState, wrongState},
		"2810011": {inputRefused, inputRefused},
		"2810012": {notFound, notFound},
		"289999":  {rejected, rejected},
	} {
		for _, status := range []int{200, 400, 404, 409} {
			wantRefused(t, fmt.Sprint(code, " in HTTP ", status), refusal(status, code), c.read, c.write, code)
		}
		asNumber := refusal(400, code)
		asNumber.Body = strings.Replace(asNumber.Body, `"`+code+`"`, code, 1)
		wantRefused(t, code+" as a number", asNumber, c.read, c.write, code)
	}
}

func TestEveryCodeOfTheGateway(t *testing.T) {
	for code, c := range map[string]struct {
		status      int
		read, write outcome
	}{
		"100": {400, inputRefused, inputRefused},
		"200": {401, unauthorized, unauthorized},
		"210": {401, forbidden, forbidden},
		"230": {403, forbidden, forbidden},
		"300": {404, notFound, notFound},
		"430": {413, inputRefused, inputRefused},
		"400": {429, throttled, throttled},
		"410": {429, throttled, throttled},
		"420": {429, throttled, throttled},
		"500": {503, unavailable, unknown},
		"510": {504, unavailable, unknown},
		"900": {500, unavailable, unknown},
		"777": {418, rejected, rejected},
		"201": {401, unauthorized, unauthorized},
		"231": {403, forbidden, forbidden},
		"440": {429, throttled, throttled},
		"901": {502, unavailable, unknown},
	} {
		for _, form := range []string{`"` + code + `"`, code} {
			body := `{"error":{"errorCode":` + form + `,"message":"No","details":"not so"}}`
			wantRefused(t, "errorCode "+form, answer{Status: c.status, Body: body}, c.read, c.write, code)
		}
	}
}

func TestABreakdownIsNoRefusalInHTTP200Either(t *testing.T) {
	for code, c := range map[string]struct{ read, write outcome }{
		"500": {unavailable, unknown},
		"510": {unavailable, unknown},
		"900": {unavailable, unknown},
		"410": {throttled, throttled},
		"100": {inputRefused, inputRefused},
	} {
		body := `{"success":false,"error":{"errorCode":"` + code + `","message":"No","details":"not so"}}`
		wantRefused(t, "errorCode "+code+" in HTTP 200", answer{Body: body}, c.read, c.write, code)
	}
}

func TestAPauseThatTheVendorAsksForIsPassedOn(t *testing.T) {
	body := `{"error":{"errorCode":"410","message":"Throttle Limited"}}`
	for header, want := range map[string]time.Duration{"7": 7 * time.Second, "": 0, "soon": 0} {
		throttling := answer{Status: 429, Body: body, Header: map[string]string{"Retry-After": header}}
		a, vendor := serve(t, config(), map[string][]answer{getLicenses: {throttling}})
		_, err := list(t, a, nil)
		if e := wantError(t, "ListLicenses", err, throttled.Code, throttled.Reason); e.RetryAfter != want {
			t.Errorf("Retry-After %q becomes %v, want %v", header, e.RetryAfter, want)
		}
		vendor.WantMade(getLicenses, 1)
	}
}

func TestARefusalSaysWhetherItIsTheClockOrTheKey(t *testing.T) {
	body := `{"error":{"errorCode":"200","message":"Authentication Failed","details":"Invalid authentication information."}}`
	for what, c := range map[string]struct {
		ahead time.Duration
		want  string
	}{
		"a clock that is right":     {0, "access_key and secret_key are refused"},
		"a minute ahead":            {time.Minute, "access_key and secret_key are refused"},
		"six minutes ahead":         {6*time.Minute + 12*time.Second, "this machine's clock is 6m12s ahead of the vendor's"},
		"five minutes behind":       {-5 * time.Minute, "this machine's clock is 5m0s behind the vendor's"},
		"a zone that was forgotten": {9 * time.Hour, "this machine's clock is 9h0m0s ahead of the vendor's"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(-c.ahead).UTC().Format(http.TimeFormat))
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		settings := config()
		settings.BaseURL = server.URL
		_, err := adapterTo(t, settings, nil).Check(t.Context())
		e := wantError(t, what, err, unauthorized.Code, unauthorized.Reason)
		// Date has whole seconds.
		said := strings.NewReplacer("6m13s", "6m12s", "5m1s", "5m0s", "4m59s", "5m0s", "9h0m1s", "9h0m0s").Replace(e.Message)
		if !strings.Contains(said, c.want) || !strings.Contains(said, "Authentication Failed") {
			t.Errorf("%s: the error says %q, want %q, and what the vendor said", what, e.Message, c.want)
		}
	}
}

func TestWithoutADateTheErrorNamesBoth(t *testing.T) {
	transport := twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	_, err := adapterTo(t, config(), dateless{transport}).Check(t.Context())
	e := wantError(t, "Check", err, unauthorized.Code, unauthorized.Reason)
	for _, word := range []string{"access_key", "secret_key", "clock"} {
		if !strings.Contains(e.Message, word) {
			t.Errorf("the error says %q, and nothing of the %s", e.Message, word)
		}
	}
}

// dateless takes the Date from answers.
type dateless struct{ http.RoundTripper }

func (d dateless) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := d.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Header.Del("Date")
	}
	return res, err
}

func TestTheTwinRefusesAnotherTime(t *testing.T) {
	for _, off := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		vendor := emulator.New(emulator.Options{Clock: twin.FrozenClock(time.Now().Add(off))})
		_, err := adapterTo(t, twinConfig(), twin.Transport(vendor)).Check(t.Context())
		e := wantError(t, off.String(), err, unauthorized.Code, unauthorized.Reason)
		if !strings.Contains(e.Message, "this machine's clock") || strings.Contains(e.Message, "access_key") {
			t.Errorf("%v off, the error says %q", off, e.Message)
		}
	}
}

func TestTheTwinRefusesARotatedKey(t *testing.T) {
	for what, changed := range map[string]emulator.Options{
		"another access key": {AccessKey: "another"},
		"another secret key": {SecretKey: "another"},
	} {
		_, err := adapterTo(t, twinConfig(), twin.Transport(emulator.New(changed))).Check(t.Context())
		e := wantError(t, what, err, unauthorized.Code, unauthorized.Reason)
		if !strings.Contains(e.Message, "access_key and secret_key are refused") {
			t.Errorf("%s: the error says %q", what, e.Message)
		}
	}
	denied := emulator.New(emulator.Options{Denied: []string{"GET /api/v1/sites"}})
	_, err := adapterTo(t, twinConfig(), twin.Transport(denied)).Check(t.Context())
	wantError(t, "a call that the sub account may not make", err, forbidden.Code, forbidden.Reason)
}

func TestAnswersThatSayNothing(t *testing.T) {
	for what, body := range map[string]string{
		"no success":                  `{"content":[]}`,
		"a success that is text":      `{"success":"true","content":[]}`,
		"a success of null":           `{"success":null,"content":[]}`,
		"another name's spelling":     `{"Success":true,"content":[]}`,
		"success twice":               `{"success":true,"success":false,"content":[]}`,
		"content of another form":     `{"success":true,"content":{"siteId":7}}`,
		"a row that is a list":        `{"success":true,"content":[[]]}`,
		"an array":                    `[]`,
		"null":                        `null`,
		"half an answer":              `{"success":true,"content":[`,
		"the stray brace of the page": `{ {"success":true,"content":[]}`,
		"nothing":                     ``,
		"a page for people":           `<html>Welcome</html>`,
	} {
		a, _ := serve(t, config(), map[string][]answer{
			getLicenses: {{Body: body}}, getSite: {ok(siteRow("RUNNING", true))}, putOff: {{Body: body}},
		})
		_, err := list(t, a, nil)
		wantError(t, what+", to ListLicenses", err, unreadable.Code, unreadable.Reason)
		if strings.HasPrefix(body, `{"success":true,"content":`) && strings.HasSuffix(body, "}") {
			continue // the content of an answer to off is no proof, so it is not even read
		}
		log := mutation.NewMemory()
		_, err = disable(t, a, log)
		wantError(t, what+", to DisableSite", err, unknown.Code, unknown.Reason)
		if log.Get("off").State != mutation.Sent {
			t.Errorf("%s: the log does not say that DisableSite may have taken effect", what)
		}
	}
}

func TestARefusalThatSaysNothingIsStillARefusal(t *testing.T) {
	for what, body := range map[string]string{
		"no error":                  `{"success":false}`,
		"an error of null":          `{"success":false,"error":null}`,
		"an error that is text":     `{"success":false,"error":"no"}`,
		"an error with other words": `{"success":false,"error":{"code":{"a":1},"message":["no"]}}`,
		"a failure with content":    `{"success":false,"content":[],"error":{"code":"289999","message":"no"}}`,
	} {
		a, _ := serve(t, config(), map[string][]answer{
			getLicenses: {{Body: body}}, getSite: {ok(siteRow("RUNNING", true))}, putOff: {{Body: body}},
		})
		_, err := list(t, a, nil)
		wantError(t, what+", to ListLicenses", err, rejected.Code, rejected.Reason)
		_, err = disable(t, a, mutation.NewMemory())
		wantError(t, what+", to DisableSite", err, rejected.Code, rejected.Reason)
	}
}
