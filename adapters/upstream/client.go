// Package upstream is the one HTTP client that adapters talk to vendors with. An adapter makes one
// Client of its configuration and makes every call through it:
//
//	vendor, err := upstream.New(upstream.Options{BaseURL: cfg.BaseURL, Sign: a.sign, Secrets: a.secrets, Failure: failure})
//	…
//	var page sitesPage
//	resp, err := vendor.Read(ctx, upstream.Request{Path: upstream.Path("api", "v1", "sites")}, &page)
//
// Read is for what changes nothing: it is tried again after a failure that may pass. Write is for
// everything else, and stands in a mutation.Do: it is sent at most once, and its error is either
// OUTCOME_UNKNOWN or the certainty that the vendor did not do it: its refusal, Sign's own error,
// that of mutation.RecordSend, or a message that starts with "not sent: ".
//
// Failures with an HTTP status of their own go to Options.Failure and from there to a general
// mapping. Failures that a vendor reports inside HTTP 200 are the adapter's to find, in what was
// decoded; Response.Complete adds what the answer tells. Since such an answer was read whole, a
// Write that it refuses is a definite refusal too.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/ratelimiter"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
)

// Options say which vendor a Client talks to, and how. Only BaseURL is required.
type Options struct {
	// VendorName is the vendor's name in messages; "" is "the vendor".
	VendorName string
	// BaseURL is the vendor's scheme and host, such as "https://service.pallycon.com".
	BaseURL string
	// Transport carries the requests; nil is a transport of the client's own, which keeps
	// connections. A Transport that does not support net/http/httptrace is taken to have sent
	// whatever it was given.
	Transport http.RoundTripper
	// Sign adds the credentials, in place, to every single attempt (so that a timestamp is fresh).
	// Its error ends the call unchanged. It may itself Read, with Request.Unsigned, for instance to
	// log in.
	Sign func(ctx context.Context, r *http.Request) error
	// Secrets are taken out of every text that leaves the client. It is called after Sign, so a
	// token that Sign has just got is to be among them.
	Secrets func() []secret.Text
	// Failure reads the vendor's own error of an answer with a status of 400 or more, whose body is
	// cut at 64 KiB. Where the error has the Code OK, the status decides code and reason. Where it
	// has no message, the status decides that. A nil error leaves everything to the status, and the
	// body becomes the vendor's message. The client adds the HTTP status, the request id and the
	// pause, and cleans all texts. If a Write gets a 5xx, its outcome is unknown, and only the
	// metadata of the error is kept.
	Failure func(status int, header http.Header, body []byte) *apierror.Error
	// RequestIDHeader is the header of an answer that holds the vendor's id of the request, such as
	// "x-ncp-trace-id".
	RequestIDHeader string
	// Timeout bounds one attempt, from the connection to the last byte of the answer; 0 is 30 s.
	Timeout time.Duration
	// MaxBody bounds an answer, in bytes after decompression; 0 is 16 MiB.
	MaxBody int64
	// MaxPerSecond is how many requests a second are sent at most; 0 is no limit.
	MaxPerSecond float64
}

// Client talks to one vendor account. It is safe for concurrent use.
type Client struct {
	opts          Options
	base          *url.URL
	reads, writes http.RoundTripper
	breaker       circuitbreaker.CircuitBreaker[any]
	pace          ratelimiter.RateLimiter[any] // nil: no limit
	budget        budget
	hold          atomic.Pointer[throttle]
}

// New makes a client. Its error is for the operator who wrote the configuration.
func New(o Options) (*Client, error) {
	base, err := parseBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Timeout < 0 || o.MaxBody < 0 || o.MaxPerSecond < 0 || math.IsNaN(o.MaxPerSecond) {
		return nil, errors.New("a vendor's time-out, largest answer and requests per second must not be negative")
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 16 << 20
	}
	c := &Client{opts: o, base: base, breaker: newBreaker(), reads: o.Transport, writes: o.Transport}
	if o.Transport == nil {
		c.reads, c.writes = newTransports()
	}
	if o.MaxPerSecond > 0 {
		interval := min(float64(time.Second)/o.MaxPerSecond, float64(time.Hour))
		c.pace = ratelimiter.NewSmoothBuilderWithMaxRate[any](max(time.Duration(interval), 1)).Build()
	}
	return c, nil
}

// Close lets go of idle connections. The client can still be used.
func (c *Client) Close() {
	for _, t := range []http.RoundTripper{c.reads, c.writes} {
		if t, ok := t.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// IsOrigin reports whether base is an http or https URL that consists of scheme and host: what a
// base_url of a configuration must be.
func IsOrigin(base string) bool {
	u, err := parseBaseURL(base)
	return err == nil && base == u.String()
}

func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil { // its text holds the URL, which may hold a password
		return nil, errors.New(`base_url is no URL: write scheme and host, such as "https://api.vendor.example"`)
	}
	var wrong string
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		wrong = "must begin with http:// or https://"
	case u.Hostname() == "":
		wrong = "names no host"
	case u.User != nil:
		wrong = "must not hold a user or a password: credentials have keys of their own"
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		wrong = "must be scheme and host only: drmhub adds the vendor's path itself"
	default:
		return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
	}
	return nil, fmt.Errorf("base_url %s", wrong)
}

// newTransports makes the transports for reads and for writes. Both speak HTTP/1.1 alone: where
// requests share a connection, nobody can report whether a byte of this one was sent.
func newTransports() (reads, writes *http.Transport) {
	reads = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		Protocols:              new(http.Protocols),
	}
	reads.Protocols.SetHTTP1(true)
	// A server that closes an idle connection just as a write goes out leaves its outcome unknown.
	// Servers do so after five seconds at the earliest, so a write takes no connection that idled
	// for longer than four.
	writes = reads.Clone()
	writes.IdleConnTimeout = 4 * time.Second
	writes.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := reads.DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			// Or the system would go on sending what a call that is over has left behind, for
			// minutes where the network is down.
			if err := tcp.SetLinger(0); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
		}
		return conn, err
	}
	return reads, writes
}
