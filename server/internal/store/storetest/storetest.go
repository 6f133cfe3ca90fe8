// Package storetest gives tests empty databases: SQLite in a file, and a real PostgreSQL.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/drmhub/drmhub/internal/postgres"
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
