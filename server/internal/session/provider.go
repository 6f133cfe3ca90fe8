package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// providerTime bounds each request to the provider.
	providerTime = 10 * time.Second
	// pauseAfterFailure is how long drmhub waits after a failure to read the provider's
	// description. So strangers who call the login cause few requests.
	pauseAfterFailure = 5 * time.Second
	// maxAge is how long a description counts. Then the next login reads it again, since a provider
	// may move its addresses. While that fails, the description of before counts.
	maxAge = 15 * time.Minute
	// minAge is the time between two readings while a description is known. After it, a login reads
	// the description again if a login before could not be ended with it.
	minAge = time.Minute
	// maxResponse bounds a response of the provider, in bytes.
	maxResponse = 1 << 20
)

// A Provider is the identity provider, and what this server is to it. Its description is read at
// the first login, so that the server starts without it, and again at later ones.
type Provider struct {
	// Issuer is the provider's URL.
	Issuer string
	// ID and Secret are those of this server as a client. The secret may be empty.
	ID, Secret string
	// RedirectURL is the URL of /console/callback.
	RedirectURL string
	// Transport sends the requests. Nil means http.DefaultTransport.
	Transport http.RoundTripper

	discovery sync.Mutex // one at a time. Configure does not wait for it.

	mu      sync.Mutex // of the settings and of what follows
	http    *http.Client
	known   *client
	read    time.Time // when known was read
	asked   time.Time // when the last reading ended
	doubted bool      // a login could not be ended with known
}

// Configure changes what drmhub knows of the provider. A login that has begun ends with the new
// settings, but for those of another issuer. Nil means that nobody logs in at a provider.
func (p *Provider) Configure(next *Provider) {
	if next == nil {
		next = &Provider{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.same(next) {
		return
	}
	p.Issuer, p.ID, p.Secret, p.RedirectURL = next.Issuer, next.ID, next.Secret, next.RedirectURL
	p.known, p.asked, p.doubted = nil, time.Time{}, false
}

// used reports whether people log in at the provider.
func (p *Provider) used() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Issuer != ""
}

// same reports whether two providers have the same settings.
func (p *Provider) same(other *Provider) bool {
	return p.Issuer == other.Issuer && p.ID == other.ID && p.Secret == other.Secret &&
		p.RedirectURL == other.RedirectURL
}

// A client speaks with the provider.
type client struct {
	oauth   *oauth2.Config // It remembers in which form the provider takes the secret.
	issuer  string
	keys    oidc.KeySet
	keysURL string
	rules   oidc.Config // of ID tokens
}

// verify returns an ID token that is valid. The error is errUnreachable if the keys cannot be
// fetched, and errSignature if none of them has signed the token.
func (c *client) verify(ctx context.Context, raw string) (*oidc.IDToken, error) {
	keys := &checkedKeys{KeySet: c.keys}
	token, err := oidc.NewVerifier(c.issuer, keys, &c.rules).Verify(ctx, raw)
	if keys.err != nil {
		return nil, keys.err
	}
	return token, err
}

// checkedKeys keeps why a signature could not be verified, which the error of package oidc does not
// say.
type checkedKeys struct {
	oidc.KeySet
	err error
}

// VerifySignature returns the content of a token.
func (k *checkedKeys) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	content, err := k.KeySet.VerifySignature(ctx, raw)
	if err != nil {
		k.err = errSignature
		if strings.HasPrefix(err.Error(), "fetching keys ") { // Package oidc has no value for it.
			k.err = fmt.Errorf("%w: %.300s", errUnreachable, err.Error()) // It can be a whole page.
		}
	}
	return content, err
}

var (
	errUnreachable = errors.New("the identity provider cannot be reached")
	errPaused      = errors.New("the identity provider could not be reached a moment ago")
	errInsecure    = errors.New("an address of the identity provider is not https")
	errSignature   = errors.New("no key of the identity provider has signed the ID token")
)

// client returns a client of the provider, by the settings of the moment. A client beside an error
// is an old one, which still counts.
func (p *Provider) client(ctx context.Context) (*client, error) {
	p.discovery.Lock()
	defer p.discovery.Unlock()
	for {
		now, known, err := p.state()
		if now == nil {
			return known, err
		}
		// A browser that leaves must not fail the others that wait.
		found, err := now.discover(context.WithoutCancel(ctx), known)
		if p.note(now, found, err) {
			if err != nil {
				return known, err
			}
			return found, nil
		}
	}
}

