package app_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// TestAStopWaitsForMutationsAlone stops the server while a vendor is silent and clients keep it
// busy.
func TestAStopWaitsForMutationsAlone(t *testing.T) {
	h := start(t)
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	h.gate.Store(func(*http.Request) { arrived <- struct{}{}; <-release })
	type result struct {
		what string
		err  *apierror.Error
	}
	reads, change := make(chan result, 8), make(chan result, 1)
	read := parse(`ListLicenses {"parent":"` + demo + `"}`)
	dry := disableSite(demo, "audit").with("validate_only", true)
	for what, c := range map[string]call{"read": read, "dry run": dry} {
		for _, overREST := range []bool{false, true} {
			go func() {
				_, _, err := h.either(t, c, overREST)
				reads <- result{fmt.Sprintf("%s, over REST: %t", what, overREST), err}
			}()
			<-arrived
		}
	}
	go func() {
		_, _, err := h.either(t, disableSite(demo, "audit").with("request_id", uuid.NewString()), true)
		change <- result{"mutation", err}
	}()
	<-arrived
	slow, err := net.Dial("tcp", h.HTTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /v1/%s:enable HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", demo)
	answers := bufio.NewReader(slow)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the server does not wait for the body: %q, %v", line, err)
	}
	_, _ = answers.ReadString('\n')
	ended := make(chan error, 1)
	go func() { ended <- h.stop() }()
	for range 4 {
		r := <-reads
		if r.err == nil || r.err.Code != codes.Unavailable || !strings.Contains(r.err.Message, "the server stops") {
			t.Errorf("%s: %v", r.what, r.err)
		}
	}
	res, err := http.ReadResponse(answers, nil)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a body that does not come: %v, %v", res, err)
	}
	select {
	case r := <-change:
		t.Errorf("the mutation ended before the vendor's response: %v", r.err)
	default:
	}
	close(release)
	if r := <-change; r.err != nil {
		t.Errorf("the mutation: %v", r.err)
	}
	if err := <-ended; err != nil || strings.Contains(h.log.String(), "in flight:") ||
		!strings.Contains(h.log.String(), "msg=stopped") {
		t.Errorf("%v, and the log: %s", err, h.log)
	}
}

// TestAServerIsNotReadyBeforeItStops stops a server that other machines reach.
func TestAServerIsNotReadyBeforeItStops(t *testing.T) {
	h := start(t, func(_ *testing.T, h *testServer) { h.cfg.GRPC.Listen = "0.0.0.0:0" })
	ended := make(chan error, 1)
	go func() { ended <- h.stop() }()
	for state := 200; state != http.StatusServiceUnavailable; {
		state, _, _ = h.rest(t, "GET /readyz", "")
		if state != http.StatusOK && state != http.StatusServiceUnavailable {
			t.Fatalf("readyz: HTTP %d", state)
		}
	}
	for _, overREST := range []bool{false, true} {
		if _, _, err := h.either(t, disableSite(demo, "audit"), overREST); err != nil {
			t.Errorf("a call before the server stops, over REST %t: %v", overREST, err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAServerWithoutItsStoreIsNotReady(t *testing.T) {
	h := start(t, func(t *testing.T, h *testServer) { h.cfg.Store.DSN = config.NewDSN(storetest.SQLite(t)) })
	file := strings.TrimPrefix(h.cfg.Store.DSN.Reveal(), "sqlite:")
	ready := func() int {
		state, _, _ := h.rest(t, "GET /readyz", "")
		return state
	}
	if state := ready(); state != http.StatusOK {
		t.Errorf("before: HTTP %d", state)
	}
	if err := os.Rename(file, file+".old"); err != nil {
		t.Fatal(err)
	}
	if state := ready(); state != http.StatusServiceUnavailable {
		t.Errorf("without the file: HTTP %d", state)
	}
	for _, c := range []call{
		disableSite(demo, "audit").with("request_id", uuid.NewString()),
		parse(`ListMutations {}`), parse(`ListAuditEvents {}`),
	} {
		for _, overREST := range []bool{false, true} {
			if _, _, err := h.either(t, c, overREST); err == nil || err.Code != codes.Unavailable {
				t.Errorf("%s without the file: %v", c.method, err)
			}
		}
	}
	if n := h.effects(); n != 0 {
		t.Errorf("the vendor saw %d writes", n)
	}
	if err := os.Rename(file+".old", file); err != nil {
		t.Fatal(err)
	}
	if state := ready(); state != http.StatusOK {
		t.Errorf("with the file again: HTTP %d", state)
	}
}
