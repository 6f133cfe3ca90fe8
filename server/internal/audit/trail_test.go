package audit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// noon is when the tests' events happen.
var noon = time.Date(2026, 5, 17, 12, 0, 0, 123456789, time.UTC)

// appendAt adds an event to a chain, so many minutes after noon.
func appendAt(t *testing.T, db *store.DB, chain string, minutes int, e audit.Event) (kept audit.Event) {
	t.Helper()
	err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error {
		audit.NewTrail(chain).Append(tx, noon.Add(time.Duration(minutes)*time.Minute), e, &kept)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func verify(t *testing.T, db *store.DB) (chains []audit.Chain, err error) {
	t.Helper()
	err = audit.Verify(t.Context(), db, func(c audit.Chain) { chains = append(chains, c) })
	return chains, err
}

func verified(t *testing.T, db *store.DB) string {
	t.Helper()
	chains, err := verify(t, db)
	if err != nil {
		t.Fatal(err)
	}
	return said(chains)
}

// said is what was found out about chains, without their heads.
func said(chains []audit.Chain) (text string) {
	for _, c := range chains {
		text += fmt.Sprintf("%s %d", c.ID, c.Events)
		if c.Damage != "" {
			text += fmt.Sprintf(" %s %d", c.Damage, c.Position)
		}
		text += "\n"
	}
	return text
}

func TestAChainGrows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		first := appendAt(t, db, "a", 0, ordinary)
		want := ordinary
		want.Chain, want.Position, want.Time, want.Hash = "a", 1, noon.Truncate(time.Microsecond), first.Hash
		if first != want || len(first.Hash) != 64 {
			t.Errorf("got %+v, want %+v", first, want)
		}
		again := first // what is the trail's to set is not the caller's
		again.Hash = "made up"
		second := appendAt(t, db, "a", 0, again)
		if second.Position != 2 || second.PreviousHash != first.Hash || second.Hash == first.Hash {
			t.Errorf("got %+v after %+v", second, first)
		}
		other := appendAt(t, db, "b", 0, first)
		if other.Position != 1 || other.PreviousHash != "" || other.Hash == first.Hash {
			t.Errorf("another replica's: %+v", other)
		}
		if got := verified(t, db); got != "a 2\nb 1\n" {
			t.Error(got)
		}
	})
}

func TestRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		trail := audit.NewTrail("a")
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				kept, err := trail.Record(t.Context(), db, audit.Event{Subject: "s"})
				if err != nil || kept.Hash == "" {
					t.Errorf("%+v, %v", kept, err)
				}
			})
		}
		all.Wait()
		cut := errors.New("cut")
		db.SetHooks(store.Hooks{BeforeCommit: func() error { return cut }})
		if kept, err := trail.Record(t.Context(), db, audit.Event{Subject: "s"}); !errors.Is(err, cut) {
			t.Errorf("what cannot be kept: %v", err)
		} else if held, err := trail.Holds(t.Context(), db, kept); held || err != nil {
			t.Errorf("what could not be kept is held: %v, %v", held, err)
		}
		db.SetHooks(store.Hooks{AfterCommit: func() error { return cut }})
		kept, err := trail.Record(t.Context(), db, audit.Event{Subject: "s"})
		if !errors.Is(err, cut) {
			t.Errorf("what is kept, and nobody says so: %v", err)
		}
		db.SetHooks(store.Hooks{})
		if held, err := trail.Holds(t.Context(), db, kept); !held || err != nil {
			t.Errorf("what is kept, though nobody said so, is not held: %v", err)
		}
		if got := verified(t, db); got != "a 51\n" {
			t.Error(got)
		}
	})
}

// PostgreSQL keeps no NUL, and JSON nothing but UTF-8: what comes from a caller or a vendor must
// not keep an event from being recorded.
func TestTextThatNotEveryDatabaseKeeps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		kept := appendAt(t, db, "a", 0, audit.Event{Subject: "s\x00t", Resource: "\xff", VendorCode: "한국어 '\"\n"})
		if kept.Subject != "s\uFFFDt" || kept.Resource != "\uFFFD" || kept.VendorCode != "한국어 '\"\n" {
			t.Errorf("%+v", kept)
		}
		if got := verified(t, db); got != "a 1\n" {
			t.Error(got)
		}
	})
}
