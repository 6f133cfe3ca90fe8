package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/sqldb"
)

// tables returns the partitions of an archive in PostgreSQL.
func tables(t *testing.T, dsn string) (names []string) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(),
		"SELECT relname FROM pg_class WHERE relname LIKE 'archive_rows_2%' AND relkind = 'r' ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// Two replicas share partitions: one drops what the other one still knows.
func TestPartitions(t *testing.T) {
	dsn := postgres.ForTest(t)
	one, other := open(t, dsn), open(t, dsn)
	month := func(i int) string {
		now := time.Now().UTC()
		return time.Date(now.Year(), now.Month()+time.Month(i), 1, 0, 0, 0, 0, time.UTC).Format("archive_rows_200601")
	}
	made := tables(t, dsn)
	for i := range 3 {
		if !slices.Contains(made, month(i)) {
			t.Errorf("%s is not made ahead: %v", month(i), made)
		}
	}
	know(t, one)
	pass(t, one, siteA, january, "alice")
	pass(t, other, siteB, january, "alice")
	for _, site := range []string{siteA, siteB} {
		if !slices.Contains(tables(t, dsn), "archive_rows_202601") {
			t.Errorf("the partition is gone before %s has forgotten its rows", site)
		}
		if n, err := one.Forget(t.Context(), site, january+31*86400); n != 1 || err != nil {
			t.Errorf("Forget(%s) = %d, %v", site, n, err)
		}
	}
	if slices.Contains(tables(t, dsn), "archive_rows_202601") {
		t.Error("an old partition without rows is still there")
	}
	if change := pass(t, other, siteB, january, "alice"); change.Added != 1 {
		t.Errorf("a pass into the dropped partition is %+v", change)
	}
}

// Two replicas make the same passes at the same time.
func TestReplicasMakeTheSamePass(t *testing.T) {
	dsn := postgres.ForTest(t)
	one, other := open(t, dsn), open(t, dsn)
	know(t, one)
	var all sync.WaitGroup
	added := make(chan int, 40)
	for i := range 20 {
		site := []string{siteA, siteB}[i%2]
		for _, db := range []*sqldb.DB{one, other} {
			all.Go(func() {
				r := archive.Replacement{Site: site, Span: archive.Span{From: january, To: january + 100}}
				for n := range 50 {
					user := fmt.Sprint("user ", (n*7+i/2)%60)
					r.Rows = append(r.Rows, archive.Row{Site: site, Second: january + int64(n), User: user, Code: user})
				}
				change, err := db.Replace(t.Context(), r)
				if err != nil {
					t.Error(err)
				}
				added <- change.Added - change.Removed
			})
		}
	}
	all.Wait()
	close(added)
	total := 0
	for n := range added {
		total += n
	}
	for _, site := range []string{siteA, siteB} {
		months, err := other.Months(t.Context(), site)
		if err != nil || len(months) != 1 || months[0].All.Rows != 50 || months[0].All.Users != 50 {
			t.Errorf("%s has the months %+v, %v", site, months, err)
		}
	}
	if total != 100 {
		t.Errorf("the passes added %d rows, want 100", total)
	}
}

// A search that waits for the database must not make another one wait beyond its own time.
func TestASearchEndsWhileAnotherOneWaits(t *testing.T) {
	dsn := postgres.ForTest(t)
	db := open(t, dsn)
	know(t, db)
	pass(t, db, siteA, january, "alice")
	other, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	locked, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Rollback()
	if _, err := locked.ExecContext(t.Context(), "LOCK TABLE archive_meta"); err != nil {
		t.Fatal(err)
	}
	search := func(ctx context.Context) error {
		_, err := db.Search(ctx, archive.Question{Sites: []string{siteA}}, math.MaxInt64, 10)
		return err
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- search(t.Context()) }()
	for waiting := 0; waiting == 0; {
		row := other.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_locks "+
			"WHERE NOT granted AND relation = 'archive_meta'::regclass")
		if err := row.Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	go func() { second <- search(ctx) }()
	select {
	case err := <-second:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the second search ends with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the second search waits for the first one")
	}
	if err := locked.Rollback(); err != nil {
		t.Error(err)
	}
	if err := <-first; err != nil {
		t.Errorf("the first search ends with %v", err)
	}
}
