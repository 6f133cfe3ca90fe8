package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"syscall"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress messages
	"google.golang.org/grpc/keepalive"

	"github.com/drmhub/drmhub/server/internal/certs"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/gateway"
	"github.com/drmhub/drmhub/server/internal/netlimit"
	"github.com/drmhub/drmhub/server/internal/telemetry"
)

const (
	// maxMessage bounds a request over gRPC, in bytes, as the gateway bounds a request over REST.
	// It also bounds a compressed request after decompression.
	maxMessage = gateway.DefaultMaxBody
	// maxGRPCHeaders bounds the headers of a call, in bytes after decompression. Without a bound, a
	// few bytes can name a header that was sent before thousands of times.
	maxGRPCHeaders = 16 << 10
	// maxStreams bounds the calls in flight of one connection over HTTP/2. Further calls wait.
	maxStreams = 250
	// minFrameSize is the least that HTTP/2 lets a server demand, in bytes. Larger frames would
	// only be larger buffers.
	minFrameSize = 16 << 10
	// maxHTTPHeaders bounds the headers of a request over REST, in bytes.
	maxHTTPHeaders = 64 << 10
)

// limitsOfGRPC returns the options that bound what one client can hold.
func limitsOfGRPC() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxHeaderListSize(maxGRPCHeaders),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.NumStreamWorkers(streamWorkers()),
		grpc.ConnectionTimeout(maxHandshakeTime),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPingTime, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: maxIdleGRPC, MaxConnectionAge: maxConnectionAge, MaxConnectionAgeGrace: graceTime,
			Time: pingTime, Timeout: pingTimeout,
		}),
	}
}

// streamWorkers returns how many goroutines wait for gRPC calls. Other calls start a goroutine
// each, whose stack must grow first. With a quarter as many, that took 6 to 8 % of the CPU time of
// small calls.
func streamWorkers() uint32 { return uint32(runtime.GOMAXPROCS(0)) * 16 }

// newHTTPServer returns the server of a handler, which bounds what one client can hold.
func (a *App) newHTTPServer(handler http.Handler) *http.Server {
	s := &http.Server{
		ReadHeaderTimeout: maxHeaderTime,
		IdleTimeout:       maxIdleTime,
		MaxHeaderBytes:    maxHTTPHeaders,
		ErrorLog:          slog.NewLogLogger(&errorLog{Handler: a.log.Handler()}, slog.LevelWarn),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReadFrameSize: minFrameSize,
			SendPingTimeout: pingTime, PingTimeout: pingTimeout, WriteByteTimeout: maxReadTime,
		},
	}
	netlimit.Times{
		Body: maxBodyTime, Write: maxReadTime, Age: maxConnectionAge, Bodies: a.inFlight.bodies,
	}.Serve(s, handler)
	begin := s.ConnContext
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return gateway.WithPeer(begin(ctx, c), c) }
	return s
}

// listen opens the listeners.
func (a *App) listen(ctx context.Context, cfg *config.Config) error {
	most := netlimit.Connections(3)
	open := func(key, address string) (net.Listener, error) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			return nil, fmt.Errorf("%s.listen: another process listens on %s: stop it, or choose another address",
				key, address)
		case err != nil:
			return nil, fmt.Errorf("%s.listen: %w", key, err)
		}
		return netlimit.Listener(l.(*net.TCPListener), key, most, a.log), nil
	}
	var err error
	if a.grpcListener, err = open("grpc", cfg.GRPC.Listen); err != nil {
		return err
	}
	if a.httpListener, err = open("http", cfg.HTTP.Listen); err != nil {
		return errors.Join(err, a.grpcListener.Close())
	}
	if a.ops == nil {
		return nil
	}
	if a.opsListener, err = open("ops", cfg.Ops.Listen); err != nil {
		return errors.Join(err, a.grpcListener.Close(), a.httpListener.Close())
	}
	return nil
}

// newOps creates the server of health and metrics, if it is configured. Nobody needs an identity
// there, so it serves nothing else.
func (a *App) newOps(cfg *config.Ops) {
	if cfg == nil {
		return
	}
	mux := http.NewServeMux()
	for path, page := range gateway.Health(a.ready) {
		mux.HandleFunc(path, page)
	}
	mux.Handle("GET "+telemetry.Path, a.metrics.Page())
	a.ops = a.newHTTPServer(telemetry.WithRequestID(mux))
}

// OpsAddr returns the address of health and metrics, or "" if REST serves them.
func (a *App) OpsAddr() string {
	if a.opsListener == nil {
		return ""
	}
	return a.opsListener.Addr().String()
}

// serverTLS returns the TLS settings of the listener that a section of the configuration describes.
// Its files are read again until the server has stopped.
func (a *App) serverTLS(key string, files config.TLS, mode config.AuthMode, protos ...string) (*tls.Config, error) {
	c, err := certs.Load(certs.Options{
		Key: key, Files: files, ClientAuth: clientAuth(mode), NextProtos: protos, Log: a.log, Interval: files.Poll,
	})
	if err != nil {
		return nil, err
	}
	a.certs = append(a.certs, c)
	a.polls.Go(func() { c.Watch(a.polling) })
	return c.Config(), nil
}

// clientAuth returns what a client must show if its listener has authorities for clients. In mode
// none, a certificate is all that keeps strangers out. In mode jwt, a caller may show a token
// instead, so clients without a certificate may connect.
func clientAuth(mode config.AuthMode) tls.ClientAuthType {
	if mode == config.AuthNone {
		return tls.RequireAndVerifyClientCert
	}
	return tls.VerifyClientCertIfGiven
}
