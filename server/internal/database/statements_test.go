package database

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"
)

// openMemory returns a database with the numbers 1 to 3.
func openMemory(t *testing.T) *sql.DB {
	t.Helper()
	db, err := OpenSQLite("file::memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	const script = "CREATE TABLE numbers (n BIGINT PRIMARY KEY); INSERT INTO numbers VALUES (1), (2), (3)"
	if _, err := db.ExecContext(t.Context(), script); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAStatementRunsWithinItself(t *testing.T) {
	t.Parallel()
	db := openMemory(t)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for range 2 { // The statement is prepared already the second time.
		if got := fmt.Sprint(pairs(t, tx)); got != "[1 2 2 3 3 0]" {
			t.Errorf("the rows are %s", got)
		}
	}
}

// pairs returns each number and the next one, which the same statement reads.
func pairs(t *testing.T, tx *sql.Tx) (seen []int) {
	t.Helper()
	const above = "SELECT n FROM numbers WHERE n > $1 ORDER BY n"
	rows, err := tx.QueryContext(t.Context(), above, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n, next int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		_ = tx.QueryRowContext(t.Context(), above, n).Scan(&next) // The last number has none.
		seen = append(seen, n, next)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestAStatementWorksAfterAnError(t *testing.T) {
	t.Parallel()
	db := openMemory(t)
	const insert = "INSERT INTO numbers VALUES ($1)"
	if _, err := db.ExecContext(t.Context(), insert, 3); err == nil {
		t.Error("a number is there twice")
	}
	if _, err := db.ExecContext(t.Context(), insert, 4); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	const endless = "WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
	if err := db.QueryRowContext(ctx, endless, 1).Scan(new(int)); err == nil {
		t.Error("an endless statement ended")
	}
	if _, err := db.ExecContext(t.Context(), insert, 5); err != nil {
		t.Error(err)
	}
}

func TestAStatementFollowsTheSchema(t *testing.T) {
	t.Parallel()
	db := openMemory(t)
	const all = "SELECT * FROM numbers WHERE n = $1"
	if err := db.QueryRowContext(t.Context(), all, 1).Scan(new(int)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "ALTER TABLE numbers ADD COLUMN name TEXT DEFAULT 'new'"); err != nil {
		t.Fatal(err)
	}
	var name string
	if err := db.QueryRowContext(t.Context(), all, 1).Scan(new(int), &name); err != nil || name != "new" {
		t.Errorf("the new column is %q, %v", name, err)
	}
}

func TestFewStatementsStayPrepared(t *testing.T) {
	t.Parallel()
	db := openMemory(t)
	for i := range 3 * maxPrepared {
		var n int
		err := db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %d + $1", i), 1).Scan(&n)
		if err != nil || n != i+1 {
			t.Fatalf("%d, %v; want %d", n, err, i+1)
		}
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.Raw(func(driver any) error {
		if p, ok := driver.(*preparing); !ok || len(p.prepared) > maxPrepared {
			t.Errorf("%d statements are prepared", len(p.prepared))
		}
		return nil
	})
}
