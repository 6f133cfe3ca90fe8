package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// provider knows the migrations of this version.
func (d *DB) provider() (*goose.Provider, error) {
	tables, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if d.dialect != goose.DialectPostgres {
		return goose.NewProvider(d.dialect, d.writes, tables)
	}
	// replicas start together, and one of them migrates; the others look every second
	one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(d.dialect, d.writes, tables, goose.WithSessionLocker(one))
}

// migrate brings the tables up to this version.
func (d *DB) migrate(ctx context.Context) error {
	provider, err := d.provider()
	if err != nil {
		return err
	}
	// another process may be making the same tables, or writing them: the next time, they are there
	// or free
	for range 5 {
		if _, err = provider.Up(ctx); err == nil {
			return d.checkVersion(ctx)
		}
	}
	return fmt.Errorf("the store's tables cannot be made: %w", err)
}

// checkVersion reports whether the tables are those of this version.
func (d *DB) checkVersion(ctx context.Context) error {
	provider, err := d.provider()
	if err != nil {
		return err
	}
	var found int64
	if err := d.reads.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&found); err != nil {
		return fmt.Errorf("the store holds no tables of drmhub's that can be read: %w", err)
	}
	sources := provider.ListSources()
	switch want := sources[len(sources)-1].Version; {
	case found > want:
		return fmt.Errorf("the store's tables are of a later version of drmhub (%d, here %d): run that one", found, want)
	case found < want:
		return fmt.Errorf("the store's tables are of an earlier version of drmhub (%d, here %d): start this one's server once, which brings them up to date", found, want)
	}
	return nil
}
