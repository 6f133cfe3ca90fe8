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

// provider returns the migrations of this version.
func (d *DB) provider() (*goose.Provider, error) {
	tables, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if d.dialect != goose.DialectPostgres {
		return goose.NewProvider(d.dialect, d.writes, tables)
	}
	// Replicas start together. One of them migrates, and the others wait.
	one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockPollSeconds, lockPolls))
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
	for range maxMigrations {
		if _, err = provider.Up(ctx); err == nil {
			return d.checkVersion(ctx)
		}
	}
	return fmt.Errorf("cannot create the store's tables: %w", err)
}

// checkVersion returns an error unless the tables are those of this version.
func (d *DB) checkVersion(ctx context.Context) error {
	provider, err := d.provider()
	if err != nil {
		return err
	}
	var found int64
	row := d.reads.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version")
	if err := row.Scan(&found); err != nil {
		return fmt.Errorf("cannot read drmhub's tables in the store: %w", err)
	}
	sources := provider.ListSources()
	switch want := sources[len(sources)-1].Version; {
	case found > want:
		return fmt.Errorf("the store's tables belong to a later version of drmhub "+
			"(their version is %d, this program's is %d): run the later version", found, want)
	case found < want:
		return fmt.Errorf("the store's tables belong to an earlier version of drmhub "+
			"(their version is %d, this program's is %d): start this version's server once to update them", found, want)
	}
	return nil
}
