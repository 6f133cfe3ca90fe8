package twin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

func TestFaultAnswers(t *testing.T) {
	const html = "<html><body>Bad Gateway</body></html>"
	tests := map[string]struct {
		fault       twin.Fault
		status      int
		body        string
		contentType string
		retryAfter  string
		effects     int
	}{
		"no fault hits": {twin.Fault{Kind: twin.FaultCut, Path: "/other"}, 200, realBody, "application/json", "", 1},
		"500":           {twin.Fault{Kind: twin.FaultAnswer, Status: 500}, 500, "", "", "", 0},
		"429 with Retry-After": {
			twin.Fault{
				Kind: twin.FaultAnswer, Status: 429, Header: map[string]string{"retry-after": "7"}, Body: `{"e":1}`,
			},
			429, `{"e":1}`, "application/json", "7", 0,
		},
		"HTML instead of JSON": {
			twin.Fault{Kind: twin.FaultAnswer, Status: 502, Body: html}, 502, html, "text/html; charset=utf-8", "", 0,
		},
		"failure inside 200": {
			twin.Fault{Kind: twin.FaultReplace, Body: `{"ok":false}`}, 200, `{"ok":false}`, "application/json", "", 1,
		},
		"500 after the change": {twin.Fault{Kind: twin.FaultReplace, Status: 500}, 500, "", "", "", 1},
		"delay": {
			twin.Fault{Kind: twin.FaultDelay, Delay: time.Millisecond}, 200, realBody, "application/json", "", 1,
		},
		"malformed": {
			twin.Fault{Kind: twin.FaultMalformed}, 200, realBody[:len(realBody)/2], "application/json", "", 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onBothTransports(t, twin.Options{}, func(t *testing.T, s session) {
				s.Faults().Add(test.fault)
				res, body := mustCall(t, s.client, "POST", s.base+"/things", "x")
				if res.StatusCode != test.status || body != test.body {
					t.Errorf("answer %d %q, want %d %q", res.StatusCode, body, test.status, test.body)
				}
				if got := res.Header.Get("Content-Type"); got != test.contentType {
					t.Errorf("content type %q, want %q", got, test.contentType)
				}
				if got := res.Header.Get("Retry-After"); got != test.retryAfter {
					t.Errorf("Retry-After %q, want %q", got, test.retryAfter)
				}
				if got := len(s.Ledger().Effects()); got != test.effects {
					t.Errorf("%d effects, want %d", got, test.effects)
				}
				if got := s.Ledger().Requests()[0].Status; got != test.status {
					t.Errorf("the ledger holds status %d, want %d", got, test.status)
				}
			})
		})
	}
}

func TestFaultsThatCutTheConnection(t *testing.T) {
	half := realBody[:len(realBody)/2]
	tests := map[string]struct {
		kind    twin.FaultKind
		read    string // What the client reads before the cut. If it is empty, the call itself fails.
		effects int
		status  int
	}{
		"cut":         {twin.FaultCut, "", 0, 0},
		"lose answer": {twin.FaultLoseAnswer, "", 1, 0},
		"cut body":    {twin.FaultCutBody, half, 1, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onBothTransports(t, twin.Options{}, func(t *testing.T, s session) {
				s.Faults().Add(twin.Fault{Kind: test.kind, Times: 1})
				res, read, callErr, readErr := call(t, s.client, "POST", s.base+"/things", "x")
				if test.read == "" {
					if !errors.Is(callErr, io.EOF) && !errors.Is(callErr, io.ErrUnexpectedEOF) {
						t.Errorf("the call's error is %v, want a cut connection", callErr)
					}
				} else {
					if callErr != nil || !errors.Is(readErr, io.ErrUnexpectedEOF) || read != test.read {
						t.Errorf("read %q, errors %v and %v; want %q and an unexpected EOF",
							read, callErr, readErr, test.read)
					}
					if res == nil || res.Header.Get("X-Vendor") != "yes" || res.ContentLength != int64(len(realBody)) {
						t.Errorf("header and length are not the real ones: %+v", res)
					}
				}
				if got := len(s.Ledger().Effects()); got != test.effects {
					t.Errorf("%d effects, want %d", got, test.effects)
				}
				entry := s.Ledger().Requests()[0]
				if entry.Fault != test.kind || entry.Status != test.status {
					t.Errorf("the ledger holds fault %q and status %d, want %q and %d",
						entry.Fault, entry.Status, test.kind, test.status)
				}
				if _, body := mustCall(t, s.client, "POST", s.base+"/things", "x"); body != realBody {
					t.Errorf("after its last time the fault still applies: %q", body)
				}
			})
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

func TestDelayEndsWithTheRequest(t *testing.T) {
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
}

func TestDelayPassesBeforeAnyKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin(twin.Options{})
		tw.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 503, Delay: 30 * time.Second})
		start := time.Now()
		res, _ := mustCall(t, &http.Client{Transport: twin.Transport(tw)}, "GET", "http://v/x", "")
		if took := time.Since(start); res.StatusCode != 503 || took != 30*time.Second {
			t.Errorf("%d after %v, want 503 after 30s", res.StatusCode, took)
		}
	})
}