// state returns the client if it is known, and a copy of the settings if the description must be
// read now. It returns an error if there is neither, shortly after a failure.
func (p *Provider) state() (now *Provider, known *client, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := time.Since(p.asked)
	switch old := p.doubted || time.Since(p.read) >= maxAge; {
	case p.known == nil && since < pauseAfterFailure:
		return nil, nil, errPaused
	case p.known != nil && (!old || since < minAge):
		return nil, p.known, nil
	}
	if p.http == nil {
		p.http = &http.Client{
			Timeout: providerTime, Transport: bounded{p.Transport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		if p.Transport == nil {
			p.http.Transport = bounded{http.DefaultTransport}
		}
	}
	now = &Provider{Issuer: p.Issuer, ID: p.ID, Secret: p.Secret, RedirectURL: p.RedirectURL, http: p.http}
	return now, p.known, nil
}

// note keeps the result of a discovery. It reports false if the settings have changed since then.
func (p *Provider) note(asked *Provider, found *client, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.same(asked) {
		return false
	}
	p.asked = time.Now()
	if err == nil {
		p.known, p.read, p.doubted = found, p.asked, false
	}
	return true
}

// doubt says that a login could not be ended with a client: its addresses may have moved.
func (p *Provider) doubt(c *client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doubted = p.doubted || p.known == c
}

// Try reads the provider's description, as a login does.
func (p *Provider) Try(ctx context.Context) error {
	_, err := p.client(ctx)
	return err
}

// discover reads the provider's description. What the client before knows of an address stays
// known.
func (p *Provider) discover(ctx context.Context, before *client) (*client, error) {
	if !secure(p.Issuer) {
		return nil, errInsecure
	}
	ctx = oidc.ClientContext(ctx, p.http)
	found, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %.300s", errUnreachable, err.Error()) // It can be a whole page.
	}
	endpoint := found.Endpoint()
	var more struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, err
	}
	for _, address := range []string{endpoint.AuthURL, endpoint.TokenURL, more.Keys} {
		if !secure(address) {
			return nil, errInsecure
		}
	}
	asymmetric := slices.DeleteFunc(more.Algorithms, func(a string) bool { return !slices.Contains(algorithms, a) })
	next := &client{
		oauth: &oauth2.Config{
			ClientID: p.ID, ClientSecret: p.Secret, Endpoint: endpoint, RedirectURL: p.RedirectURL,
			Scopes: []string{oidc.ScopeOpenID, "profile"},
		},
		issuer: p.Issuer, keys: oidc.NewRemoteKeySet(ctx, more.Keys), keysURL: more.Keys,
		rules: oidc.Config{ClientID: p.ID, SupportedSigningAlgs: asymmetric},
	}
	if before != nil && before.oauth.Endpoint == endpoint {
		next.oauth = before.oauth
	}
	if before != nil && before.keysURL == more.Keys {
		next.keys = before.keys
	}
	return next, nil
}

// algorithms are those that an ID token may be signed with, if the provider names them.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// secure reports whether nobody on the network can read what is sent to an address.
func secure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return false
	}
	ip, notIP := netip.ParseAddr(u.Hostname())
	local := notIP == nil && ip.IsLoopback() || strings.EqualFold(u.Hostname(), "localhost")
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// bounded is a transport whose responses have a bounded size.
type bounded struct{ http.RoundTripper }

// RoundTrip makes a request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxResponse), res.Body}
	}
	return res, err
}

// rawClaims are the claims of an ID token in JSON.
type rawClaims []byte

// UnmarshalJSON keeps the text.
func (c *rawClaims) UnmarshalJSON(text []byte) error {
	*c = append((*c)[:0], text...)
	return nil
}

// issuedTo reports whether a token was issued to a client. A token for several audiences must say
// so.
func (c rawClaims) issuedTo(id string, audiences int) bool {
	var party struct {
		Authorized *string `json:"azp"`
	}
	if err := json.Unmarshal(c, &party); err != nil {
		return false
	}
	return party.Authorized == nil && audiences == 1 || party.Authorized != nil && *party.Authorized == id
}
