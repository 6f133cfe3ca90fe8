package clickhouse

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/internal/clickhouse"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// swept sweeps as if everything were old, and checks what the tables have afterwards.
func swept(t *testing.T, e *Engine, rows, lines int64) {
	t.Helper()
	if err := e.sweep(t.Context(), -time.Hour, -time.Hour); err != nil {
		t.Fatal(err)
	}
	left, err := e.read(t.Context(), "site > 0")
	if err != nil || int64(len(left)) != lines {
		t.Errorf("the lines %v, %v are left, want %d", left, err, lines)
	}
	for _, table := range []string{"licenses", "by_user"} {
		if n, err := e.count(t.Context(), e.all(table), "1"); n != rows || err != nil {
			t.Errorf("%s has %d rows, %v, want %d", table, n, err, rows)
		}
	}
}

func TestWhatDoesNotCountIsRemoved(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 2), "abcdeabcde")
	for range 3 { // The mask of one load can hide rows of another.
		replace(t, e, "abcdeab")
		replace(t, e, "fgh")
		replace(t, e, "abcdf")
	}
	holds(t, e, "abcdf", span)
	swept(t, e, 5, 1)
	holds(t, e, "abcdf", span)
	if n, err := e.Forget(t.Context(), place, noon+1); n != 3 || err != nil {
		t.Errorf("Forget removes %d rows, %v, want 3", n, err)
	}
	after := archive.Span{From: noon + 1, To: span.To}
	holds(t, e, "bd", after)
	swept(t, e, 2, 1)
	holds(t, e, "bd", after)
}

func TestAnErasedViewerLeavesTheRows(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 2), "aab")
	if n, err := e.Erase(t.Context(), []string{place}, archive.Person("a")); n != 2 || err != nil {
		t.Errorf("Erase returns %d, %v, want 2", n, err)
	}
	holds(t, e, "--b", span)
	replace(t, e, "aabac")
	holds(t, e, "---bc", span)
	left := func() int64 {
		n := int64(0)
		for _, table := range []string{"licenses", "by_user"} {
			one, err := e.count(t.Context(), e.all(table), "user = 'a'")
			if err != nil {
				t.Fatal(err)
			}
			n += one
		}
		return n
	}
	for range 1000 { // A sweep orders the removal, and does not wait for it.
		swept(t, e, 5, 2)
		if lines, err := e.read(t.Context(), "state = 'erased'"); err != nil || len(lines) == 1 || t.Failed() {
			break
		}
	}
	if n := left(); n != 0 {
		t.Errorf("%d rows still have the id", n)
	}
	holds(t, e, "---bc", span)
	months, err := e.Months(t.Context(), place)
	if err != nil || len(months) != 1 || months[0].All.Users != 3 {
		t.Errorf("the months are %v, %v, want one with 3 users", months, err)
	}
}

// A server can take a change of a table, and never finish it.
func TestAChangeThatAServerNeverFinishes(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 1), "ab")
	if err := e.first().Exec(t.Context(), "SYSTEM STOP MERGES "+e.local("loads")); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"was ordered, and", "no change of the table loads was ordered"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := e.sweep(ctx, -time.Hour, -time.Hour)
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("sweep %d: %v, want %q", i+1, err, want)
		}
	}
	ordered, err := e.count(t.Context(), "system.mutations", "database = "+literal(e.database))
	if ordered != 1 || err != nil {
		t.Errorf("%d changes were ordered, %v, want 1", ordered, err)
	}
	holds(t, e, "ab", span)
	if err := e.first().Exec(t.Context(), "SYSTEM START MERGES "+e.local("loads")); err != nil {
		t.Fatal(err)
	}
	swept(t, e, 2, 1)
	holds(t, e, "ab", span)
}

// A process sleeps after it has written the last lines of a change, until another one has removed
// that of the load.
func TestAChangeWhoseLoadIsSwept(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 1), "ab")
	loads, err := e.read(t.Context(), "kind = 'load'")
	if err != nil || len(loads) != 1 {
		t.Fatal(loads, err)
	}
	swept(t, e, 2, 1)
	if err := e.confirm(t.Context(), loads[0]); err != nil {
		t.Errorf("the change that holds: %v", err)
	}
	replace(t, e, "abc")
	if err := e.confirm(t.Context(), loads[0]); err == nil || !strings.Contains(err.Error(), "it is unknown") {
		t.Errorf("with a later change: %v", err)
	}
}
