package clickhouse

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// shared returns how to reach the two servers that the process uses. Nobody stops them: they end
// with the process.
var shared = sync.OnceValues(func() (*driver.Options, error) {
	if dsn := os.Getenv("DRMHUB_TEST_CLICKHOUSE"); dsn != "" {
		options, err := driver.ParseDSN(dsn)
		if err != nil || len(options.Addr) != 2 {
			return nil, errors.New("DRMHUB_TEST_CLICKHOUSE must be a clickhouse:// URL with two hosts")
		}
		return options, nil
	}
	addresses, _, err := Start("", 2)
	return &driver.Options{Addr: addresses, Auth: driver.Auth{Username: "default"}}, err
})

// Database creates an empty database on one or two servers, and returns the DSN of all. drop
// removes the database.
func Database(ctx context.Context, servers int) (dsn string, drop func(), err error) {
	options, err := shared()
	if err != nil {
		return "", nil, err
	}
	name := "drmhub_test_" + strings.ToLower(rand.Text())
	each := func(ctx context.Context, statement string) error {
		for _, address := range options.Addr[:servers] {
			one := driver.Options{Addr: []string{address}, Auth: options.Auth, TLS: options.TLS}
			one.Auth.Database = ""
			conn, err := driver.Open(&one)
			if err == nil {
				err = errors.Join(conn.Exec(ctx, statement), conn.Close())
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	drop = func() {
		// A database that remains does no harm.
		_ = each(context.WithoutCancel(ctx), "DROP DATABASE IF EXISTS "+name)
	}
	if err := each(ctx, "CREATE DATABASE "+name); err != nil {
		drop()
		return "", nil, err
	}
	login := options.Auth.Username
	if options.Auth.Password != "" {
		login += ":" + options.Auth.Password
	}
	return "clickhouse://" + login + "@" + strings.Join(options.Addr[:servers], ",") + "/" + name, drop, nil
}

// ForTest returns the DSN of an empty database on one or two servers, which the end of the test
// removes. Without ClickHouse, it skips the test, or fails it in CI (CI=true).
func ForTest(t testing.TB, servers int) string {
	t.Helper()
	dsn, drop, err := Database(t.Context(), servers)
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("%v; set DRMHUB_TEST_CLICKHOUSE to the DSN of two servers", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drop)
	return dsn
}
