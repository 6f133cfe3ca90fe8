// Package upstream is the HTTP client that adapters use to call vendors. An adapter makes one
// Client from its configuration, and makes every call through it. See the example of New.
//
// Read is for calls that change nothing. It retries after a transient failure. Write is for all
// other calls, and must run inside of mutation.Do. A write is sent at most once. Its error is
// OUTCOME_UNKNOWN, or says for certain that the write had no effect. The second kind is one of:
//
//   - the vendor's refusal, in the vendor's own form
//   - the error of Sign, or of mutation.RecordSend
//   - an error whose message starts with "not sent: "
//
// Options.Failure reads the vendor's error from a response with a status of 400 or more. A general
// mapping adds what Failure leaves open. Some vendors report failures with HTTP 200: the adapter
// finds them in the decoded response. Response.Complete adds the details of the response to such an
// error. The response was read whole, so it refuses a write for certain.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
)

// Options configure a Client. Only BaseURL is required.
type Options struct {
	// VendorName is the vendor's name in messages. If it is "", messages say "the vendor".
	VendorName string
	// BaseURL is the vendor's scheme and host, such as "https://service.pallycon.com".
	BaseURL string
	// BaseURLKey is the setting that holds BaseURL, for messages. If it is "", messages say
	// base_url.
	BaseURLKey string
	// Connection says which account the client calls, and over which transport. If the transport
	// does not support net/http/httptrace, the client assumes that it sent every request.
	Connection
	// Network says how the client's own transport reaches the vendor.
	Network Network
	// Sign adds the credentials to each attempt, in place, so that a timestamp is fresh. Read and
	// Write return its error unchanged. To log in, Sign may call Read with Request.Unsigned.
	Sign func(ctx context.Context, r *http.Request) error
	// Secrets returns the texts to remove from every error. The client calls it after Sign, so it
	// must include a token that Sign has just received.
	Secrets func() []secret.Text
	// Failure reads the vendor's error from a response with a status of 400 or more. Its body is
	// cut at 64 KiB.
	//
	// Failure returns nil if the response is not in the vendor's own form. A proxy in front of the
	// vendor may have sent it. Such a 404 or 410 proves nothing: a Read returns
	// VENDOR_RESPONSE_INVALID, and the outcome of a Write is unknown. Such a 429 leaves the outcome
	// of a Write unknown too. A Read returns VENDOR_RESPONSE_INVALID for all such statuses that say
	// that the request is wrong, as 400 and 409 do. For other statuses, the status decides
	// everything, and the body becomes the vendor's message. If Failure itself is nil, every
	// response counts as the vendor's.
	//
	// If the error has the Code OK, the status decides its code and reason. If it has no message,
	// the status decides the message. The client adds the HTTP status, the request id and the
	// pause, and cleans all texts. If a Write gets a 408, a 425 or a 5xx, its outcome is unknown.
	// Only the metadata of the error is kept then.
	Failure func(status int, header http.Header, body []byte) *apierror.Error
	// KnownCode reports whether the vendor's documents have a code of its refusals. If it is nil,
	// they name none, and every code fits.
	KnownCode func(code string) bool
	// RequestIDHeader is the response header with the vendor's id of the request, such as
	// "x-ncp-trace-id".
	RequestIDHeader string
	// Templates are the paths of the vendor's API, with a placeholder for each id: "/sites/{site}".
	// An Observer learns of the template that a request fits, and never of a path.
	Templates []string
	// Limits has the timeout and the rate, unless the account's lane has them. The timeout bounds
	// one attempt, from the connection to the last byte of the response.
	Limits
	// MaxBody bounds a response, in bytes after decompression. 0 means 16 MiB.
	MaxBody int64
}

// A Client calls the API of one vendor account. It is safe for concurrent use.
type Client struct {
	opts          Options
	base          *url.URL
	host          string // of base, as a request names it
	hostname      string
	port          int
	plain         map[string]bool // see plainTemplates
	reads, writes http.RoundTripper
	proxied       bool // a proxy gets the requests themselves
	account       *Account
	number        int // of the account's clients
}

