// Package storetest gives tests empty databases: SQLite in a file, and a real PostgreSQL.
package storetest

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/store"
)

// Each runs a test on SQLite and on PostgreSQL. Each time, dsn names an empty database of its own.
func Each(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgres.ForTest(t)) })
}

// SQLite returns the DSN of a file that does not exist yet. The end of the test removes it.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "drmhub.db")
}

// Open opens a store until the end of the test.
func Open(t *testing.T, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// OpenTwo opens a store for two replicas until the end of the test. One process owns a SQLite file,
// so there both are the same.
func OpenTwo(t *testing.T, dsn string) (one, other *store.DB) {
	t.Helper()
	one = Open(t, dsn)
	if strings.HasPrefix(dsn, "sqlite:") {
		return one, one
	}
	return one, Open(t, dsn)
}

// Exec changes a store by a statement.
func Exec(t *testing.T, db *store.DB, query string, args ...any) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Texts returns the rows of a query for one text.
func Texts(t *testing.T, db *store.DB, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.Reads().QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
