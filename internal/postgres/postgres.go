// Package postgres gives tests and measurements databases of a real PostgreSQL server: the one in
// DRMHUB_TEST_POSTGRES, the postgres:// DSN of somebody who may create databases, or without it one
// that starts with the first database and ends with the process, where PostgreSQL's programs are
// installed.
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

// shared is the server that all of the process share. Nobody stops it: it ends with the process.
var shared = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv("DRMHUB_TEST_POSTGRES"); dsn != "" {
		return dsn, nil
	}
	dsn, _, err := Start("")
	return dsn, err
})

// Database is the DSN of an empty database that nobody else uses, until drop.
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
		// one that stays behind is in nobody's way
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

// ForTest is the DSN of an empty database, which is removed at the end of the test. Where there is
// no PostgreSQL, the test is skipped, but fails in CI (CI=true).
func ForTest(t testing.TB) string {
	t.Helper()
	dsn, drop, err := Database(t.Context())
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("%v; DRMHUB_TEST_POSTGRES may name a server", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drop)
	return dsn
}
