package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	pallycon "github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: "sqlite:drmhub.db"}
vendors:
  - id: acme
    lane: {requests_per_second: 0}
    pallycon: {base_url: %q, account_id: %q, account_seq: %q, service_api_key: {file: key}, timeout: %ds}
`

// newKey replaces the vendor's key.
const newKey = "0123456789abcdef0123456789abcdef"

// server is drmhub with its vendor.
type server struct {
	*program.Run
	*program.Server
	vendor   string
	sites    pb.SiteServiceClient
	changing sync.Mutex    // held during a change, since a second one of the same thing must wait
	reloaded chan struct{} // gets a value for each reload
	rotated  atomic.Int64  // requests with the new key
}

// start starts the vendor and the server.
func start(ctx context.Context) (s *server, err error) {
	s = &server{reloaded: make(chan struct{}, 100)}
	if s.Run, err = program.Begin("reload"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.vendor = s.Vendor(s.twins())
	if s.Binary, err = program.Build(ctx, s.Folder); err != nil {
		return nil, err
	}
	if err := s.write("key", pallycon.DefaultServiceAPIKey); err != nil {
		return nil, err
	}
	if err := s.configure(0); err != nil {
		return nil, err
	}
	environment := []string{"HOME=" + s.Folder}
	if s.Server, err = program.Start(s.Binary, filepath.Join(s.Folder, "drmhub.yaml"), environment, s); err != nil {
		return nil, err
	}
	s.OnClose(s.Stop)
	conns, stop, err := load.Dial(s.GRPC)
	if err != nil {
		return nil, err
	}
	s.OnClose(stop)
	s.sites = pb.NewSiteServiceClient(conns[0])
	return s, nil
}

// twins returns a vendor that takes two keys. Each has a twin of its own, with the same sites.
func (s *server) twins() http.Handler {
	former, next := pallycon.New(pallycon.Options{}), pallycon.New(pallycon.Options{ServiceAPIKey: newKey})
	for _, twin := range []*pallycon.Emulator{former, next} {
		twin.PutSites(pallycon.Site{SiteID: "DEMO", ServiceName: "Demo"})
		twin.PutIntegration("DEMO", pallycon.Integration{SiteKey: "c2l0ZWtleQ==", TokenDuration: time.Minute})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(bytes.Buffer)
		_, _ = body.ReadFrom(r.Body)
		answer := httptest.NewRecorder()
		r.Body = http.NoBody
		again := func() *http.Request {
			one := r.Clone(r.Context())
			one.Body = readCloser{bytes.NewReader(body.Bytes())}
			return one
		}
		if next.ServeHTTP(answer, again()); answer.Code != http.StatusOK {
			former.ServeHTTP(w, again())
			return
		}
		s.rotated.Add(1)
		maps.Copy(w.Header(), answer.Header())
		_, _ = w.Write(answer.Body.Bytes())
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// Write takes the lines of the server's log, and counts reloads.
func (s *server) Write(lines []byte) (int, error) {
	for range bytes.Count(lines, []byte("the configuration was read again")) {
		s.reloaded <- struct{}{}
	}
	if bytes.Contains(lines, []byte("was not read again")) {
		fmt.Fprintf(os.Stderr, "%s", lines)
	}
	return len(lines), nil
}

// write replaces a file in one step.
func (s *server) write(name, content string) error {
	path, err := s.Run.Write(name+"~", content)
	if err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(s.Folder, name))
}

// configure writes a configuration that differs from the one before.
func (s *server) configure(number int) error {
	return s.write("drmhub.yaml", fmt.Sprintf(configuration, s.vendor,
		pallycon.DefaultAccountID, pallycon.DefaultAccountSeq, 10+number%10))
}

// reloadOften edits the configuration and has it read, again and again. Half way, it replaces the
// key.
func (s *server) reloadOften(ctx context.Context, times int, every time.Duration) error {
	process, err := os.FindProcess(s.Pid())
	if err != nil {
		return err
	}
	for i := range times {
		if err := s.configure(i + 1); err != nil {
			return err
		}
		if i == times/2 {
			if err := s.write("key", newKey); err != nil {
				return err
			}
		}
		if err := process.Signal(syscall.SIGHUP); err != nil {
			return err
		}
		select {
		case <-s.reloaded:
		case <-time.After(time.Minute):
			return fmt.Errorf("the configuration was not read again within a minute, after %d times", i)
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := program.Pause(ctx, every); err != nil {
			return err
		}
	}
	return nil
}

// settled returns the state of the server once it has no more goroutines than before, or after some
// time.
func (s *server) settled(ctx context.Context, before program.Sample) (now program.Sample, err error) {
	for deadline := time.Now().Add(settleTime); ; {
		if err := program.Pause(ctx, program.Stale); err != nil {
			return now, err
		}
		now, err = s.Sample(ctx)
		if err != nil || now.Goroutines <= before.Goroutines+spare || time.Now().After(deadline) {
			return now, err
		}
	}
}
