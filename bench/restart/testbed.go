package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/bench/internal/program"
)

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: %q}
vendors:
  - id: amino
    lane: {reads: 100, writes: 100, queue: 500, requests_per_second: 0}
    amino: {base_url: %q, token: {env: AMINO_TOKEN}}
`

// A testbed is the vendor, and the configuration of its replicas.
type testbed struct {
	vendor *emulator.Emulator
	config string
	stop   func()
	// answers happens after the vendor has carried out a request and before it responds, if it is
	// set.
	answers atomic.Pointer[func(*http.Request)]
}

func newTestbed(ctx context.Context, folder, dsn string) (*testbed, error) {
	b := &testbed{vendor: emulator.New(emulator.Options{}), config: filepath.Join(folder, "drmhub.yaml")}
	b.vendor.PutProducts(emulator.Product{ID: "movies", Name: "Movies", Buyable: true})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	serve := func(to http.ResponseWriter, r *http.Request) {
		if answers := b.answers.Load(); answers != nil {
			to = &late{ResponseWriter: to, before: func() { (*answers)(r) }}
		}
		b.vendor.ServeHTTP(to, r)
	}
	server := &http.Server{Handler: http.HandlerFunc(serve), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // stop ends it
	b.stop = func() { _ = server.Close() }
	text := fmt.Appendf(nil, configuration, dsn, "http://"+listener.Addr().String())
	if err := os.WriteFile(b.config, text, 0o600); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// A late response waits before its first byte.
type late struct {
	http.ResponseWriter
	before func()
	once   sync.Once
}

// WriteHeader begins the response.
func (l *late) WriteHeader(status int) {
	l.once.Do(l.before)
	l.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the response.
func (l *late) Write(p []byte) (int, error) {
	l.once.Do(l.before)
	return l.ResponseWriter.Write(p)
}

// licenses returns how many licenses each user has.
func (b *testbed) licenses() map[string]int {
	all := map[string]int{}
	for _, l := range b.vendor.Licenses() {
		all[l.UserID]++
	}
	return all
}

// judge compares what the clients were told with what the vendor has.
func (b *testbed) judge(r *result) {
	has := b.licenses()
	for _, user := range r.succeeded {
		if has[user] == 0 {
			r.lost++
		}
	}
	for _, n := range has {
		if n > 1 {
			r.doubled++
		}
	}
}

// A replica is a server that is stopped and started again.
type replica struct {
	name, binary, config string

	mu     sync.Mutex
	log    bytes.Buffer // of the present process; read it after the process has ended
	server *program.Server
}

// start starts the server.
func (r *replica) start() error {
	r.log.Reset()
	s, err := program.Start(r.binary, r.config, []string{"AMINO_TOKEN=" + emulator.DefaultToken}, &r.log)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", r.name, err, r.log.String())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = s
	return nil
}

// stop ends the server as an operator does.
func (r *replica) stop() {
	if s := r.running(); s != nil {
		s.Stop()
		r.forget()
	}
}

// kill ends the server's process at once.
func (r *replica) kill() {
	if s := r.running(); s != nil {
		s.Kill()
		r.forget()
	}
}

func (r *replica) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = nil
}

// running returns the present process, or nil.
func (r *replica) running() *program.Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server
}

// dial returns a connection to the present process of the replica.
func (r *replica) dial() (*grpc.ClientConn, error) {
	quick := backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond}
	return grpc.NewClient("passthrough:///"+r.name,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: quick, MinConnectTimeout: time.Second}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			s := r.running()
			if s == nil {
				return nil, errors.New("the replica is down")
			}
			return new(net.Dialer).DialContext(ctx, "tcp", s.GRPC)
		}))
}
