// Package wiretest is the kit for tests of what an adapter sends to its vendor. Server is a vendor
// with scripted replies. Faults runs an adapter against every way in which a vendor fails. The
// package knows HTTP and drmhub's errors, and no vendor.
package wiretest

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Reply is one answer of the scripted vendor.
type Reply struct {
	// Status is the HTTP status. 0 means 200.
	Status int
	Body   string
	Header map[string]string
}

// Cut is a reply that never comes: the connection breaks.
var Cut = Reply{Status: -1}

// OK returns a reply with this body.
func OK(body string) Reply { return Reply{Body: body} }

// Says returns a reply with this status and body.
func Says(status int, body string) Reply { return Reply{Status: status, Body: body} }

// StatusAndBody reads a reply from its HTTP status, a space, and its body.
func StatusAndBody(t *testing.T, text string) Reply {
	t.Helper()
	word, body, _ := strings.Cut(text, " ")
	status, err := strconv.Atoi(word)
	if err != nil {
		t.Fatalf("a reply is a status and a body: %s", text)
	}
	return Says(status, body)
}

func (r Reply) write(w http.ResponseWriter) {
	if r.Status == Cut.Status {
		panic(http.ErrAbortHandler)
	}
	for name, value := range r.Header {
		w.Header().Set(name, value)
	}
	if w.Header().Get("Content-Type") == "" && r.Body != "" && r.Body[0] == '{' {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(max(r.Status, http.StatusOK))
	_, _ = io.WriteString(w, r.Body)
}

// Request is a request as the adapter sent it.
type Request struct {
	Name   string // method and path, such as "GET /sites"
	Query  url.Values
	Header http.Header
	Body   string
}

// Server is a vendor with scripted replies. It sends the next reply of a name to each request of
// that name, and repeats the last one. The test fails if a request has no reply.
type Server struct {
	// Replies holds the replies by the name of the request.
	Replies map[string][]Reply
	// Header is sent with every reply.
	Header map[string]string
	// Inspect, if set, is called with each request before it is answered.
	Inspect func(*http.Request)

	t        *testing.T
	mu       sync.Mutex
	requests []Request
}

// NewServer returns a server with these replies.
func NewServer(t *testing.T, replies map[string][]Reply) *Server {
	return &Server{t: t, Replies: replies}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := r.Method + " " + r.URL.EscapedPath()
	s.mu.Lock()
	s.requests = append(s.requests, Request{name, r.URL.Query(), r.Header, string(body)})
	turn := s.Replies[name]
	if len(turn) > 1 {
		s.Replies[name] = turn[1:]
	}
	s.mu.Unlock()
	if len(turn) == 0 {
		s.t.Errorf("the test has no reply to %s", name)
		turn = []Reply{{Status: http.StatusTeapot}}
	}
	if s.Inspect != nil {
		s.Inspect(r)
	}
	for name, value := range s.Header {
		w.Header().Set(name, value)
	}
	turn[0].write(w)
}

// Next returns the replies to the next requests of this name. The last one is repeated.
func (s *Server) Next(name string) []Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Replies[name]
}

// All returns all requests so far, in order.
func (s *Server) All() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Forget drops the requests so far.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Made returns the requests of this name.
func (s *Server) Made(name string) []Request {
	var made []Request
	for _, r := range s.All() {
		if r.Name == name {
			made = append(made, r)
		}
	}
	return made
}

// Only returns the one request of this name. The test ends if there is another number of them.
func (s *Server) Only(name string) Request {
	s.t.Helper()
	made := s.Made(name)
	if len(made) != 1 {
		s.t.Fatalf("%d requests %s, want 1", len(made), name)
	}
	return made[0]
}

// WantMade demands n requests of this name.
func (s *Server) WantMade(name string, n int) {
	s.t.Helper()
	if made := s.Made(name); len(made) != n {
		s.t.Errorf("%d requests %s, want %d", len(made), name, n)
	}
}

// WantNothing demands that no request was made.
func (s *Server) WantNothing() {
	s.t.Helper()
	if made := s.All(); len(made) > 0 {
		s.t.Errorf("the vendor was called: %v", made)
	}
}