// New returns a client. Its error is for the operator who wrote the configuration.
func New(o Options) (*Client, error) {
	base, err := parseBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.MaxBody < 0 {
		return nil, errors.New("the maximum response size must not be negative")
	}
	var mistake error
	o.CheckLimits(func(key, problem string) { mistake = fmt.Errorf("%s %s", key, problem) })
	if mistake != nil {
		return nil, mistake
	}
	if o.MaxBody == 0 {
		o.MaxBody = 16 << 20
	}
	if o.Account == nil {
		o.Account = NewAccount("")
	}
	c := &Client{opts: o, base: base, account: o.Account, reads: o.Transport, writes: o.Transport}
	c.host, c.hostname, c.port = strings.TrimSuffix(base.Host, ":"), base.Hostname(), portOf(base)
	c.plain = c.plainTemplates()
	c.number = o.Account.health.addClient()
	if o.Transport == nil {
		c.proxied = o.Network.seesRequests(base)
		if c.reads, c.writes, err = newTransports(o.Network, base); err != nil {
			return nil, err
		}
		// A reload replaces an adapter while calls still use it. Their connections go with the last
		// call.
		runtime.AddCleanup(c, closeIdle, [2]http.RoundTripper{c.reads, c.writes})
	}
	return c, nil
}

// RequestsPerSecond returns the maximum number of requests per second. 0 means no limit.
func (c *Client) RequestsPerSecond() float64 {
	if limit := c.opts.RequestsPerSecond; limit != nil {
		return *limit
	}
	return c.account.lane.Load().RequestsPerSecond
}

// timeout returns the bound of an attempt.
func (c *Client) timeout() time.Duration {
	if c.opts.Timeout != nil {
		return *c.opts.Timeout
	}
	return c.account.lane.Load().Timeout
}

// WritePlaces returns how many writes can be under way at once.
func (c *Client) WritePlaces() int { return c.account.lane.Load().Writes }

func closeIdle(transports [2]http.RoundTripper) {
	for _, t := range transports {
		if t, ok := t.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// IsOrigin reports whether base is an http or https URL of scheme and host alone. A configured
// base_url must be one.
func IsOrigin(base string) bool {
	u, err := parseBaseURL(base)
	return err == nil && base == u.String()
}

func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil { // err quotes the URL, which may contain a password
		return nil, errors.New(`base_url is not a URL: write scheme and host, such as "https://api.vendor.example"`)
	}
	var wrong string
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		wrong = "must begin with http:// or https://"
	case u.Hostname() == "":
		wrong = "has no host"
	case !soundPort(u):
		wrong = "has a port above 65535"
	case u.User != nil:
		wrong = "must not contain a user or a password: credentials have keys of their own"
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		wrong = "must be scheme and host only: drmhub adds the vendor's path"
	default:
		return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
	}
	return nil, fmt.Errorf("base_url %s", wrong)
}

// newTransports returns the transports for reads and for writes. Both use HTTP/1.1 only: if
// requests share a connection, the client cannot find out whether a byte of one request was sent.
func newTransports(network Network, base *url.URL) (r, w http.RoundTripper, err error) {
	open := (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	reads := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            watched(open),
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		DisableCompression:     true, // net/http fails if a body is not compressed as its header says
		Protocols:              new(http.Protocols),
	}
	reads.Protocols.SetHTTP1(true)
	if err := network.apply(reads, base); err != nil {
		return nil, nil, err
	}
	// If a server closes an idle connection while a write leaves, the outcome is unknown. Servers
	// wait for at least five seconds, so a write uses only connections that idled for at most four.
	writes := reads.Clone()
	writes.IdleConnTimeout = 4 * time.Second
	writes.DialContext = watched(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := open(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			// Without this, the system would send the rest of a call that has ended. If the network
			// is down, it would try to for minutes.
			if err := tcp.SetLinger(0); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
		}
		return conn, err
	})
	return reads, writes, nil
}
