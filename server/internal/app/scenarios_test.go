package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// TestVendorsAsTheyAre runs the scenarios of testdata/scenarios over both faces. There, vendors and
// what is in front of them differ from their documents. A line is one of these:
//
//	amino {"kind":"cut"}               orders a fault from the twin of this vendor
//	amino PUT clock {"advance":"1h"}   makes another call of the twin's admin path
//	healthy                            ends all faults
//	GetSite {…} => OK "state"          makes a call, and checks what expect reads
//	effects amino licenseCreated       checks all changes at this vendor
func TestVendorsAsTheyAre(t *testing.T) {
	now := time.Now()
	vendors := map[string]func(*testing.T, *testServer){
		"acme": furnish, "ncp": withNCP(now), "telecomx": withTelecomX(now), "amino": withAmino(now),
	}
	twintest.RunScenarios(t, func(t *testing.T, lines []string, _ map[string]string) {
		t.Parallel()
		options := []func(*testing.T, *testServer){hasty}
		for vendor, option := range vendors {
			if strings.Contains(strings.Join(lines, "\n"), vendor) {
				options = append(options, option)
			}
		}
		overGRPC, overREST := start(t, options...), start(t, options...)
		for _, line := range lines {
			word, rest, _ := strings.Cut(line, " ")
			call, want, isCall := strings.Cut(line, " => ")
			for _, h := range []*testServer{overGRPC, overREST} {
				switch {
				case isCall:
				case word == "healthy":
					h.heal()
				case word == "effects":
					h.wantEffects(t, rest)
				default:
					h.orderOf(t, word, rest)
				}
			}
			if isCall && !t.Run(call, func(t *testing.T) { expect(parse(call), want).check(t, overGRPC, overREST) }) {
				return
			}
		}
	})
}

// orderOf orders a fault from one vendor's twin, or makes another call of its admin path.
func (h *testServer) orderOf(t *testing.T, vendor, order string) {
	t.Helper()
	method, path, body := http.MethodPost, "faults", order
	if !strings.HasPrefix(order, "{") {
		words := strings.SplitN(order, " ", 3)
		method, path, body = words[0], words[1], words[2]
	}
	if reply := twintest.Admin(t, h.twins[vendor], method, path, body); reply.Status >= http.StatusBadRequest {
		t.Fatalf("%s %s: %d %s", vendor, order, reply.Status, reply.Text)
	}
}

// heal ends the faults of all vendors.
func (h *testServer) heal() {
	for _, v := range h.twins {
		v.Faults().Clear()
	}
}

// wantEffects checks the kinds of a vendor's effects. want is the vendor and these kinds.
func (h *testServer) wantEffects(t *testing.T, want string) {
	t.Helper()
	vendor, _, _ := strings.Cut(want, " ")
	got := vendor
	for _, e := range h.twins[vendor].Ledger().Effects() {
		got += " " + e.Kind
	}
	if got != want {
		t.Errorf("effects of %s, want %s", got, want)
	}
}
