package sqldb_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/sqldb"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

const (
	siteA, siteB = "vendors/a/sites/1", "vendors/b/sites/2"
	january      = 1_767_225_600 // 2026-01-01
)

// pass stores rows of users, one a second, from a second on.
func pass(t *testing.T, db *sqldb.DB, site string, from int64, users ...string) archive.Change {
	t.Helper()
	r := archive.Replacement{Site: site, Span: archive.Span{From: from, To: from + 100}, Final: true}
	for i, user := range users {
		r.Rows = append(r.Rows, archive.Row{
			Site: site, Second: from + int64(i), User: user, Device: fmt.Sprint("device ", len(user)),
		})
	}
	change, err := db.Replace(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// know makes the two sites known.
func know(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for _, site := range []string{siteA, siteB} {
		if err := db.SetZone(t.Context(), site, time.UTC); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneProcessOwnsAFile(t *testing.T) {
	dsn := storetest.SQLite(t)
	open(t, dsn)
	if _, err := sqldb.Open(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), "another drmhub uses") {
		t.Errorf("a file is opened a second time: %v", err)
	}
}

func TestAMovedFileIsNotUsed(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := open(t, dsn)
	know(t, db)
	file := strings.TrimPrefix(dsn, "sqlite:")
	if err := os.Rename(file, file+".old"); err != nil {
		t.Fatal(err)
	}
	_, err := db.Sites(t.Context())
	for _, err := range []error{err, db.SetState(t.Context(), siteA, archive.State{Head: 1})} {
		if err == nil || !strings.Contains(err.Error(), "the archive's file "+file+" was moved") {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestDSNsThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	for dsn, want := range map[string]string{
		"":                                   "must begin with sqlite: or postgres://",
		"mysql://u:hunter2@h/d":              "must begin with sqlite: or postgres://",
		"sqlite:":                            "the archive's dsn names no file",
		"sqlite:" + dir:                      "is a directory",
		"postgres://u:hun%ter2@127.0.0.1/d":  "the archive's dsn is not a valid URL",
		"postgres://u:1/hunter2@127.0.0.1/d": "not a valid URL",
		"postgres://u:hunter2@127.0.0.1:1/d": "refused",
		"postgres://u@127.0.0.1:1/?password=hunter2": "refused",
	} {
		_, err := sqldb.Open(t.Context(), dsn)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "unter2") {
			t.Errorf("%q: %v, want %q and no password", dsn, err, want)
		}
	}
}

func TestMemory(t *testing.T) {
	for range 2 {
		db := open(t, "sqlite::memory:")
		know(t, db)
		if change := pass(t, db, siteA, january, "alice"); change.Added != 1 {
			t.Errorf("the first pass is %+v", change)
		}
	}
}

// A call that ends while it runs must not end the connection: the database in memory would be gone.
func TestMemoryOutlivesCallsThatEnd(t *testing.T) {
	db := open(t, "sqlite::memory:")
	know(t, db)
	pass(t, db, siteA, january, "alice")
	r := archive.Replacement{Site: siteB, Span: archive.Span{From: january, To: january + 1000}}
	for i := range 1000 {
		r.Rows = append(r.Rows, archive.Row{Site: siteB, Second: january + int64(i), User: fmt.Sprint(i)})
	}
	for i := range 60 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Microsecond)
		_, _ = db.Replace(ctx, r)
		_, _ = db.Rows(ctx, siteB, r.Span)
		cancel()
		site, err := db.Site(t.Context(), siteB)
		if err != nil || site.Rows != 0 && site.Rows != 1000 {
			t.Fatalf("after a call of %d00 µs: %+v, %v", i, site, err)
		}
	}
	if n, err := db.Count(t.Context(), archive.Question{Sites: []string{siteA}}); n != 1 || err != nil {
		t.Errorf("%d rows are left, %v", n, err)
	}
}

// A pass with nothing new leaves SQLite's files as they are.
func TestNothingNewWritesNothing(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := open(t, dsn)
	know(t, db)
	pass(t, db, siteA, january, "alice", "bob")
	before := files(t, dsn)
	if change := pass(t, db, siteA, january, "bob", "alice"); change.Added != 2 {
		t.Fatalf("the order is new, and the pass is %+v", change)
	}
	changed := files(t, dsn)
	if bytes.Equal(before, changed) {
		t.Error("a pass with news writes nothing")
	}
	pass(t, db, siteA, january, "bob", "alice")
	if !bytes.Equal(changed, files(t, dsn)) {
		t.Error("a pass with nothing new writes")
	}
}

// files returns the content of a database's files.
func files(t *testing.T, dsn string) (all []byte) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(strings.TrimPrefix(dsn, "sqlite:") + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	return all
}

// The id of a viewer leaves the file with the last site that shows it, and when the last row is
// forgotten.
func TestNoTraceOfAnErasedViewer(t *testing.T) {
	const alice, bob = "alice@example.com", "bob@example.com"
	person := func(user string) []byte { sum := md5.Sum([]byte(user)); return sum[:] }
	dsn := storetest.SQLite(t)
	db := open(t, dsn)
	know(t, db)
	pass(t, db, siteA, january, alice, bob)
	pass(t, db, siteB, january, alice)
	holds := func(user string) bool {
		return bytes.Contains(files(t, dsn), []byte(user)) || bytes.Contains(files(t, dsn), person(user))
	}
	for _, site := range []string{siteA, siteB} {
		if !holds(alice) {
			t.Errorf("the id is gone before the rows of %s are erased", site)
		}
		n, err := db.Erase(t.Context(), []string{site}, hex.EncodeToString(person(alice)))
		if err != nil || n != 1 {
			t.Errorf("Erase at %s = %d, %v", site, n, err)
		}
	}
	if change := pass(t, db, siteA, january, alice, bob); change.Kept != 2 {
		t.Errorf("a pass after the erasure is %+v", change)
	}
	if holds(alice) {
		t.Error("the file holds the id or the MD5 of an erased viewer")
	}
	if _, err := db.Forget(t.Context(), siteA, january+50); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(strings.TrimPrefix(dsn, "sqlite:")); err != nil ||
		bytes.Contains(content, []byte(bob)) || bytes.Contains(content, person(bob)) {
		t.Errorf("the file holds a viewer whose rows are forgotten: %v", err)
	}
	open(t, dsn)
}

func TestTheArchiveIsFull(t *testing.T) {
	db := open(t, "sqlite::memory:")
	for i := range archive.MaxSites - 1 {
		if err := db.SetZone(t.Context(), fmt.Sprintf("vendors/a/sites/%d", i), time.UTC); err != nil {
			t.Fatalf("site %d: %v", i, err)
		}
	}
	if err := db.SetZone(t.Context(), siteB, time.UTC); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("one site too many: %v", err)
	}
}

// A key cannot hold every second of a question.
func TestRangesBeyondTheKeys(t *testing.T) {
	db := open(t, "sqlite::memory:")
	know(t, db)
	pass(t, db, siteA, january, "alice")
	pass(t, db, siteA, archive.MaxSecond-200, "bob")
	for _, c := range []struct {
		within archive.Span
		want   int64
	}{
		{archive.Span{}, 2},
		{archive.Span{From: -1 << 62}, 2},
		{archive.Span{To: 1 << 62}, 2},
		{archive.Span{From: archive.MaxSecond - 300}, 1},
		{archive.Span{From: archive.MaxSecond - 300, To: archive.MaxSecond + 1}, 1},
		{archive.Span{From: archive.MaxSecond + 1}, 0},
		{archive.Span{From: 1 << 62}, 0},
		{archive.Span{To: -1}, 0},
		{archive.Span{To: archive.MinSecond}, 0},
	} {
		q := archive.Question{Sites: []string{siteA}, Within: c.within}
		rows, err := db.Search(t.Context(), q, math.MaxInt64, 10)
		n, countErr := db.Count(t.Context(), q)
		_, groups, sumErr := db.Summarize(t.Context(), q, archive.Grouping{
			By: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_USER}, Limit: 1,
		})
		if err := errors.Join(err, countErr, sumErr); err != nil || int64(len(rows)) != c.want || n != c.want ||
			int64(groups) != c.want {
			t.Errorf("%v: %d rows, %d counted, %d groups, %v, want %d", c.within, len(rows), n, groups, err, c.want)
		}
	}
}

func TestAZoneWithoutAName(t *testing.T) {
	db := open(t, "sqlite::memory:")
	if err := db.SetZone(t.Context(), siteA, time.FixedZone("here", 3600)); err == nil {
		t.Error("the archive accepts a zone that it cannot load again")
	}
}

func TestTablesOfALaterVersion(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := open(t, dsn)
	raw, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = raw.ExecContext(t.Context(), "INSERT INTO archive_db_version (version_id, is_applied) VALUES (999, TRUE)")
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = sqldb.Open(t.Context(), dsn)
	if err == nil || !strings.Contains(err.Error(), "the archive's tables belong to a later version") {
		t.Errorf("the error is %v", err)
	}
}

// During an upgrade, the version before still runs on the new tables. So a migration only adds.
func TestUpgradesOnlyAdd(t *testing.T) {
	found, err := filepath.Glob("migrations/*/*.sql")
	if err != nil || len(found) == 0 {
		t.Fatalf("there are no migrations: %v", err)
	}
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		for _, word := range []string{"DROP ", "RENAME ", "ALTER COLUMN", "TRUNCATE "} {
			if strings.Contains(up, word) {
				t.Errorf("%s has %s: the version before cannot go on", file, word)
			}
		}
	}
}
