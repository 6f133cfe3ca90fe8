package auth

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/drmhub/drmhub/server/internal/serverstream"
)

// An Authenticator identifies the caller of each call.
type Authenticator struct {
	// Identify returns the caller of a call. Its error is for the log.
	Identify func(ctx context.Context) (*Caller, error)
	// Refused, unless nil, learns of each call without a valid identity, and of each stream that
	// outlasts one. The context has the caller of such a stream.
	Refused func(ctx context.Context, method string, cause error)
	// Leeway returns how long a stream may outlast its caller's identity, for clocks that differ.
	// Nil means not at all.
	Leeway func() time.Duration
	// Open reports whether a method needs no identity.
	Open func(method string) bool
}

// None returns the authenticator of auth mode none, in which every caller may do everything.
func None() *Authenticator {
	return &Authenticator{Identify: func(context.Context) (*Caller, error) { return Anyone, nil }}
}

// Unary is the interceptor of unary calls.
func (a *Authenticator) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	if _, known := ctx.Value(key{}).(*Caller); known || a.Open != nil && a.Open(info.FullMethod) {
		return handler(ctx, req)
	}
	c, err := a.Caller(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(WithCaller(ctx, c), req)
}

// errExpired is why the context of a stream ends with the caller's identity.
var errExpired = errors.New("the caller's identity has ended")

// Stream is the interceptor of streams. A stream ends when its caller's identity does.
func (a *Authenticator) Stream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	if a.Open != nil && a.Open(info.FullMethod) {
		return handler(srv, stream)
	}
	c, err := a.Caller(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	ctx := WithCaller(stream.Context(), c)
	if !c.Expires.IsZero() {
		end := c.Expires
		if a.Leeway != nil {
			end = end.Add(a.Leeway())
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, end, errExpired)
		defer cancel()
	}
	err = handler(srv, ending{serverstream.WithContext(ctx, stream)})
	if err != nil && Ended(ctx) {
		if a.Refused != nil {
			a.Refused(ctx, info.FullMethod, errExpired)
		}
		return expired()
	}
	return err
}

// Ended reports whether the context of a stream has ended with its caller's identity. The
// Authenticator records the end of such a stream.
func Ended(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errExpired) }

// ending is a stream that carries no message once its caller's identity has ended, also if the
// service does not look at the context.
type ending struct{ grpc.ServerStream }

// SendMsg sends a message.
func (s ending) SendMsg(m any) error {
	if Ended(s.Context()) {
		return expired()
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg receives a message.
func (s ending) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil && Ended(s.Context()) {
		return expired()
	}
	return err
}

// Caller returns the caller of a call, or the error that the caller gets. REST and Early identify
// the caller before they read the request, and put the caller into the context.
func (a *Authenticator) Caller(ctx context.Context, method string) (*Caller, error) {
	if c, known := ctx.Value(key{}).(*Caller); known {
		return c, nil
	}
	var c *Caller
	err, early := ctx.Value(unidentified{}).(error)
	if !early {
		c, err = a.Identify(ctx)
	}
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil: // The caller has left while drmhub fetched keys.
		return nil, ctx.Err()
	}
	if a.Refused != nil {
		a.Refused(ctx, method, err)
	}
	return nil, Unauthenticated()
}

// Tokens verifies bearer tokens.
type Tokens interface {
	// Verify returns the caller with a token. The thumbprint is "" unless the token is bound to a
	// client certificate (RFC 8705).
	Verify(ctx context.Context, token string) (c *Caller, thumbprint string, err error)
}

// Credentials identifies callers by a bearer token, by the session of a browser, or by a client
// certificate, in this order. A caller with several is the one that the first of them names.
type Credentials struct {
	Directory Directory
	Tokens    Tokens
	// Holds reports whether the key of this name still counts. It is asked for the key with which a
	// session began.
	Holds func(key string) bool
	// Clients are the callers with client certificates, by their SAN.
	Clients map[string]Identity
}

