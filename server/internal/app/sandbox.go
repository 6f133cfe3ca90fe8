package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/webguard"
)

// sandboxSeed makes every sandbox the same.
const sandboxSeed = 1

// A Twin is a vendor's twin that runs in the sandbox.
type Twin struct {
	// Kind is the kind of the vendor, and its id in the sandbox's configuration.
	Kind string
	// URL is the address of the twin.
	URL string
}

// Sandbox runs a twin of every vendor on loopback until ctx ends. It returns the configuration of a
// drmhub that uses them. hosts are further names by which callers reach its REST face.
func Sandbox(ctx context.Context, grpcListen, httpListen string, hosts ...string) (*config.Config, []Twin, error) {
	var twins []Twin
	cfg := &config.Config{
		GRPC:  config.Listener{Listen: grpcListen},
		HTTP:  config.Listener{Listen: httpListen, AllowedHosts: hosts},
		Auth:  config.Auth{Mode: config.AuthNone},
		Store: config.Store{DSN: config.NewDSN(store.Memory)}, Canary: config.DefaultCanary(),
		Archive: sandboxArchive(),
	}
	for _, kind := range catalog.Kinds {
		addr, err := serveTwin(ctx, kind.Twin(sandboxSeed), "127.0.0.1:0", nil)
		if err != nil {
			return nil, nil, fmt.Errorf("the twin of %s: %w", kind.Name, err)
		}
		twin := Twin{kind.Name, "http://" + addr}
		twins = append(twins, twin)
		vendor := config.Vendor{ID: kind.Name, Kind: kind.Name, Settings: kind.TwinSettings(twin.URL)}
		cfg.Vendors = append(cfg.Vendors, vendor)
	}
	return cfg, twins, nil
}

// sandboxArchive returns the archive of a sandbox. It is filled within seconds. Then its passes are
// rare enough that a fault which a person orders from a twin rarely meets one.
func sandboxArchive() config.Archive {
	cfg := config.DefaultArchive()
	cfg.Enabled, cfg.DSN = true, config.NewDSN(store.Memory)
	cfg.Interval, cfg.Again, cfg.Lag = 30*time.Second, time.Second, 5*time.Second
	return cfg
}

// Emulate runs the twin of one vendor until ctx ends. It calls ready with the address once the twin
// listens. hosts are further names by which callers reach the twin. A SIGHUP only writes a line
// into the log.
func Emulate(
	ctx context.Context, log *slog.Logger, kindName, listen string, seed uint64, ready func(addr string),
	hosts ...string,
) error {
	kind, ok := catalog.Lookup(kindName)
	if !ok {
		var known []string
		for _, k := range catalog.Kinds {
			known = append(known, k.Name)
		}
		return fmt.Errorf("there is no twin of %q: use one of %s", kindName, strings.Join(known, ", "))
	}
	addr, err := serveTwin(ctx, kind.Twin(seed), listen, hosts)
	if err != nil {
		return err
	}
	hangups := newHangups()
	defer signal.Stop(hangups)
	ready(addr)
	for {
		select {
		case <-hangups:
			log.WarnContext(ctx, "a twin has no configuration to read again: nothing changed")
		case <-ctx.Done():
			return nil
		}
	}
}

// serveTwin serves a twin in the background until ctx ends. It returns the address. A vendor's own
// calls take what the vendor takes, so only the admin calls must be JSON.
func serveTwin(ctx context.Context, twin http.Handler, listen string, hosts []string) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return "", err
	}
	options := webguard.Options{Hosts: hosts, JSONBelow: "/_twin/"}
	options.Listen, _, _ = net.SplitHostPort(listen)
	guard, err := webguard.New(options)
	if err != nil {
		return "", errors.Join(err, l.Close())
	}
	server := &http.Server{Handler: guard.Handler(twin), ReadHeaderTimeout: maxHeaderTime}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("the listener of a twin failed: %v", err))
		}
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return l.Addr().String(), nil
}
