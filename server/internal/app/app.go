// Package app puts the server together and runs it. When the server stops, the calls in flight may
// finish.
package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/drmhub/drmhub/gen"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/limit"
	"github.com/drmhub/drmhub/server/internal/auth/refusal"
	"github.com/drmhub/drmhub/server/internal/canary"
	"github.com/drmhub/drmhub/server/internal/certs"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/gateway"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/interceptors"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/logs"
	"github.com/drmhub/drmhub/server/internal/netlimit"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/session"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/telemetry"
	"github.com/drmhub/drmhub/server/internal/validation"
	"github.com/drmhub/drmhub/server/internal/vendors"
	"github.com/drmhub/drmhub/server/internal/webguard"
)

// App is a server that listens.
type App struct {
	log                        *slog.Logger
	grpc                       *grpc.Server
	http                       *http.Server
	health                     *health.Server
	inFlight                   *drain
	hangups                    chan os.Signal
	certs                      []*certs.Certificates
	polling                    context.Context // of polls, which read the certificates again
	endPolling                 context.CancelFunc
	polls                      sync.WaitGroup
	store                      *store.DB
	trail                      *audit.Service // one for both faces, since it bounds what they read
	journal                    *journal.Journal
	authenticator              *auth.Authenticator
	identities                 atomic.Pointer[identities]
	provider                   *session.Provider // nil without OIDC
	guard                      atomic.Pointer[webguard.Guard]
	reloading                  reloading
	confinement                *auth.Confinement
	sink                       *audit.Sink
	limits                     *limit.Limiter
	refusals                   *refusal.Recorder
	metrics                    *telemetry.Metrics
	calls                      *telemetry.Calls
	canary                     *canary.Canary
	archive                    archive.Engine // nil where the configuration turns it off
	syncer                     *syncer.Syncer
	grpcListener, httpListener net.Listener
	ops                        *http.Server // of health and metrics; nil: they are served by http
	opsListener                net.Listener
}

// Start creates the server of a checked configuration, and listens.
func Start(ctx context.Context, cfg *config.Config, log *slog.Logger) (*App, error) {
	all, err := newVendors(cfg)
	if err != nil {
		return nil, err
	}
	a := &App{
		reloading: reloading{running: cfg, vendors: all, level: logs.Level(log)}, log: log,
		health: health.NewServer(), inFlight: newDrain(), hangups: newHangups(),
		confinement: &auth.Confinement{SeesAccounts: services.SeesAccounts(all)},
	}
	a.polling, a.endPolling = context.WithCancel(context.WithoutCancel(ctx))
	if err := a.start(ctx, cfg, all); err != nil {
		return nil, errors.Join(err, a.release(ctx))
	}
	return a, nil
}

func (a *App) start(ctx context.Context, cfg *config.Config, all *vendors.Registry) error {
	if err := a.newAuthenticator(ctx, cfg.Auth, all); err != nil {
		return err
	}
	if err := a.newMetrics(); err != nil {
		return err
	}
	if err := a.newCalls(all); err != nil {
		return err
	}
	if err := a.newJournal(ctx, cfg, all); err != nil {
		return err
	}
	if err := errors.Join(a.showJournal(all), a.showVendors(all)); err != nil {
		return err
	}
	if err := a.newArchive(ctx, cfg.Archive, all); err != nil {
		return err
	}
	a.limits, a.refusals = newLimiter(cfg.Auth), a.newRefusals()
	unary, stream := interceptors.Chain(interceptors.Parts{
		Log: a.log, Calls: a.calls, Rules: validation.New(), Journal: a.journal, Refusals: a.refusals, Limits: a.limits,
		Authenticator: a.authenticator, Confinement: a.confinement,
	})
	// The first ones measure the calls, so they see which calls a stop ends.
	unary = slices.Insert(unary, 1, a.inFlight.unary)
	stream = slices.Insert(stream, 1, a.inFlight.stream)
	if err := a.newGRPC(cfg, all, unary, stream); err != nil {
		return err
	}
	if err := a.newHTTP(cfg, all, unary, stream); err != nil {
		return err
	}
	a.newOps(cfg.Ops)
	if err := a.showCertificates(); err != nil {
		return err
	}
	if err := a.listen(ctx, cfg); err != nil {
		return err
	}
	a.startCanary(cfg.Canary, all)
	if a.syncer != nil && !cfg.Archive.Idle {
		a.syncer.Start()
	}
	a.watchConfiguration()
	a.logStart(cfg)
	a.polls.Go(a.heedHangups)
	a.polls.Go(a.watchStore)
	return nil
}

// newJournal opens the store, and creates the journal in it. The journal calls the services to
// settle mutations. These calls have no caller, so they pass no interceptors.
func (a *App) newJournal(ctx context.Context, cfg *config.Config, all *vendors.Registry) (err error) {
	if a.store, err = store.Open(ctx, cfg.Store.DSN.Reveal()); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	a.trail = audit.NewService(a.store)
	if a.sink, err = newSink(cfg.Audit, a.log); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	observer, err := a.metrics.JournalObserver()
	if err != nil {
		return err
	}
	options := journal.Options{Keep: cfg.Store.Keep, Quiet: cfg.Store.Quiet, Log: a.log, Observer: observer}
	options.Account = all.AccountDigest
	if key := cfg.Store.DigestKey; key != nil {
		options.DigestKey = []byte(key.Reveal())
	}
	if a.sink != nil {
		options.Recorded = a.sink.Record
		a.polls.Go(a.retryCopies)
	}
	direct := inproc.New(nil, nil)
	services.Register(direct, services.Parts{Vendors: all})
	a.journal, err = journal.New(ctx, a.store, direct.Call, options)
	return err
}

