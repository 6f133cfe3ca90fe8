package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// exec returns a write of one statement.
func exec(query string, args ...any) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}
}

// put returns a write of one row.
func put(name string) func(context.Context, *store.Tx) error {
	return exec("INSERT INTO keys (name, value) VALUES ($1, $2)", name, []byte{0, 255})
}

// mustWrite makes a write that must not fail.
func mustWrite(t *testing.T, db *store.DB, do func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), do); err != nil {
		t.Error(err)
	}
}

// wantNames checks which rows are in the database. want has their names in the order of their
// bytes.
func wantNames(t *testing.T, when string, db *store.DB, want string) {
	t.Helper()
	if got := names(t, db); got != want {
		t.Errorf("%s: the database holds %q, want %q", when, got, want)
	}
}

// names returns the names of the rows in the database, in the order of their bytes.
func names(t *testing.T, db *store.DB) string {
	t.Helper()
	return strings.Join(storetest.Texts(t, db, "SELECT name FROM keys ORDER BY name"), " ")
}

func TestWhatIsWrittenIsThereAfterReopening(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		for i, name := range []string{"a", "b", "c"} { // Only the first run creates the tables.
			db, err := store.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			mustWrite(t, db, put(name))
			wantNames(t, "after the write of "+name, db, "a b c"[:2*i+1])
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestMemoryIsGoneWhenItIsClosed(t *testing.T) {
	for range 2 {
		db := storetest.Open(t, store.Memory)
		mustWrite(t, db, put("a"))
		wantNames(t, "at the end", db, "a")
	}
}

func TestReplicasThatStartTogether(t *testing.T) {
	dsn := postgres.ForTest(t)
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		all.Go(func() {
			db, err := store.Open(t.Context(), dsn)
			if err != nil {
				t.Error(err)
				return
			}
			mustWrite(t, db, put(name))
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	wantNames(t, "at the end", storetest.Open(t, dsn), "a b c d")
}

// TestOneProcessOwnsAFile opens a file a second time, by its name, a symbolic link and a hard link.
func TestOneProcessOwnsAFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "a.db"), filepath.Join(dir, "link.db")
	db, err := store.Open(t.Context(), "sqlite:"+file)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, db, put("a"))
	mustWrite(t, db, exec("INSERT INTO replicas (id, alive_until) VALUES ('dead', $1)", int64(1)<<60))
	if err := os.Symlink("a.db", link); err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	for _, name := range []string{file, link} {
		_, err := store.Open(t.Context(), "sqlite:"+name)
		want := fmt.Sprintf("process %d on %s since ", os.Getpid(), host)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is opened a second time: %v", name, err)
		}
		view, err := store.View(t.Context(), "sqlite:"+name)
		if err != nil {
			t.Fatal(err)
		}
		wantNames(t, "as another process sees "+name, view, "a")
		if err := view.Close(); err != nil {
			t.Error(err)
		}
	}
	mustWrite(t, db, put("b"))
	hard := filepath.Join(t.TempDir(), "hard.db")
	if err := os.Link(file, hard); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), "sqlite:"+hard); err == nil || !strings.Contains(err.Error(), "2 names") {
		t.Errorf("a hard link is opened: %v", err)
	}
	if err := errors.Join(os.Remove(hard), db.Close()); err != nil {
		t.Error(err)
	}
	next := storetest.Open(t, "sqlite:"+link)
	wantNames(t, "the next owner", next, "a b")
	if dead := storetest.Texts(t, next, "SELECT id FROM replicas"); len(dead) > 0 {
		t.Errorf("the next owner waits for the leases of %v", dead)
	}
}

func TestReadsDoNotWaitForAWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		mustWrite(t, db, put("a"))
		written, read, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				err := put("b")(ctx, tx)
				close(written)
				<-read
				return err
			})
		}()
		<-written
		wantNames(t, "before the commit", db, "a")
		close(read)
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantNames(t, "after the write", db, "a b")
	})
}

func TestReadsCannotWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db, name := storetest.Open(t, dsn), ""
		mustWrite(t, db, put("a"))
		const query = "DELETE FROM keys RETURNING name"
		if err := db.Reads().QueryRowContext(t.Context(), query).Scan(&name); err == nil {
			t.Error("a query deleted rows")
		}
		wantNames(t, "at the end", db, "a")
	})
}

func TestView(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		if db, err := store.View(t.Context(), dsn); err == nil {
			t.Error("View opened a database that does not exist", db.Close())
		}
		if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
			if _, err := os.Stat(file); err == nil {
				t.Error("View created the file")
			}
		}
		db := storetest.Open(t, dsn)
		mustWrite(t, db, put("a"))
		view, err := store.View(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		wantNames(t, "at the end", view, "a")
		if err := view.Write(t.Context(), put("b")); err != store.ErrClosed {
			t.Errorf("a write to a view: %v", err)
		}
		if err := view.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTablesOfAnotherVersion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, db, exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, TRUE)"))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		type opener = func(context.Context, string) (*store.DB, error)
		for name, open := range map[string]opener{"Open": store.Open, "View": store.View} {
			_, err := open(t.Context(), dsn)
			if err == nil || !strings.Contains(err.Error(), "later version of drmhub (their version is 999") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestDSNsThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	letter := []byte(strings.Repeat("Dear database, ", 100))
	if err := os.WriteFile(filepath.Join(dir, "letter.txt"), letter, 0o600); err != nil {
		t.Fatal(err)
	}
	for dsn, want := range map[string]string{
		"":                                                "must begin with sqlite: or postgres://",
		"drmhub.db":                                       "must begin with sqlite: or postgres://",
		"mysql://u:hunter2@h/d":                           "must begin with sqlite: or postgres://",
		"host=h password=hunter2":                         "must begin with sqlite: or postgres://",
		"sqlite:":                                         "names no file",
		"sqlite://drmhub.db":                              "names no file",
		"sqlite::memory:?cache=shared":                    "names no file",
		"sqlite:" + dir:                                   "is a directory",
		"sqlite:" + dir + "/absent/drmhub.db":             "no such file or directory",
		"sqlite:" + dir + "/letter.txt":                   "not a database",
		"postgres://u:hun%ter2@127.0.0.1/d":               "not a valid URL",
		"postgres://u:1/hunter2@127.0.0.1/d":              "not a valid URL",
		"postgres://u:hunter2@127.0.0.1:port/d":           "not a valid URL",
		"postgres://u:hunter2@127.0.0.1:1/d":              "refused",
		"postgres://u@127.0.0.1:1/d?password=hunter2":     "refused",
		"postgresql://u:hunter2@/d?host=" + dir:           "no such file or directory",
		"postgres://u:hunter2@127.0.0.1/d?sslmode=always": "not a valid URL",
	} {
		db, err := store.Open(t.Context(), dsn)
		if err == nil {
			t.Errorf("%q is accepted", dsn)
			_ = db.Close()
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "unter2") {
			t.Errorf("%q: %v, want %q and no password", dsn, err, want)
		}
	}
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		if db, err := store.Open(ctx, dsn); err == nil {
			t.Error("opened", db.Close())
		}
	})
}

func TestPostgresWaitsForTheDisk(t *testing.T) {
	dsn := postgres.ForTest(t)
	db := storetest.Open(t, dsn+"&synchronous_commit=off&default_transaction_isolation=serializable")
	var waits, isolation, limit string
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT current_setting('synchronous_commit'),
			current_setting('transaction_isolation'),
			current_setting('idle_in_transaction_session_timeout')`).Scan(&waits, &isolation, &limit)
	})
	if err != nil || waits != "on" || isolation != "read committed" {
		t.Errorf("synchronous_commit %s, isolation %s, %v", waits, isolation, err)
	}
	if d, err := time.ParseDuration(limit); err != nil || d <= 0 || d > time.Minute {
		t.Errorf("a process that freezes keeps its locks for %s", limit)
	}
}
