package twin_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

func TestAdmin(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]struct {
		method, path, body string
		status             int
		want               []string // each in the answer
	}{
		"ledger": {"GET", "/_twin/ledger", "", 200, []string{
			`{"requests":[{"number":1,"time":"2026-01-02T03:04:05Z","method":"POST","target":"/x?a=1"`,
			`"effects":[{"request":1,`,
		}},
		"forget": {"DELETE", "/_twin/ledger", "", 204, nil},
		"faults": {"GET", "/_twin/faults", "", 200, []string{
			`{"faults":[{"id":1,"seen":0,"kind":"delay","path":"/slow","delay":"1.5s"}]}`,
		}},
		"order": {
			"POST", "/_twin/faults",
			`{"kind":"answer","method":"GET","pathPrefix":"/a","skip":1,"times":2,"status":429,` +
				`"header":{"Retry-After":"3"},"body":"{}","delay":"1s"}`,
			201, []string{`{"id":2}`},
		},
		"end one":  {"DELETE", "/_twin/faults/1", "", 204, nil},
		"end none": {"DELETE", "/_twin/faults/7", "", 404, []string{`no fault in force has the id`, `7`}},
		"end all":  {"DELETE", "/_twin/faults", "", 204, nil},
		"unknown keys": {"POST", "/_twin/faults", `{"kind":"cut","paths":"/a","Times":1}`, 400,
			[]string{`paths`, `Times`}},
		"invalid fault": {"POST", "/_twin/faults", `{"kind":"explode"}`, 400,
			[]string{`explode`, `loseAnswer`}},
		"bad delay":  {"POST", "/_twin/faults", `{"kind":"delay","delay":"soon"}`, 400, []string{`soon`}},
		"wrong type": {"POST", "/_twin/faults", `{"kind":1}`, 400, []string{`kind`}},
		"no object":  {"POST", "/_twin/faults", `[]`, 400, []string{`not a JSON object`}},
		"clock":      {"GET", "/_twin/clock", "", 200, []string{`{"now":"2026-01-02T03:04:05Z"}`}},
		"set": {
			"PUT", "/_twin/clock", `{"now":"2030-05-06T07:08:09+09:00"}`, 200,
			[]string{`{"now":"2030-05-05T22:08:09Z"}`},
		},
		"advance": {"PUT", "/_twin/clock", `{"advance":"1h"}`, 200,
			[]string{`{"now":"2026-01-02T04:04:05Z"}`}},
		"set and advance": {
			"PUT", "/_twin/clock", `{"now":"2030-05-06T07:08:09Z","advance":"1h"}`, 400, []string{`either`},
		},
		"neither":                {"PUT", "/_twin/clock", `{}`, 400, []string{`either`}},
		"the vendor's own":       {"POST", "/_twin/approve", "", 418, []string{`{"error":"teapot"}`}},
		"no such admin call":     {"GET", "/_twin/nothing", "", 404, nil},
		"wrong method for admin": {"PATCH", "/_twin/clock", "", 405, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tw := newTwin(twin.Options{
				Clock: twin.FrozenClock(now),
				Admin: map[string]http.HandlerFunc{
					"POST /_twin/approve": func(w http.ResponseWriter, _ *http.Request) {
						twin.WriteError(w, http.StatusTeapot, errors.New("teapot"))
					},
				},
			})
			send(tw, "POST", "/x?a=1", "", "body")
			tw.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: "/slow", Delay: 1500 * time.Millisecond})
			w := httptest.NewRecorder()
			tw.ServeHTTP(w, httptest.NewRequest(test.method, test.path, strings.NewReader(test.body)))
			if w.Code != test.status {
				t.Errorf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
			for _, want := range test.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("%s lacks %s", w.Body, want)
				}
			}
			if w.Code == 200 && !isJSON(w.Body.String()) {
				t.Errorf("%s is not JSON", w.Body)
			}
		})
	}
}

func TestFaultOrderedByAdminIsTheOneOrderedFromGo(t *testing.T) {
	tw := newTwin(twin.Options{})
	want := twin.Fault{
		Kind: twin.FaultReplace, Method: "PUT", Path: "/a", Skip: 1, Times: 2, Delay: time.Second,
		Status: 503, Header: map[string]string{"Retry-After": "3"}, Body: "busy",
	}
	tw.Faults().Add(want)
	w := httptest.NewRecorder()
	const order = `{"kind":"replace","method":"PUT","path":"/a","skip":1,"times":2,"delay":"1s",` +
		`"status":503,"header":{"Retry-After":"3"},"body":"busy"}`
	tw.ServeHTTP(w, httptest.NewRequest("POST", "/_twin/faults", strings.NewReader(order)))
	list := tw.Faults().List()
	same := func(a, b twin.OrderedFault) bool {
		one, _ := json.Marshal(a.Fault)
		other, _ := json.Marshal(b.Fault)
		return string(one) == string(other) && a.Delay == b.Delay
	}
	if len(list) != 2 || !slices.EqualFunc(list[:1], list[1:], same) {
		t.Errorf("faults in force: %+v", list)
	}
}

func TestAdminCallsAreNeitherHitNorRecorded(t *testing.T) {
	tw := newTwin(twin.Options{})
	tw.Faults().Add(twin.Fault{Kind: twin.FaultCut})
	w := httptest.NewRecorder()
	tw.ServeHTTP(w, httptest.NewRequest("GET", "/_twin/ledger", nil))
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"requests":[],"effects":[]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