// release closes what Start opened.
func (a *App) release(ctx context.Context) error {
	a.endPolling()
	a.polls.Wait()
	signal.Stop(a.hangups)
	if a.canary != nil {
		a.canary.Close()
	}
	var errs []error
	if callers := a.identities.Load(); callers != nil {
		for _, set := range callers.sets {
			set.Close()
		}
	}
	a.closeRefusals(ctx)
	errs = append(errs, a.closeArchive())
	if a.journal != nil {
		errs = append(errs, a.journal.Close(ctx))
	}
	if a.metrics != nil {
		a.closeMetrics(ctx)
	}
	if a.sink != nil {
		errs = append(errs, a.sink.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// register adds all services to a server.
func (a *App) register(r grpc.ServiceRegistrar, all *vendors.Registry) {
	services.Register(r, services.Parts{Vendors: all, Archive: a.archive, Syncer: a.syncer})
	pb.RegisterMutationServiceServer(r, journal.NewService(a.journal, a.confinement))
	pb.RegisterAuditServiceServer(r, a.trail)
	pb.RegisterCallerServiceServer(r, auth.Service{})
}

func (a *App) newGRPC(
	cfg *config.Config, all *vendors.Registry,
	unary []grpc.UnaryServerInterceptor, stream []grpc.StreamServerInterceptor,
) error {
	options := append(limitsOfGRPC(),
		grpc.UnaryInterceptor(interceptors.Unchained),
		grpc.ChainStreamInterceptor(slices.Insert(slices.Clone(stream), 2, netlimit.Stream(maxReadTime))...),
		grpc.InTapHandle(a.calls.Arrived),
		grpc.UnknownServiceHandler(rpcerror.UnknownMethod),
		grpc.ForceServerCodecV2(rpcerror.Codec()),
	)
	if cfg.GRPC.TLS != nil {
		tls, err := a.serverTLS("grpc.tls", *cfg.GRPC.TLS, cfg.Auth.Mode, "h2")
		if err != nil {
			return err
		}
		options = append(options, grpc.Creds(credentials.NewTLS(tls)))
	}
	a.grpc = grpc.NewServer(options...)
	observed := a.calls.Early(a.grpc)
	a.register(interceptors.Chained(a.authenticator.Early(observed), unary), all)
	a.setHealth(healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(interceptors.Chained(observed, unary), a.health)
	registerReflection(a.grpc)
	if open := methodsWithoutScope(a.grpc); len(open) > 0 {
		return fmt.Errorf("methods without a scope: %s", strings.Join(open, ", "))
	}
	return nil
}

func (a *App) newHTTP(
	cfg *config.Config, all *vendors.Registry,
	unary []grpc.UnaryServerInterceptor, stream []grpc.StreamServerInterceptor,
) error {
	guard, err := newGuard(cfg, a.certificate)
	if err != nil {
		return err
	}
	a.guard.Store(guard)
	if nameless(cfg) {
		a.log.Warn("REST refuses calls by name: list the hosts in the URLs of your callers in http.allowed_hosts")
	}
	sessions, err := a.newSessions(cfg.Auth)
	if err != nil {
		return err
	}
	conn := inproc.New(unary, stream)
	a.register(conn, all)
	handler, err := gateway.New(gateway.Options{
		Conn: conn, OpenAPI: gen.OpenAPI, Contract: gen.Contract,
		Ready: a.ready, NoHealth: cfg.Ops != nil, Metrics: a.restMetrics(cfg), Guard: a.guard.Load, Sessions: sessions,
		Identify:    a.authenticator.Caller,
		Admit:       a.admit,
		Permit:      a.permit,
		PrivateDocs: a.privateDocs,
	})
	if err != nil {
		return err
	}
	a.http = a.newHTTPServer(a.calls.HTTP(a.inFlight.http(handler)))
	if cfg.HTTP.TLS != nil {
		a.http.TLSConfig, err = a.serverTLS("http.tls", *cfg.HTTP.TLS, cfg.Auth.Mode, "h2", "http/1.1")
	}
	return err
}

// certificate returns the certificate of REST, or nil.
func (a *App) certificate() *x509.Certificate {
	for _, c := range a.certs {
		if c.Key == "http.tls" {
			return c.Leaf()
		}
	}
	return nil
}

// GRPCAddr returns the address of gRPC.
func (a *App) GRPCAddr() string { return a.grpcListener.Addr().String() }

// HTTPAddr returns the address of REST.
func (a *App) HTTPAddr() string { return a.httpListener.Addr().String() }

// HTTPURL returns the URL of REST, by its address.
func (a *App) HTTPURL() string {
	if a.http.TLSConfig != nil {
		return "https://" + a.HTTPAddr()
	}
	return "http://" + a.HTTPAddr()
}

// Serve serves until ctx ends or a listener fails. Then it blocks until the calls in flight end.
func (a *App) Serve(ctx context.Context) error {
	failed := make(chan error, 3)
	go func() { failed <- a.grpc.Serve(a.grpcListener) }()
	go func() {
		if a.http.TLSConfig != nil {
			failed <- a.http.ServeTLS(a.httpListener, "", "")
			return
		}
		failed <- a.http.Serve(a.httpListener)
	}()
	if a.ops != nil {
		go func() { failed <- a.ops.Serve(a.opsListener) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, a.stop(context.WithoutCancel(ctx), context.Cause(ctx)))
}