func TestFaultHitsWhatItNames(t *testing.T) {
	tests := map[string]struct {
		fault twin.Fault
		hits  string // The letters of the requests below that it hits.
	}{
		"any":              {twin.Fault{}, "abcd"},
		"method":           {twin.Fault{Method: "POST"}, "d"},
		"exact path":       {twin.Fault{Path: "/a"}, "ad"},
		"path prefix":      {twin.Fault{PathPrefix: "/a"}, "abd"},
		"skip":             {twin.Fault{Skip: 1}, "bcd"},
		"times":            {twin.Fault{Times: 2}, "ab"},
		"skip and times":   {twin.Fault{Skip: 1, Times: 2}, "bc"},
		"method and times": {twin.Fault{Method: "GET", PathPrefix: "/a", Times: 1, Skip: 1}, "b"},
	}
	requests := []struct{ letter, method, path string }{
		{"a", "GET", "/a"}, {"b", "GET", "/a/b"}, {"c", "GET", "/c"}, {"d", "POST", "/a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tw := newTwin(twin.Options{})
			test.fault.Kind, test.fault.Status = twin.FaultAnswer, 500
			tw.Faults().Add(test.fault)
			hits := ""
			for _, r := range requests {
				w := httptest.NewRecorder()
				tw.ServeHTTP(w, httptest.NewRequest(r.method, r.path, nil))
				if w.Code == 500 {
					hits += r.letter
				}
			}
			if hits != test.hits {
				t.Errorf("hit %q, want %q", hits, test.hits)
			}
			left := len(tw.Faults().List())
			if left != 1 && test.fault.Times == 0 || left != 0 && test.fault.Times > 0 {
				t.Errorf("%d faults still in force", left)
			}
		})
	}
}

func TestFirstOrderedFaultWinsAndCanBeRemoved(t *testing.T) {
	tw := newTwin(twin.Options{})
	first := tw.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 501})
	tw.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 502})
	status := func() int {
		w := httptest.NewRecorder()
		tw.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return w.Code
	}
	if got := status(); got != 501 {
		t.Errorf("status %d, want that of the first fault", got)
	}
	if !tw.Faults().Remove(first) || tw.Faults().Remove(first) {
		t.Error("Remove must say true once, then false")
	}
	if got := status(); got != 502 {
		t.Errorf("status %d, want that of the second fault", got)
	}
	tw.Faults().Clear()
	if got := status(); got != 200 {
		t.Errorf("status %d after Clear, want 200", got)
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
	} {
		if fault.Validate() == nil {
			t.Errorf("%s: %+v is accepted", name, fault)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Add took an invalid fault")
		}
	}()
	newTwin(twin.Options{}).Faults().Add(twin.Fault{})
}
