// Package storetest gives tests of what uses the store databases of their own: SQLite in a file, and a real PostgreSQL.
//
// PostgreSQL is the server in DRMHUB_TEST_POSTGRES, the postgres:// DSN of somebody who may create databases; without it, one that starts with the first test
// that asks for it, and ends with the process, where PostgreSQL's programs are installed. Where they are not, such tests are skipped, but fail in CI
// (CI=true).
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Each runs a test on SQLite and on PostgreSQL, each time with the DSN of an empty database that nobody else uses.
func Each(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite is the DSN of a file that is not there yet, and is removed at the end of the test.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "drmhub.db")
}

// started is the server that all tests of the process share. Nobody stops it: it ends with the process.
var started = sync.OnceValues(func() (string, error) {
	dsn, _, err := StartPostgres("")
	return dsn, err
})

// Postgres is the DSN of an empty database, which is removed at the end of the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("DRMHUB_TEST_POSTGRES")
	if server == "" {
		var err error
		if server, err = started(); errors.Is(err, ErrNoPostgres) && os.Getenv("CI") != "true" {
			t.Skipf("%v; DRMHUB_TEST_POSTGRES may name a server", err)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	dsn, err := url.Parse(server)
	if err != nil {
		t.Fatal("DRMHUB_TEST_POSTGRES must be a postgres:// URL")
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "drmhub_test_" + strings.ToLower(rand.Text())
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	dsn.Path = "/" + name
	return dsn.String()
}
