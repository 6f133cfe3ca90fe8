package gateway

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// idempotencyKey is the header that can replace the field request_id.
const idempotencyKey = "Idempotency-Key"

// plannedRequest is the header that holds the requests of a dry run, one request a value.
const plannedRequest = "Drmhub-Planned-Request"

// passedOn are the headers of requests that become metadata.
var passedOn = []struct{ key, header string }{
	{"authorization", "Authorization"}, {"idempotency-key", idempotencyKey}, {"traceparent", "Traceparent"},
	{"tracestate", "Tracestate"}, {"grpcgateway-user-agent", "User-Agent"},
}

// metadataOf returns the metadata of a call. It leaves out values that gRPC does not carry.
func metadataOf(h http.Header) metadata.MD {
	md := make(metadata.MD, len(passedOn))
	for _, p := range passedOn {
		values := h[p.header]
		if slices.ContainsFunc(values, hasUnprintable) {
			values = slices.DeleteFunc(slices.Clone(values), hasUnprintable)
		}
		if len(values) > 0 {
			md[p.key] = values
		}
	}
	return md
}

// hasUnprintable reports whether a text has a character that is not in the printable part of ASCII.
func hasUnprintable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return true
		}
	}
	return false
}

// timeoutForm is the form of the header Grpc-Timeout: a number and a unit.
var timeoutForm = regexp.MustCompile(`^[0-9]{1,15}[HMSmun]$`)

// checkHeaders refuses a deadline that cannot be read, and an idempotency key that gRPC would drop.
// Without its key, a repeated call could take effect twice.
func checkHeaders(h http.Header) error {
	if timeout := h.Get("Grpc-Timeout"); timeout != "" && !timeoutForm.MatchString(timeout) {
		return apierror.Invalid("Grpc-Timeout",
			"must be a number and one of the units H, M, S, m, u and n, such as 10S for ten seconds")
	}
	keys := h.Values(idempotencyKey)
	if len(keys) > 1 {
		return apierror.Invalid(idempotencyKey, "send this header once")
	}
	if slices.ContainsFunc(keys, hasUnprintable) {
		return apierror.Invalid(idempotencyKey, "must be a UUID, with or without double quotes")
	}
	return nil
}

// timeoutUnits are the units of the header Grpc-Timeout.
var timeoutUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond,
	'n': time.Nanosecond,
}

// withDeadline returns the context with the deadline that a request asks for. checkHeaders has read
// it.
func withDeadline(ctx context.Context, h http.Header) (context.Context, context.CancelFunc) {
	timeout := h.Get("Grpc-Timeout")
	if timeout == "" {
		return ctx, func() {}
	}
	unit := timeoutUnits[timeout[len(timeout)-1]]
	n, _ := strconv.ParseInt(timeout[:len(timeout)-1], 10, 64)
	switch {
	case n == 0:
		return ctx, func() {}
	case n > math.MaxInt64/int64(unit):
		return context.WithTimeout(ctx, math.MaxInt64)
	}
	return context.WithTimeout(ctx, time.Duration(n)*unit)
}

// setResponseHeaders writes a call's metadata into headers.
func setResponseHeaders(w http.ResponseWriter, md metadata.MD) {
	if len(md) == 0 {
		return
	}
	for _, header := range []string{"Drmhub-Mutation", "Drmhub-Replayed", plannedRequest} {
		if values := md.Get(header); len(values) > 0 {
			w.Header()[header] = values
		}
	}
	// Browsers join repeated headers with commas, which are also part of the commands.
	for i, request := range md.Get(plannedRequest) {
		w.Header().Set(fmt.Sprintf("%s-%d", plannedRequest, i+1), request)
	}
}

// WithPeer returns the context of a connection with its addresses, in the form that the
// interceptors know from gRPC. It saves each request from reading them again.
func WithPeer(ctx context.Context, c net.Conn) context.Context {
	return peer.NewContext(ctx, &peer.Peer{Addr: c.RemoteAddr(), LocalAddr: c.LocalAddr()})
}

// withPeer returns the request's context with the caller's address and TLS certificates, in the
// form that the interceptors know from gRPC.
func withPeer(r *http.Request) context.Context {
	if _, known := peer.FromContext(r.Context()); known && r.TLS == nil {
		return r.Context()
	}
	p := &peer.Peer{Addr: address(r.RemoteAddr)}
	p.LocalAddr, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if r.TLS != nil {
		p.AuthInfo = credentials.TLSInfo{
			State:          *r.TLS,
			CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		}
	}
	return peer.NewContext(r.Context(), p)
}

func address(remote string) net.Addr {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	return otherAddr(remote)
}

// otherAddr is an address without a port, such as that of a Unix socket.
type otherAddr string

func (otherAddr) Network() string  { return "unix" }
func (a otherAddr) String() string { return string(a) }
