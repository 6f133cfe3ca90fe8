package database

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	// maxMigrations is how often a migration is tried. Another process may be creating the same
	// tables, or writing to them. The next attempt finds them created, or free.
	maxMigrations = 5
	// lockPolls and lockPollSeconds say how long a replica waits while another one migrates.
	lockPolls, lockPollSeconds = 300, 1
)

// Tables are the tables of one use of a database.
type Tables struct {
	// Use says in errors what the tables are for, such as "store".
	Use string
	// Versions is the table in which goose notes the version.
	Versions string
	// Migrations are the files of goose.
	Migrations fs.FS
}

// provider returns the migrations of this version.
func (t Tables) provider(dialect goose.Dialect, writes *sql.DB) (*goose.Provider, error) {
	named := goose.WithTableName(t.Versions)
	if dialect != goose.DialectPostgres {
		return goose.NewProvider(dialect, writes, t.Migrations, named)
	}
	// Replicas start together. One of them migrates, and the others wait.
	one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockPollSeconds, lockPolls))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, writes, t.Migrations, named, goose.WithSessionLocker(one))
}

// Migrate brings the tables up to this version.
func (t Tables) Migrate(ctx context.Context, dialect goose.Dialect, writes *sql.DB) error {
	provider, err := t.provider(dialect, writes)
	if err != nil {
		return err
	}
	for range maxMigrations {
		if _, err = provider.Up(ctx); err == nil {
			return t.CheckVersion(ctx, dialect, writes)
		}
	}
	return fmt.Errorf("cannot create the %s's tables: %w", t.Use, err)
}

// CheckVersion returns an error unless the tables are those of this version.
func (t Tables) CheckVersion(ctx context.Context, dialect goose.Dialect, db *sql.DB) error {
	provider, err := t.provider(dialect, db)
	if err != nil {
		return err
	}
	var found int64
	//nolint:gosec // The name is a constant of the program.
	row := db.QueryRowContext(ctx, "SELECT max(version_id) FROM "+t.Versions)
	if err := row.Scan(&found); err != nil {
		return fmt.Errorf("cannot read drmhub's tables in the %s: %w", t.Use, err)
	}
	sources := provider.ListSources()
	switch want := sources[len(sources)-1].Version; {
	case found > want:
		return fmt.Errorf("the %s's tables belong to a later version of drmhub "+
			"(their version is %d, this program's is %d): run the later version", t.Use, found, want)
	case found < want:
		return fmt.Errorf("the %s's tables belong to an earlier version of drmhub "+
			"(their version is %d, this program's is %d): start this version's server once to update them",
			t.Use, found, want)
	}
	return nil
}
