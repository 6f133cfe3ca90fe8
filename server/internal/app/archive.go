package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/clickhouse"
	"github.com/drmhub/drmhub/server/internal/archive/sqldb"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// newArchive opens the archive, and creates what keeps it up to date. Without an archive, both stay
// nil.
func (a *App) newArchive(ctx context.Context, cfg config.Archive, all *vendors.Registry) (err error) {
	if !cfg.Enabled {
		return nil
	}
	engine, err := openArchive(ctx, cfg.DSN.Reveal())
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	a.archive = engine // Not before: it would be an engine that is nil.
	a.syncer = syncer.New(syncer.Options{
		Vendors: all, Sites: services.SiteNames, Engine: a.archive, Leases: syncer.NewLeases(a.store),
		Settings: passesOf(cfg), Log: a.log,
	})
	return a.metrics.ShowArchive(a.syncer.Lags)
}

// openArchive opens the engine that a DSN names.
func openArchive(ctx context.Context, dsn string) (archive.Engine, error) {
	if strings.HasPrefix(dsn, "clickhouse:") {
		return clickhouse.Open(ctx, dsn)
	}
	return sqldb.Open(ctx, dsn)
}

// passesOf returns the settings of the passes.
func passesOf(cfg config.Archive) syncer.Settings {
	return syncer.Settings{
		Interval: cfg.Interval, Lag: cfg.Lag, Backfill: cfg.Backfill, Keep: cfg.Keep, Again: cfg.Again,
	}
}

// changeArchive changes the settings of the passes.
func (a *App) changeArchive(cfg config.Archive) {
	if a.syncer != nil {
		a.syncer.Configure(passesOf(cfg))
	}
}

// closeArchive ends the passes, and closes the archive.
func (a *App) closeArchive() error {
	if a.syncer != nil {
		a.syncer.Close()
	}
	if a.archive == nil {
		return nil
	}
	return a.archive.Close()
}
