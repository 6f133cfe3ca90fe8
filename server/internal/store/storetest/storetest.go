// Package storetest gives tests of what uses the store databases of their own: SQLite in a file,
// and a real PostgreSQL.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/drmhub/drmhub/internal/postgres"
)

// Each runs a test on SQLite and on PostgreSQL, each time with the DSN of an empty database that
// nobody else uses.
func Each(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgres.ForTest(t)) })
}

// SQLite is the DSN of a file that is not there yet, and is removed at the end of the test.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "drmhub.db")
}
