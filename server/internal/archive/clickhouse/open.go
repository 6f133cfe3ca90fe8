// Package clickhouse keeps the archive in ClickHouse, on one server or on several as shards, over
// its native protocol. It needs nothing that ClickHouse 18.16 lacks.
//
// ClickHouse has no transactions. So rows are written as a load, which has a number, and a table
// called loads says which loads do not count. Every question carries those as literals. A change
// takes effect by one insert of one block into that table, which the server does as a whole or not
// at all. See ledger.go for the lines of the table, and change.go for the order of the steps.
//
// Rows are kept twice: sorted by site and key, and sorted by viewer and key. A viewer is kept as a
// keyed hash of the MD5 of the id. By it viewers are counted and found, and it stays when a viewer
// is erased, so that all figures stay.
package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	clickhouse "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// An Engine is the archive in one database, which has the same name on all servers.
type Engine struct {
	// shards are the servers, each with a part of the rows. The first also has the other tables.
	shards   []driver.Conn
	database string
	// everywhere is the text of a table of all servers, with %s for its name.
	everywhere string
	key        []byte // of the hashes of viewers

	numbers numbers
	locks   sync.Map // of chan struct{}, by the number or the name of a site
	known   known
	months  sync.Map // of months by the name of the site
	stop    context.CancelFunc
	swept   sync.WaitGroup
}

var _ archive.Engine = (*Engine)(nil)

// errDSN shows no part of the DSN, which can hold a password.
var errDSN = errors.New("archive.dsn must be clickhouse://user:password@host:9000/database; several hosts are shards")

// Open opens the archive in the database that a DSN names:
//
//	clickhouse://user:password@host:9000,host:9000/database
//
// It makes the database and its tables if they are missing. Further parameters are those of the
// driver, such as secure=true, and settings of ClickHouse. Each host is a shard, and the first must
// stay the first. With several hosts, the first sends the questions on to the others. It reaches
// them at the same addresses, without a password, or as the cluster that the parameter cluster
// names.
func Open(ctx context.Context, dsn string) (*Engine, error) {
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil || !strings.HasPrefix(dsn, "clickhouse://") || options.Protocol != clickhouse.Native {
		return nil, errDSN
	}
	e := &Engine{database: options.Auth.Database}
	if e.database == "" {
		e.database = "default"
	}
	cluster, _ := options.Settings["cluster"].(string)
	delete(options.Settings, "cluster")
	if e.everywhere, err = everywhere(options, e.database, cluster); err != nil {
		return nil, err
	}
	if err := e.connect(options); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if err := e.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the archive in ClickHouse: %w", err), e.Close())
	}
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	e.swept.Go(func() { e.sweepNowAndThen(ctx) })
	return e, nil
}

// everywhere returns the text of a table of all servers. A password must not be in it, because the
// servers log the text of every question.
func everywhere(options *clickhouse.Options, database, cluster string) (string, error) {
	name := "`" + strings.ReplaceAll(database, "`", "") + "`"
	switch {
	case len(options.Addr) == 1:
		return name + ".%s", nil
	case cluster != "":
		return "cluster(" + literal(cluster) + ", " + literal(database) + ", '%s')", nil
	case options.Auth.Password != "":
		return "", errors.New("archive.dsn has several hosts and a password, so it must also have " +
			"cluster=NAME, the servers' own name for them all: see remote_servers in ClickHouse's configuration")
	}
	function := "remote("
	if options.TLS != nil {
		function = "remoteSecure("
	}
	return function + literal(strings.Join(options.Addr, ",")) + ", " + literal(database) + ", '%s', " +
		literal(options.Auth.Username) + ")", nil
}

func (e *Engine) connect(options *clickhouse.Options) error {
	for _, address := range options.Addr {
		one := *options
		one.Addr = []string{address}
		one.Auth.Database = "" // It may have to be made.
		one.MaxOpenConns, one.MaxIdleConns = 20, 10
		one.Settings = clickhouse.Settings{"max_query_size": 1 << 24} // Questions carry lists.
		maps.Copy(one.Settings, options.Settings)
		if one.Compression == nil {
			one.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
		}
		conn, err := clickhouse.Open(&one)
		if err != nil {
			return errDSN
		}
		e.shards = append(e.shards, conn)
	}
	return nil
}

// Close ends the use of the archive.
func (e *Engine) Close() error {
	if e.stop != nil {
		e.stop()
	}
	e.swept.Wait()
	var all []error
	for _, conn := range e.shards {
		all = append(all, conn.Close())
	}
	return errors.Join(all...)
}

// first is the server that has the ledger.
func (e *Engine) first() driver.Conn { return e.shards[0] }

// local is the text of a table on one server.
func (e *Engine) local(table string) string {
	return "`" + strings.ReplaceAll(e.database, "`", "") + "`." + table
}

// all is the text of a table on all servers.
func (e *Engine) all(table string) string { return fmt.Sprintf(e.everywhere, table) }

// query calls scan for each row that a question to the first server returns.
func (e *Engine) query(ctx context.Context, text string, scan func(row func(into ...any) error) error) error {
	return query(ctx, e.first(), text, scan)
}

func query(ctx context.Context, conn driver.Conn, text string, scan func(row func(into ...any) error) error) error {
	rows, err := conn.Query(ctx, text)
	if err != nil {
		return fmt.Errorf("ClickHouse cannot tell: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong.
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// literal returns a text as ClickHouse reads it in a question.
func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(text) + "'"
}

// numbers makes numbers that grow, of loads and of versions. They are times in nanoseconds, so that
// those of several processes grow together.
type numbers struct {
	mu   sync.Mutex
	last uint64
}

// next returns an even number greater than all that it has returned, and than above. The number
// after it is free, too.
func (n *numbers) next(above uint64) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = max(uint64(time.Now().UnixNano()), n.last+2, above+2) &^ 1
	return n.last
}
