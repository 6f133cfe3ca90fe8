package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/drmhub/drmhub/server/internal/certs"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store"
)

// A Connection is something that a server needs, and whether it is there.
type Connection struct {
	Name string // such as "vendors/acme"
	Took time.Duration
	Note string // what it says, if it is well
	Err  error
}

// maxConnections is how many connections are tried at the same time.
const maxConnections = 16

// Connections tries all that a checked configuration names. It changes nothing, and creates no
// store. It tries:
//
//   - the vendor accounts, by one cheap read each,
//   - the key sets of tokens, and the identity provider,
//   - the certificates of the listeners,
//   - the store.
func Connections(ctx context.Context, cfg *config.Config) ([]Connection, error) {
	all, err := newVendors(cfg)
	if err != nil {
		return nil, err
	}
	var names []string
	var tries []func(context.Context) (string, error)
	add := func(name string, try func(context.Context) (string, error)) {
		names, tries = append(names, name), append(tries, try)
	}
	for _, v := range all.All() {
		add(v.Name(), v.Adapter.Check)
	}
	if cfg.Auth.Mode == config.AuthJWT {
		_, sets, err := newVerifier(&cfg.Auth, nil, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			return nil, err
		}
		for _, set := range sets {
			add("key set "+set.URL(), func(ctx context.Context) (string, error) {
				n, err := set.Try(ctx)
				return fmt.Sprintf("%d keys", n), err
			})
		}
	}
	if p := newProvider(cfg.Auth); p != nil {
		add("identity provider "+p.Issuer, func(ctx context.Context) (string, error) { return "", p.Try(ctx) })
	}
	for key, files := range map[string]*config.TLS{"grpc.tls": cfg.GRPC.TLS, "http.tls": cfg.HTTP.TLS} {
		if files != nil {
			add(key, func(context.Context) (string, error) { return tryCertificate(key, *files) })
		}
	}
	add("store", func(ctx context.Context) (string, error) { return tryStore(ctx, cfg.Store) })
	return tryAll(ctx, names, tries), nil
}

func tryAll(ctx context.Context, names []string, tries []func(context.Context) (string, error)) []Connection {
	found := make([]Connection, len(tries))
	places := make(chan struct{}, maxConnections)
	var running sync.WaitGroup
	for i, try := range tries {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			begin := time.Now()
			note, err := try(ctx)
			found[i] = Connection{Name: names[i], Took: time.Since(begin), Note: note, Err: err}
		})
	}
	running.Wait()
	return found
}

// tryCertificate reads the files of a listener, and returns how long its certificate is valid.
func tryCertificate(key string, files config.TLS) (string, error) {
	c, err := certs.Load(certs.Options{Key: key, Files: files, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	if time.Now().After(c.Expiry()) {
		return "", fmt.Errorf("the certificate ended at %s", c.Expiry().UTC().Format(time.RFC3339))
	}
	return "valid until " + c.Expiry().UTC().Format(time.RFC3339), nil
}

// tryStore reads the version of the store. A store that is not there yet is created by the server.
func tryStore(ctx context.Context, cfg config.Store) (string, error) {
	db, err := store.View(ctx, cfg.DSN.Reveal())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it is not there yet, and the server creates it", nil
	case err != nil:
		return "", err
	}
	return "", db.Close()
}
