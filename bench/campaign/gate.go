package main

import (
	"bytes"
	"context"
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

const (
	writeShare = 0.16 // of the writes meet a fault
	readShare  = 0.04
	alsoShare  = 0.06 // of the writes meet trouble behind the vendor
)

// gate is where a vendor's requests come in. It orders a fault of the twin for some of them: which
// ones, is a matter of the seed and of what the request says, and not of what else is under way.
type gate struct {
	vendor string
	twin   twinned
	write  func(method, path, body string) string
	seed   uint64
	late   time.Duration // how long a stall lasts at most
	also   func(*rand.Rand)

	mu       sync.Mutex
	quiet    bool           // no faults any more
	seen     map[string]int // how often the same request came
	met      map[string]int // faults, by RPC; "" are those that met reads
	slowest  time.Duration  // the longest that a write was with the vendor
	restarts chan struct{}
}

func newGate(vendor string, t twinned, write func(method, path, body string) string, seed uint64, late time.Duration) *gate {
	return &gate{vendor: vendor, twin: t, write: write, seed: seed, late: late, seen: map[string]int{}, met: map[string]int{}, restarts: make(chan struct{}, 1)}
}

// serve takes requests until ctx ends. A restart drops all connections, and for a moment takes
// none.
func (g *gate) serve(ctx context.Context, l net.Listener) {
	address := l.Addr().String()
	for ctx.Err() == nil {
		server := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
		served := make(chan struct{})
		go func() {
			_ = server.Serve(l) // its end is that of this restart
			close(served)
		}()
		select {
		case <-ctx.Done():
		case <-g.restarts:
		}
		_ = server.Close() // what is under way goes on, and nobody hears of it
		<-served
		select {
		case <-ctx.Done():
			return
		case <-time.After(300 * time.Millisecond):
		}
		var err error
		var listen net.ListenConfig
		if l, err = listen.Listen(ctx, "tcp", address); err != nil && !errors.Is(err, context.Canceled) {
			panic("a vendor cannot be served any more: " + err.Error())
		}
	}
}

func (g *gate) restart() { g.restarts <- struct{}{} }

func (g *gate) calm() {
	g.mu.Lock()
	g.quiet = true
	g.mu.Unlock()
	g.twin.Faults().Clear()
}

func (g *gate) rouse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.quiet = false
}

// ServeHTTP lets the twin answer, after a fault was ordered.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the server was killed during the request
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rpc := g.write(r.Method, r.URL.Path, string(body))
	if fault, hit := g.draw(rpc, r.Method+" "+r.URL.Path+"\n"+string(body)); hit {
		fault.Method, fault.Path, fault.Times = r.Method, r.URL.Path, 1
		g.twin.Faults().Add(fault)
		if fault.Delay > 0 { // a vendor goes on whether or not its client still waits
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), g.late)
			defer cancel()
			r = r.WithContext(ctx)
		}
	}
	if rpc != "" {
		begun := time.Now()
		defer func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.slowest = max(g.slowest, time.Since(begun))
		}()
	}
	g.twin.ServeHTTP(w, r)
}

// draw decides about a request, and about the next one that says the same.
func (g *gate) draw(rpc, request string) (twin.Fault, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.quiet {
		return twin.Fault{}, false
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(request)) // a hash never fails to write
	g.seen[request]++
	random := rand.New(rand.NewPCG(g.seed+uint64(g.seen[request]), h.Sum64())) //nolint:gosec // A campaign is to be repeatable.
	share, faults := readShare, readFaults
	if rpc != "" {
		share, faults = writeShare, writeFaults
		if g.also != nil && random.Float64() < alsoShare {
			g.met[rpc]++
			g.also(random)
		}
	}
	if random.Float64() >= share {
		return twin.Fault{}, false
	}
	g.met[rpc]++
	fault := faults[random.IntN(len(faults))]
	if fault.Delay > 0 {
		fault.Delay = time.Duration(random.Int64N(int64(g.late)))
	}
	return fault, true
}

const notJSON = "<html><body>Please wait</body></html>"

// some is the delay of a fault that has one; how long it is, is drawn.
const some = time.Nanosecond

// writeFaults are what writes meet: before the effect, after it, and so late that nobody waits any
// more.
var writeFaults = []twin.Fault{
	{Kind: twin.FaultCut},
	{Kind: twin.FaultCut, Delay: some},
	{Kind: twin.FaultAnswer, Status: http.StatusInternalServerError, Body: notJSON},
	{Kind: twin.FaultAnswer, Status: http.StatusServiceUnavailable},
	{Kind: twin.FaultAnswer, Status: http.StatusTooManyRequests},
	{Kind: twin.FaultAnswer, Status: http.StatusOK, Body: notJSON, Header: map[string]string{"Content-Type": "text/html"}},
	{Kind: twin.FaultEndless},
	{Kind: twin.FaultLoseAnswer},
	{Kind: twin.FaultLoseAnswer},
	{Kind: twin.FaultLoseAnswer, Delay: some},
	{Kind: twin.FaultCutBody},
	{Kind: twin.FaultMalformed},
	{Kind: twin.FaultReplace, Status: http.StatusInternalServerError, Body: notJSON},
	{Kind: twin.FaultReplace, Status: http.StatusBadGateway, Body: notJSON},
	{Kind: twin.FaultReplace, Status: http.StatusOK, Body: notJSON, Header: map[string]string{"Content-Type": "text/html"}},
	{Kind: twin.FaultReplace, Status: http.StatusBadGateway, Delay: some},
	{Kind: twin.FaultDelay, Delay: some},
	{Kind: twin.FaultDelay, Delay: some},
	{Kind: twin.FaultDelay, Delay: some},
}

var readFaults = []twin.Fault{
	{Kind: twin.FaultCut},
	{Kind: twin.FaultAnswer, Status: http.StatusInternalServerError, Body: notJSON},
	{Kind: twin.FaultAnswer, Status: http.StatusOK, Body: notJSON, Header: map[string]string{"Content-Type": "text/html"}},
	{Kind: twin.FaultAnswer, Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}},
	{Kind: twin.FaultEndless},
	{Kind: twin.FaultCutBody},
	{Kind: twin.FaultMalformed},
	{Kind: twin.FaultDelay, Delay: some},
	{Kind: twin.FaultDelay, Delay: some},
}

// takeMet are the faults of the requests since the last time, by RPC.
func (g *gate) takeMet() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	met := g.met
	g.met = map[string]int{}
	return met
}
