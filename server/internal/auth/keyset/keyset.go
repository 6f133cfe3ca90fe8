// Package keyset keeps the keys of a JSON Web Key Set behind a URL (RFC 7517).
//
// One goroutine fetches the set: every Refresh, and as soon as a caller needs a key that is
// unknown. Two fetches start at least a second apart. So strangers with made-up key ids cost the
// issuer one fetch a second, and callers with a new key wait for about a second at most.
//
// A set that cannot be fetched or used changes nothing. Its keys are believed without an end, since
// an outage of the issuer must not lock out all callers. Age reports how old they are.
package keyset

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultRefresh is how often a set is fetched where Options does not say.
	DefaultRefresh = 15 * time.Minute

	// minInterval is the time between the starts of two fetches.
	minInterval = time.Second
	// gathering is how long a fetch waits for further callers who need it.
	gathering = 20 * time.Millisecond
	// fetchTime bounds one fetch.
	fetchTime = 5 * time.Second
	// maxRetry bounds the pause after a fetch that failed. The first pause is minInterval, and each
	// is twice as long as the one before.
	maxRetry = time.Minute
	// maxSize bounds the text of a set, in bytes.
	maxSize = 1 << 20
	// maxHeader bounds the headers of a response, in bytes.
	maxHeader = 64 << 10
)

// Options says where a set is.
type Options struct {
	// URL is https, or http on a loopback address.
	URL string
	// Refresh is how often the set is fetched. 0 means DefaultRefresh.
	Refresh time.Duration
	// Earlier, unless nil, is another set of the same URL. Its keys are known from the start.
	Earlier *Set
	// Transport sends the requests. Nil means a transport with the system's authorities and
	// proxies.
	Transport http.RoundTripper
	// Log receives a line at each change of state. Nil means no log.
	Log *slog.Logger
}

// A Set holds the keys of one URL. Start must run before Find.
type Set struct {
	url     string
	shown   string // url without its query
	refresh time.Duration
	client  *http.Client
	log     *slog.Logger

	keys       atomic.Pointer[map[string]Key]
	generation atomic.Uint64
	succeeded  atomic.Pointer[time.Time] // when the last successful fetch ended
	fetches    atomic.Int64
	failures   atomic.Int64
	failing    atomic.Bool

	wake chan struct{} // asks the goroutine for a fetch
	done chan struct{} // is closed when the goroutine has ended
	stop context.CancelFunc

	mu      sync.Mutex
	waiting queue
}

// New returns the set of a URL. It fetches nothing.
func New(o Options) (*Set, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.User != nil || u.Host == "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("the URL of a key set must be https, or http on a loopback address, without a password")
	}
	if o.Refresh == 0 {
		o.Refresh = DefaultRefresh
	}
	if o.Refresh < minInterval {
		return nil, fmt.Errorf("a key set is fetched at most every %v", minInterval)
	}
	if o.Transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.DisableKeepAlives = true // The next fetch is minutes away.
		own.MaxResponseHeaderBytes = maxHeader
		o.Transport = own
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	s := &Set{
		url: o.URL, shown: shown.String(), refresh: o.Refresh, log: o.Log,
		client: &http.Client{
			Transport:     o.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		waiting: newQueue(),
	}
	if o.Earlier != nil {
		s.keys.Store(o.Earlier.keys.Load())
		s.succeeded.Store(o.Earlier.succeeded.Load())
	}
	return s, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// Start starts the goroutine that fetches the set, at once for the first time. It returns without
// waiting: a server starts also while its issuer is down. The goroutine ends with ctx, or by Close.
func (s *Set) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	go func() {
		defer close(s.done)
		s.run(ctx)
	}()
}

// Close ends the goroutine, and blocks until it has ended. Callers of Find that wait get no key.
// The keys stay known.
func (s *Set) Close() {
	if s.stop == nil {
		return
	}
	s.stop()
	<-s.done
}

// Lookup returns the key of an id, if the set holds it now.
func (s *Set) Lookup(kid string) (Key, bool) {
	keys := s.keys.Load()
	if keys == nil {
		return Key{}, false
	}
	key, ok := (*keys)[kid]
	return key, ok
}

// Generation returns a number that grows whenever a key is added, removed or changed. It grows
// after the change.
func (s *Set) Generation() uint64 { return s.generation.Load() }

// URL returns the address of the set without its query.
func (s *Set) URL() string { return s.shown }

// Age returns the time since the last successful fetch. It reports false before the first one.
func (s *Set) Age() (time.Duration, bool) {
	at := s.succeeded.Load()
	if at == nil {
		return 0, false
	}
	return time.Since(*at), true
}

// Fetches returns how many fetches were started.
func (s *Set) Fetches() int64 { return s.fetches.Load() }

// Failures returns how many fetches did not yield a usable set.
func (s *Set) Failures() int64 { return s.failures.Load() }

// Interval returns how often the set is fetched.
func (s *Set) Interval() time.Duration { return s.refresh }
