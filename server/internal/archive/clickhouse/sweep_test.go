package clickhouse

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/internal/clickhouse"
)

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

// A process sleeps after it has written the last lines of a change, until another one has removed that of the load.
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
