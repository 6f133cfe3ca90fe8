package twin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestFaultsOfTheResponse(t *testing.T) {
	const html, json = "<html><body>Bad Gateway</body></html>", "application/json"
	throttled := twin.Fault{Kind: twin.FaultAnswer, Status: 429, Body: `{"e":1}`}
	throttled.Header = map[string]string{"retry-after": "7"}
	for name, test := range map[string]struct {
		fault                         twin.Fault
		status                        int
		body, contentType, retryAfter string
		effects                       int
	}{
		"no fault hits":        {twin.Fault{Kind: twin.FaultCut, Path: "/other"}, 200, realBody, json, "", 1},
		"500":                  {twin.Fault{Kind: twin.FaultAnswer, Status: 500}, 500, "", "", "", 0},
		"429 with Retry-After": {throttled, 429, `{"e":1}`, json, "7", 0},
		"HTML instead of JSON": {twin.Fault{Kind: twin.FaultAnswer, Status: 502, Body: html}, 502, html,
			"text/html; charset=utf-8", "", 0},
		"a failure in 200":     {twin.Fault{Kind: twin.FaultReplace, Body: `{"ok":0}`}, 200, `{"ok":0}`, json, "", 1},
		"500 after the change": {twin.Fault{Kind: twin.FaultReplace, Status: 500}, 500, "", "", "", 1},
		"delay":                {twin.Fault{Kind: twin.FaultDelay, Delay: 1}, 200, realBody, json, "", 1},
		"malformed":            {twin.Fault{Kind: twin.FaultMalformed}, 200, realBody[:len(realBody)/2], json, "", 1},
	} {
		onBothTransports(t, twin.Options{}, func(t *testing.T, s session) {
			s.Faults().Add(test.fault)
			res, body := mustCall(t, s.client, "POST", s.base+"/things", "x")
			got := []any{res.StatusCode, body, res.Header.Get("Content-Type"), res.Header.Get("Retry-After"),
				len(s.Ledger().Effects()), s.Ledger().Requests()[0].Status}
			want := []any{test.status, test.body, test.contentType, test.retryAfter, test.effects, test.status}
			if !slices.Equal(got, want) {
				t.Errorf("%s: status, body, content type, Retry-After, effects, status in the ledger:\n%v, want\n%v",
					name, got, want)
			}
		})
	}
}

func TestFaultsThatCutTheConnection(t *testing.T) {
	for kind, test := range map[twin.FaultKind]struct {
		read    string // what the client reads before the cut; if it is empty, the call itself fails
		effects int
		status  int
	}{
		twin.FaultCut:        {"", 0, 0},
		twin.FaultLoseAnswer: {"", 1, 0},
		twin.FaultCutBody:    {realBody[:len(realBody)/2], 1, 200},
	} {
		onBothTransports(t, twin.Options{}, func(t *testing.T, s session) {
			s.Faults().Add(twin.Fault{Kind: kind, Times: 1})
			res, read, callErr, readErr := call(t, s.client, "POST", s.base+"/things", "x")
			isCut := errors.Is(callErr, io.EOF) || errors.Is(callErr, io.ErrUnexpectedEOF)
			if test.read == "" && !isCut {
				t.Errorf("%s: the call's error is %v, want a cut connection", kind, callErr)
			}
			if test.read != "" && (callErr != nil || !errors.Is(readErr, io.ErrUnexpectedEOF) || read != test.read ||
				res.Header.Get("X-Vendor") != "yes" || res.ContentLength != int64(len(realBody))) {
				t.Errorf("%s: read %q of %+v, errors %v and %v", kind, read, res, callErr, readErr)
			}
			entry, effects := s.Ledger().Requests()[0], len(s.Ledger().Effects())
			if entry.Fault != kind || entry.Status != test.status || effects != test.effects {
				t.Errorf("%s: the ledger has %+v, and %d effects", kind, entry, effects)
			}
			if _, body := mustCall(t, s.client, "POST", s.base+"/things", "x"); body != realBody {
				t.Errorf("after its last time the fault still applies: %q", body)
			}
		})
	}
}

