package tokentest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// A KeyServer serves a key set over HTTP.
type KeyServer struct {
	*httptest.Server
	mu      sync.Mutex
	body    string
	status  int
	fetches int
}

// NewKeyServer returns a server of JWKS until the test ends.
func NewKeyServer(t testing.TB) *KeyServer {
	s := &KeyServer{body: JWKS(), status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *KeyServer) serve(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	s.fetches++
	body, status := s.body, s.status
	s.mu.Unlock()
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// Serve replaces the key set and the status of the response.
func (s *KeyServer) Serve(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.body = status, body
}

// Fetches returns how often the set was fetched.
func (s *KeyServer) Fetches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}
