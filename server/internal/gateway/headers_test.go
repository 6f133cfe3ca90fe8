package gateway_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

func TestHeadersThatBecomeMetadata(t *testing.T) {
	var got metadata.MD
	s := backend{call: func(ctx context.Context, _ string, _ proto.Message) (proto.Message, error) {
		got, _ = metadata.FromIncomingContext(ctx)
		return nil, nil
	}}.serve(t)
	r := send(t, s, "GET", "/v1/vendors", "",
		"Authorization: Bearer x", "Idempotency-Key: k", "Traceparent: 00-1-2-01", "User-Agent: curl",
		"Cookie: c=1", "X-Other: o", "Grpc-Metadata-Idempotency-Key: forged", "Grpc-Metadata-Other: o")
	if r.StatusCode != http.StatusOK {
		t.Fatal(r.text)
	}
	for key, want := range map[string][]string{
		"authorization": {"Bearer x"}, "idempotency-key": {"k"}, "traceparent": {"00-1-2-01"},
		"grpcgateway-user-agent": {"curl"},
	} {
		if !slices.Equal(got.Get(key), want) {
			t.Errorf("%s: %q, want %q", key, got.Get(key), want)
		}
	}
	for key := range got {
		if strings.Contains(key, "cookie") || strings.Contains(key, "other") {
			t.Errorf("%s was passed on", key)
		}
	}
}

func TestIdempotencyKeysAreNeverDropped(t *testing.T) {
	ask := requests(t)
	for _, headers := range [][]string{{"Idempotency-Key: é"}, {"Idempotency-Key: a", "Idempotency-Key: a"}} {
		r, got := ask("POST", "/v1/vendors/v/members", "{}", headers...)
		e := r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
		if got != nil || !strings.HasPrefix(e.violations(), "Idempotency-Key: ") {
			t.Errorf("%q: call %v, %s", headers, got, e.violations())
		}
	}
}

func TestDeadlinesThatCannotBeRead(t *testing.T) {
	ask := requests(t)
	for header, taken := range map[string]bool{
		"10S": true, "500m": true, "": true, "abc": false, "10": false,
		"S": false, "-1S": false, "10s": false, "1.5S": false,
	} {
		r, got := ask("GET", "/v1/vendors", "", "Grpc-Timeout: "+header)
		if taken != (got != nil) || !taken && !strings.Contains(r.text, `"Grpc-Timeout: must be a number and one of`) {
			t.Errorf("%q: HTTP %d %s", header, r.StatusCode, r.text)
		}
	}
}

func TestMetadataThatBecomesHeaders(t *testing.T) {
	s := backend{call: func(ctx context.Context, _ string, _ proto.Message) (proto.Message, error) {
		md := metadata.Pairs("drmhub-mutation", "mutations/1", "other", "x")
		md.Append("drmhub-planned-request", "curl a", "curl b")
		md.Append("drmhub-replayed", "true")
		if err := grpc.SetHeader(ctx, md); err != nil {
			t.Error(err)
		}
		return &pb.Vendor{}, grpc.SetTrailer(ctx, metadata.Pairs("late", "x"))
	}}.serve(t)
	r := send(t, s, "GET", "/v1/vendors/v", "", "TE: trailers")
	for header, want := range map[string][]string{
		"Drmhub-Mutation": {"mutations/1"}, "Drmhub-Replayed": {"true"},
		"Drmhub-Planned-Request":   {"curl a", "curl b"},
		"Drmhub-Planned-Request-1": {"curl a"}, "Drmhub-Planned-Request-2": {"curl b"},
	} {
		if got := r.Header.Values(header); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Grpc-") || name == "Other" {
			t.Errorf("%s was passed on", name)
		}
	}
	if len(r.Trailer) > 0 {
		t.Errorf("trailers %v", r.Trailer)
	}
}

func TestThePeerIsTheClient(t *testing.T) {
	var got *peer.Peer
	b := backend{call: func(ctx context.Context, _ string, _ proto.Message) (proto.Message, error) {
		got, _ = peer.FromContext(ctx)
		return nil, nil
	}}
	send(t, b.serve(t), "GET", "/v1/vendors", "")
	if got == nil || got.Addr.Network() != "tcp" || !strings.HasPrefix(got.Addr.String(), "127.0.0.1:") ||
		got.LocalAddr == nil || got.AuthInfo != nil {
		t.Errorf("plain: %v", got)
	}

	s := httptest.NewUnstartedServer(b.handler(t, gateway.Options{}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	s.Client().Transport.(*http.Transport).TLSClientConfig.Certificates = s.TLS.Certificates
	send(t, s, "GET", "/v1/vendors", "")
	info, ok := got.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.PeerCertificates) != 1 || info.SecurityLevel != credentials.PrivacyAndIntegrity ||
		info.AuthType() != "tls" {
		t.Errorf("TLS: %v", got)
	}

	r := httptest.NewRequest("GET", "/v1/vendors", nil)
	r.RemoteAddr = "@"
	record(b.handler(t, gateway.Options{}), r)
	if got.Addr.Network() != "unix" || got.Addr.String() != "@" {
		t.Errorf("Unix socket: %v", got)
	}
}