func TestEndlessBodyLastsUntilTheClientGoesAway(t *testing.T) {
	options := twin.Options{EndlessHead: `{"list":[`, EndlessRow: `{"n":1},`}
	onBothTransports(t, options, func(t *testing.T, s session) {
		s.Faults().Add(twin.Fault{Kind: twin.FaultEndless})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		res, err := s.client.Do(newRequest(t, "GET", s.base+"/things", "").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		start := make([]byte, 4<<20)
		if _, err := io.ReadFull(res.Body, start); err != nil {
			t.Fatalf("the body ended: %v", err)
		}
		if !strings.HasPrefix(string(start), `{"list":[{"n":1},{"n":1},`) {
			t.Errorf("the body starts %q", start[:40])
		}
		cancel()
		if _, err := io.Copy(io.Discard, res.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("reading on after the cancellation: %v", err)
		}
		// Over TCP, the server's Close in the cleanup proves that the handler has ended.
		_ = res.Body.Close()
	})
}

func TestADelayEndsWithTheRequest(t *testing.T) {
	onBothTransports(t, twin.Options{}, func(t *testing.T, s session) {
		s.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		request := newRequest(t, "POST", s.base+"/things", "x").WithContext(ctx)
		if _, err := s.client.Do(request); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
		if n := len(s.Ledger().Effects()); n != 0 {
			t.Errorf("%d effects of a request that its client canceled", n)
		}
	})
	synctest.Test(t, func(t *testing.T) { // The delay passes before any kind.
		tw := newTwin(twin.Options{})
		tw.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 503, Delay: 30 * time.Second})
		start := time.Now()
		res, _ := mustCall(t, &http.Client{Transport: twin.Transport(tw)}, "GET", "http://v/x", "")
		if took := time.Since(start); res.StatusCode != 503 || took != 30*time.Second {
			t.Errorf("%d after %v, want 503 after 30s", res.StatusCode, took)
		}
	})
}

func TestAFaultHitsWhatItNames(t *testing.T) {
	for hits, fault := range map[string]twin.Fault{ // the requests below that it hits
		"abcd": {},
		"d":    {Method: "POST"},
		"ad":   {Path: "/a"},
		"abd":  {PathPrefix: "/a"},
		"bcd":  {Skip: 1},
		"ab":   {Times: 2},
		"bc":   {Skip: 1, Times: 2},
		"b":    {Method: "GET", PathPrefix: "/a", Times: 1, Skip: 1},
	} {
		tw := newTwin(twin.Options{})
		fault.Kind, fault.Status = twin.FaultAnswer, 500
		tw.Faults().Add(fault)
		hit := ""
		for i, request := range []string{"GET /a", "GET /a/b", "GET /c", "POST /a"} {
			method, path, _ := strings.Cut(request, " ")
			if twintest.Serve(tw, newRequest(t, method, path, "")).Status == 500 {
				hit += "abcd"[i : i+1]
			}
		}
		left := len(tw.Faults().List())
		if hit != hits || left != 1 && fault.Times == 0 || left != 0 && fault.Times > 0 {
			t.Errorf("%+v hit %q, want %q, and %d faults are in force", fault, hit, hits, left)
		}
	}
}

func TestTheFirstFaultWinsAndCanBeRemoved(t *testing.T) {
	tw := newTwin(twin.Options{})
	first := tw.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 501})
	tw.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 502})
	for i, want := range []int{501, 502, 200} {
		if got := twintest.Serve(tw, newRequest(t, "GET", "/", "")).Status; got != want {
			t.Errorf("status %d, want %d", got, want)
		}
		if i == 0 && (!tw.Faults().Remove(first) || tw.Faults().Remove(first)) {
			t.Error("Remove must say true once, then false")
		} else if i == 1 {
			tw.Faults().Clear()
		}
	}
}

func TestInvalidFaultsAreRefused(t *testing.T) {
	for name, fault := range map[string]twin.Fault{
		"no kind":              {},
		"unknown kind":         {Kind: "explode"},
		"two paths":            {Kind: twin.FaultCut, Path: "/a", PathPrefix: "/"},
		"negative times":       {Kind: twin.FaultCut, Times: -1},
		"delay without length": {Kind: twin.FaultDelay},
		"status of a cut":      {Kind: twin.FaultCut, Status: 500},
		"impossible status":    {Kind: twin.FaultAnswer, Status: 99},
		"nothing to ignore":    {Kind: twin.FaultIgnore},
		"pages without names":  {Kind: twin.FaultLastPage},
		"names of a cut":       {Kind: twin.FaultCut, Names: []string{"a"}},
		"unknown spelling":     {Kind: twin.FaultRespell, Spelling: "backwards"},
		"spelling of a cut":    {Kind: twin.FaultCut, Spelling: twin.HTMLType},
		"half of every text":   {Kind: twin.FaultRespell, Spelling: twin.HalfSurrogate},
	} {
		if fault.Validate() == nil {
			t.Errorf("%s: %+v is accepted", name, fault)
		}
	}
	faults := newTwin(twin.Options{}).Faults()
	twintest.WantPanic(t, "an invalid fault is added", "", func() { faults.Add(twin.Fault{}) })
}
