package sqldb_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// A cutter passes bytes on between drmhub and PostgreSQL, until it cuts the connection.
type cutter struct {
	// before is what drmhub sends last. PostgreSQL does not get it.
	// after is what PostgreSQL gets last. drmhub gets no response to it.
	before, after atomic.Pointer[string]
}

// through returns a DSN of the server of a DSN that leads through the cutter.
func (c *cutter) through(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, address := pgconn.NetworkAddress(server.Host, server.Port)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go c.pass(client, network, address)
		}
	}()
	query := u.Query()
	query.Set("host", "127.0.0.1")
	query.Set("port", strings.TrimPrefix(listener.Addr().String(), "127.0.0.1:"))
	query.Set("sslmode", "disable") // The cutter reads what is sent.
	u.Host, u.RawQuery = "", query.Encode()
	return u.String()
}

func (c *cutter) pass(client net.Conn, network, address string) {
	defer client.Close()
	to, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer to.Close()
	silent := make(chan struct{}) // closed once drmhub gets no more responses
	go func() {
		defer client.Close()
		response := make([]byte, 64<<10)
		for {
			n, err := to.Read(response)
			select {
			case <-silent:
				return
			default:
			}
			if _, failed := client.Write(response[:n]); err != nil || failed != nil {
				return
			}
		}
	}()
	sent := make([]byte, 64<<10)
	for {
		n, err := client.Read(sent)
		if has(sent[:n], &c.before) {
			return
		}
		if has(sent[:n], &c.after) {
			close(silent)
		}
		if _, failed := to.Write(sent[:n]); err != nil || failed != nil {
			return
		}
	}
}

// has reports whether a message has a text, at the first time alone.
func has(message []byte, text *atomic.Pointer[string]) bool {
	p := text.Load()
	return p != nil && bytes.Contains(message, []byte(*p)) && text.CompareAndSwap(p, nil)
}

// An error says what is known of the change.
func TestWhatBecameOfAChange(t *testing.T) {
	dsn := postgres.ForTest(t)
	other := open(t, dsn)
	know(t, other)
	cut := &cutter{}
	db := open(t, cut.through(t, dsn))
	commit, update := "commit\x00", "UPDATE archive_sites"
	for _, c := range []struct {
		name string
		cut  *atomic.Pointer[string]
		at   *string
		want string
		done bool
	}{
		{"the response to the commit is lost", &cut.after, &commit, "unknown whether the change took effect", true},
		{"the commit is lost", &cut.before, &commit, "unknown whether the change took effect", false},
		{"the change is lost", &cut.before, &update, "nothing was changed", false},
	} {
		before, err := other.Site(t.Context(), siteA)
		if err != nil {
			t.Fatal(err)
		}
		head := before.State.Head + 1
		c.cut.Store(c.at)
		err = db.SetState(t.Context(), siteA, archive.State{Head: head})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q", c.name, err, c.want)
		}
		if after, err := other.Site(t.Context(), siteA); err != nil || (after.State.Head == head) != c.done {
			t.Errorf("%s: the head is %d, %v", c.name, after.State.Head, err)
		}
	}
}

// Forget works in steps. When one fails, the error says that those before took effect.
func TestAForgetThatFailsOnTheWay(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := open(t, dsn)
	know(t, db)
	const step = 20_000
	r := archive.Replacement{Site: siteA, Span: archive.Span{From: january, To: january + step + 1}}
	for i := range int64(step + 1) {
		r.Rows = append(r.Rows, archive.Row{Site: siteA, Second: january + i})
	}
	if _, err := db.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	trigger := fmt.Sprintf("CREATE TRIGGER keep BEFORE DELETE ON archive_rows WHEN old.k >= %d "+
		"BEGIN SELECT RAISE(ABORT, 'not this one'); END", archive.Above(january+step))
	if _, err := raw.ExecContext(t.Context(), trigger); err != nil {
		t.Fatal(err)
	}
	n, err := db.Forget(t.Context(), siteA, r.Span.To)
	if n != step || err == nil || !strings.Contains(err.Error(), "has forgotten 20000 rows") ||
		strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("Forget = %d, %v", n, err)
	}
}
