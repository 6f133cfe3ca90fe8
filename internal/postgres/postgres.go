// Package postgres gives databases of a real PostgreSQL server to tests and measurements.
//
// DRMHUB_TEST_POSTGRES names the server: the postgres:// DSN of a user who may create databases.
// Without it, the first database starts a server, which ends with the process. That needs
// PostgreSQL's programs on the machine.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared returns the DSN of the server that the process uses. Nobody stops the server: it ends with
// the process.
var shared = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv("DRMHUB_TEST_POSTGRES"); dsn != "" {
		return dsn, nil
	}
	dsn, _, err := Start("")
	return dsn, err
})

// Database creates an empty database, and returns its DSN. drop removes the database.
func Database(ctx context.Context) (dsn string, drop func(), err error) {
	server, err := shared()
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, errors.New("DRMHUB_TEST_POSTGRES must be a postgres:// URL")
	}
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", nil, err
	}
	name := "drmhub_test_" + strings.ToLower(rand.Text())
	drop = func() {
		ctx := context.WithoutCancel(ctx)
		// A database that remains does no harm.
		_, _ = admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		_ = admin.Close(ctx)
	}
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		drop()
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), drop, nil
}

// ForTest returns the DSN of an empty database, which the end of the test removes. Without
// PostgreSQL, it skips the test, or fails it in CI (CI=true).
func ForTest(t testing.TB) string {
	t.Helper()
	dsn, drop, err := Database(t.Context())
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("%v; set DRMHUB_TEST_POSTGRES to the DSN of a server", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drop)
	return dsn
}
