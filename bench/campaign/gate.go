package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/internal/faultplan"
)

// These are the shares of requests that meet a fault.
const (
	writeShare  = 0.16
	readShare   = 0.04
	behindShare = 0.06 // of the writes, behind the vendor
)

// A gate takes the requests to a vendor. It orders a fault of the twin for some of them. The seed
// and the text of a request decide about it, and not what else is under way.
type gate struct {
	twin twinned
	// write returns the RPC that makes a write, and "" for a read.
	write func(method, path, body string) string
	seed  uint64
	late  time.Duration // how long a stall lasts at most

	writes, reads, behind *faultplan.Plan
	// trouble orders a fault behind the vendor. Nil means that nothing is there.
	trouble func(faultplan.Fault)

	mu       sync.Mutex
	quiet    bool           // the vendor works without faults
	met      map[string]int // faults, by RPC; "" counts those of reads
	slowest  time.Duration  // the longest time that a write was with the vendor
	restarts chan struct{}
}

func newGate(t twinned, write func(method, path, body string) string, seed uint64, late time.Duration) *gate {
	return &gate{
		twin: t, write: write, seed: seed, late: late,
		writes: faultplan.Seeded(seed, writeShare),
		reads:  faultplan.Seeded(seed, readShare),
		behind: faultplan.Seeded(seed, behindShare),
		met:    map[string]int{}, restarts: make(chan struct{}, 1),
	}
}

// serve takes requests until ctx ends. A restart drops all connections, and takes no new ones for a
// moment.
func (g *gate) serve(ctx context.Context, l net.Listener) {
	address := l.Addr().String()
	for ctx.Err() == nil {
		server := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
		served := make(chan struct{})
		go func() {
			_ = server.Serve(l) // ends with this restart
			close(served)
		}()
		select {
		case <-ctx.Done():
		case <-g.restarts:
		}
		_ = server.Close() // a request in flight goes on, and its client does not hear of it
		<-served
		select {
		case <-ctx.Done():
			return
		case <-time.After(300 * time.Millisecond):
		}
		var err error
		var listen net.ListenConfig
		if l, err = listen.Listen(ctx, "tcp", address); err != nil && !errors.Is(err, context.Canceled) {
			panic("a vendor cannot be served: " + err.Error())
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

// ServeHTTP orders a fault for some requests, and passes all to the twin.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the server was killed during the request
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	rpc := g.write(r.Method, r.URL.Path, string(body))
	point := fmt.Sprintf("%s %s %x", r.Method, r.URL.Path, sha256.Sum256(body))
	if fault := g.draw(rpc, point); fault.Kind != "" {
		fault.Method, fault.Path, fault.Times = r.Method, r.URL.Path, 1
		g.twin.Faults().Add(fault)
		if fault.Delay > 0 { // a vendor goes on even if its client no longer waits
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

// draw returns the fault that a request meets, or the zero value. The next request with the same
// text has a draw of its own.
func (g *gate) draw(rpc, point string) twin.Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.quiet {
		return twin.Fault{}
	}
	plan, can := g.writes, writeFaults
	if rpc == "" {
		plan, can = g.reads, readFaults
	} else if g.trouble != nil {
		if fault := g.behind.At("behind "+point, behindFaults...); fault != "" {
			g.met[rpc]++
			g.trouble(fault)
		}
	}
	drawn := plan.At(point, can...)
	if drawn == "" || drawn == doneCode && notReadBack[rpc] {
		return twin.Fault{}
	}
	g.met[rpc]++
	fault := faults[drawn]
	if fault.Delay > 0 {
		fault.Delay = time.Duration(twin.Rand(g.seed, point).Int64N(int64(g.late)))
	}
	return fault
}

// takeMet returns the faults that requests have met since the last call, by RPC.
func (g *gate) takeMet() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	met := g.met
	g.met = map[string]int{}
	return met
}
