package gateway

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// idempotencyKey is the header that may stand for the field request_id.
const idempotencyKey = "Idempotency-Key"

// incomingHeader says which request headers become metadata; Authorization always does.
func incomingHeader(header string) (key string, ok bool) {
	switch header {
	case idempotencyKey, "Traceparent", "Tracestate":
		return strings.ToLower(header), true
	case "User-Agent":
		return runtime.MetadataPrefix + "user-agent", true
	default:
		return "", false
	}
}

// noHeader keeps metadata off the answer; answerHeaders says what goes there.
func noHeader(string) (string, bool) { return "", false }

// checkHeaders refuses an idempotency key that would be dropped on the way, and the protection
// against repetition with it.
func checkHeaders(h http.Header) error {
	keys := h.Values(idempotencyKey)
	if len(keys) > 1 {
		return apierror.Invalid(idempotencyKey, "send this header once")
	}
	for _, key := range keys {
		if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			return apierror.Invalid(idempotencyKey, "must be a UUID")
		}
	}
	return nil
}

// answerHeaders puts what a call said beside its answer into headers. It is a forward response
// option of grpc-gateway, so it returns an error: never.
func answerHeaders(ctx context.Context, w http.ResponseWriter, _ proto.Message) error {
	md, _ := runtime.ServerMetadataFromContext(ctx)
	setAnswerHeaders(w, metadata.Join(md.HeaderMD, md.TrailerMD))
	return nil
}

func setAnswerHeaders(w http.ResponseWriter, md metadata.MD) {
	for _, header := range []string{"Drmhub-Mutation", "Drmhub-Planned-Request"} {
		if values := md.Get(header); len(values) > 0 {
			w.Header()[header] = values
		}
	}
}

// withPeer puts who called into the context, as the interceptors know it from gRPC: the address
// and, over TLS, the client's certificates.
func withPeer(r *http.Request) context.Context {
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

// otherAddr is an address without a port, as of a Unix socket.
type otherAddr string

func (otherAddr) Network() string  { return "unix" }
func (a otherAddr) String() string { return string(a) }