var (
	errNoIdentity   = errors.New("no identity")
	errTwoTokens    = errors.New("more than one authorization header")
	errOtherScheme  = errors.New("not a bearer token")
	errWrongBinding = errors.New("token of another certificate")
	errRemovedKey   = errors.New("session of a key that was removed")
	errTakenSubject = errors.New("token or session with the name of a client certificate")
)

// CauseOf returns why a call has no valid identity, in a few words. It is "" for an error of
// another package, such as that of a token.
func CauseOf(err error) string {
	for _, known := range []error{
		errNoIdentity, errTwoTokens, errOtherScheme, errWrongBinding, errRemovedKey, errTakenSubject, errExpired,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return ""
}

// Identify returns the caller of a call.
func (k *Credentials) Identify(ctx context.Context) (*Caller, error) {
	values, known := ctx.Value(authorizationKey{}).([]string)
	if !known {
		values = metadata.ValueFromIncomingContext(ctx, "authorization")
	}
	switch {
	case len(values) > 1:
		return nil, errTwoTokens
	case len(values) == 1:
		return k.byToken(ctx, values[0])
	}
	if i, ok := ctx.Value(sessionKey{}).(Identity); ok {
		if _, taken := k.Clients[i.Subject]; taken { // A reload can name a client while a session lasts.
			return nil, errTakenSubject
		}
		if !k.Holds(i.Key) {
			return nil, errRemovedKey
		}
		return k.Directory.Caller(i), nil
	}
	if certificate := clientCertificate(ctx); certificate != nil {
		for _, san := range subjectNames(certificate) {
			if i, known := k.Clients[san]; known {
				i.Subject, i.Expires = san, certificate.NotAfter
				return k.Directory.Caller(i), nil
			}
		}
	}
	return nil, errNoIdentity
}

func (k *Credentials) byToken(ctx context.Context, header string) (*Caller, error) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, errOtherScheme
	}
	c, thumbprint, err := k.Tokens.Verify(ctx, strings.TrimLeft(token, " "))
	if err != nil {
		return nil, err
	}
	if thumbprint != "" && thumbprint != thumbprintOf(clientCertificate(ctx)) {
		return nil, errWrongBinding
	}
	if _, taken := k.Clients[c.Subject]; taken {
		return nil, errTakenSubject
	}
	return c, nil
}

// clientCertificate returns the client's certificate, if the listener has verified it.
func clientCertificate(ctx context.Context) *x509.Certificate {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 || len(info.State.PeerCertificates) == 0 {
		return nil
	}
	leaf := info.State.PeerCertificates[0]
	if now := time.Now(); now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return nil // It has ended since the connection began.
	}
	return leaf
}

// subjectNames returns the URIs and DNS names of a certificate. Its common name does not count. A
// DNS name that looks like a URI does not count either, and the other way round: an authority that
// checks who owns a name of one kind may not check the other kind.
func subjectNames(c *x509.Certificate) []string {
	var all []string
	for _, uri := range c.URIs {
		if uri.Scheme != "" {
			all = append(all, uri.String())
		}
	}
	for _, name := range c.DNSNames {
		if !strings.Contains(name, ":") {
			all = append(all, name)
		}
	}
	return all
}

// thumbprintOf returns the x5t#S256 of a certificate, or "-" for none.
func thumbprintOf(c *x509.Certificate) string {
	if c == nil {
		return "-"
	}
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

type authorizationKey struct{}

// WithAuthorization returns a context with the values of the header Authorization. Identify takes
// them instead of metadata. Only the REST face calls it, which identifies a caller before there is
// metadata.
func WithAuthorization(ctx context.Context, values []string) context.Context {
	return context.WithValue(ctx, authorizationKey{}, values)
}

type sessionKey struct{}

// WithSession returns a context with the identity of a browser's session. Only the REST face calls
// it, after it has opened the sealed cookie.
func WithSession(ctx context.Context, i Identity) context.Context {
	return context.WithValue(ctx, sessionKey{}, i)
}
