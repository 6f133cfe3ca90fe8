package gateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// idempotencyKey is the header that can replace the field request_id.
const idempotencyKey = "Idempotency-Key"

// plannedRequest is the header that holds the requests of a dry run, one request a value.
const plannedRequest = "Drmhub-Planned-Request"

// incomingHeader returns the metadata key of a request header. Authorization always becomes metadata.
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

// noHeader keeps metadata out of the response. responseHeaders writes it.
func noHeader(string) (string, bool) { return "", false }

// timeoutForm is the form of the header Grpc-Timeout: a number and a unit.
var timeoutForm = regexp.MustCompile(`^[0-9]{1,15}[HMSmun]$`)

// checkHeaders refuses a deadline that cannot be read, and an idempotency key that gRPC would drop. Without
// its key, a repeated call could take effect twice.
func checkHeaders(h http.Header) error {
	if timeout := h.Get("Grpc-Timeout"); timeout != "" && !timeoutForm.MatchString(timeout) {
		return apierror.Invalid("Grpc-Timeout",
			"must be a number and one of the units H, M, S, m, u and n, such as 10S for ten seconds")
	}
	keys := h.Values(idempotencyKey)
	if len(keys) > 1 {
		return apierror.Invalid(idempotencyKey, "send this header once")
	}
	for _, key := range keys {
		if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			return apierror.Invalid(idempotencyKey, "must be a UUID, with or without double quotes")
		}
	}
	return nil
}

// responseHeaders writes a call's metadata into headers. It never fails: grpc-gateway demands the error
// of a forward response option.
func responseHeaders(ctx context.Context, w http.ResponseWriter, res proto.Message) error {
	if res != nil && redact.Has(res) {
		keepPlain(w)
	}
	if t, ok := ctx.Value(tableKey{}).(*table); ok && res != nil {
		w.Header().Set("Content-Disposition", t.disposition())
	}
	md, _ := runtime.ServerMetadataFromContext(ctx)
	setResponseHeaders(w, metadata.Join(md.HeaderMD, md.TrailerMD))
	return nil
}

func setResponseHeaders(w http.ResponseWriter, md metadata.MD) {
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

// withPeer returns the request's context with the caller's address and TLS certificates, in the form
// that the interceptors know from gRPC.
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

// otherAddr is an address without a port, such as that of a Unix socket.
type otherAddr string

func (otherAddr) Network() string  { return "unix" }
func (a otherAddr) String() string { return string(a) }
