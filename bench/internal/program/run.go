package program

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
)

// A Run has what one run of a benchmark needs: a folder, vendors, and processes. Close ends all of
// it.
type Run struct {
	// Folder is for the run's files. Close removes it.
	Folder string
	// Binary is the server's program. Serve builds it if it is "".
	Binary string
	stops  []func()
}

// Begin returns a run with an empty folder.
func Begin(name string) (*Run, error) {
	folder, err := os.MkdirTemp("", name)
	if err != nil {
		return nil, err
	}
	r := &Run{Folder: folder}
	r.OnClose(func() { _ = os.RemoveAll(folder) })
	return r, nil
}

// OnClose makes Close call stop, before those that were given earlier.
func (r *Run) OnClose(stop func()) { r.stops = append(r.stops, stop) }

// Close ends everything that belongs to the run.
func (r *Run) Close() {
	for _, stop := range slices.Backward(r.stops) {
		stop()
	}
	r.stops = nil
}

// Vendor serves HTTP on loopback, in this process, and returns the URL.
func (r *Run) Vendor(handler http.Handler) (url string) {
	s := httptest.NewServer(handler)
	r.OnClose(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// FreeAddress returns an address on loopback where nobody listens.
func FreeAddress(ctx context.Context) (string, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Write writes a file into the run's folder, and returns its path.
func (r *Run) Write(name, content string) (path string, err error) {
	path = filepath.Join(r.Folder, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}

// Serve starts a server with this configuration and environment. The server's log is part of the
// error if the server does not start.
func (r *Run) Serve(ctx context.Context, name, configuration string, env ...string) (*Server, error) {
	file, err := r.Write(name+".yaml", configuration)
	if err != nil {
		return nil, err
	}
	return r.serve(ctx, name, env, "--config", file)
}

// Sandbox starts a server without a configuration, as Serve does.
func (r *Run) Sandbox(ctx context.Context) (*Server, error) {
	return r.serve(ctx, "sandbox", nil, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")
}

func (r *Run) serve(ctx context.Context, name string, env []string, args ...string) (*Server, error) {
	if r.Binary == "" {
		binary, err := Build(ctx, r.Folder)
		if err != nil {
			return nil, err
		}
		r.Binary = binary
	}
	log, err := os.Create(filepath.Join(r.Folder, name+".log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // The process has a file of its own.
	s, err := start(log, append([]string{}, env...), r.Binary, args...)
	if err != nil {
		text, _ := os.ReadFile(log.Name()) // It helps to explain err, and is no more than that.
		return nil, fmt.Errorf("%s: %w\n%s", name, err, bytes.TrimSpace(text))
	}
	r.OnClose(s.Stop)
	return s, nil
}

// Itself starts this program once more with other arguments. It must print a ready line as the
// server does.
func (r *Run) Itself(args ...string) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s, err := start(os.Stderr, nil, self, args...)
	if err != nil {
		return nil, err
	}
	r.OnClose(s.Stop)
	return s, nil
}
