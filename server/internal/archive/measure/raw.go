package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	_ "github.com/ClickHouse/clickhouse-go/v2" // the driver "clickhouse"
	_ "github.com/jackc/pgx/v5/stdlib"         // the driver "pgx"
	_ "modernc.org/sqlite"                     // the driver "sqlite"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// raw is the yardstick: tables in the same kind of database. The table "raw" has numbers and one
// index. Its texts are numbered in this process, and no query turns them back. So the comparison
// favors raw SQL. The table "texts" has the rows as they are, with the indexes that the searches of
// the archive need. It is only filled.
type raw struct {
	db      *sql.DB
	dialect dialect
	numbers map[string]int64
	next    map[place]int // the next ordinal
}

// batch is the number of rows of an INSERT.
const batch = 100

// columns are the columns of the table, the key first.
var columns = []string{"k", "site", "usr", "device", "content", "drm", "status", "code", "model", "platform", "way"}

// A dialect is how a kind of database writes what differs.
type dialect struct {
	driver  string
	key     string // the type of the key
	number  string // the type of the others
	end     string // of the statement that makes the table
	index   bool   // the table needs indexes
	text    string // the type of a text
	numbers bool   // placeholders are $1, $2 …
	columns bool   // an INSERT takes rows one by one and sends them as columns
	div     string // divides two integers
}

var indexes = []string{
	"CREATE INDEX raw_usr ON raw (usr, k)", "CREATE INDEX texts_usr ON texts (usr, k)",
	"CREATE INDEX texts_site ON texts (site, k)", "CREATE INDEX texts_device ON texts (device, k)",
	"CREATE INDEX texts_failed ON texts (content, k) WHERE status = 2",
}

var dialects = map[string]dialect{
	"sqlite": {
		driver: "sqlite", index: true, div: "((%s) / %s)",
		key: "INTEGER PRIMARY KEY", number: "INTEGER NOT NULL", text: "TEXT NOT NULL",
	},
	"postgres": {
		driver: "pgx", index: true, div: "((%s) / %s)", numbers: true,
		key: "BIGINT PRIMARY KEY", number: "INTEGER NOT NULL", text: "TEXT NOT NULL",
	},
	"clickhouse": {
		driver: "clickhouse", div: "intDiv(%s, %s)", columns: true,
		key: "Int64", number: "Int32", text: "String", end: " ENGINE = MergeTree ORDER BY k",
	},
}

func openRaw(ctx context.Context, dsn string) (r *raw, err error) {
	scheme, path, _ := strings.Cut(dsn, ":")
	d, ok := dialects[scheme]
	if !ok {
		return nil, fmt.Errorf("there is no raw SQL for %q", scheme)
	}
	r = &raw{dialect: d, numbers: map[string]int64{"": 0}, next: map[place]int{}}
	if scheme == "sqlite" {
		dsn = "file:" + path + "?_pragma=journal_mode(wal)&_pragma=synchronous(1)&_pragma=temp_store(2)" +
			"&_pragma=cache_size(-65536)"
	}
	if r.db, err = sql.Open(d.driver, dsn); err != nil {
		return nil, err
	}
	r.db.SetMaxOpenConns(1)
	statements := []string{d.table("raw", d.number), d.table("texts", d.text)}
	if d.index {
		statements = append(statements, indexes...)
	}
	for _, statement := range statements {
		if _, err := r.db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, r.db.Close())
		}
	}
	return r, nil
}

// table makes a table whose texts have a type.
func (d dialect) table(name, text string) string {
	all := []string{"k " + d.key}
	for _, column := range columns[1:] {
		if column == "drm" || column == "status" {
			all = append(all, column+" "+d.number)
		} else {
			all = append(all, column+" "+text)
		}
	}
	return "CREATE TABLE " + name + " (" + strings.Join(all, ", ") + ")" + d.end
}

// insertOf returns an INSERT of this number of rows.
func (r *raw) insertOf(table string, rows int) string {
	var values strings.Builder
	for i := range rows * len(columns) {
		switch {
		case i == 0:
			values.WriteString("(")
		case i%len(columns) == 0:
			values.WriteString("), (")
		default:
			values.WriteString(", ")
		}
		if r.dialect.numbers {
			fmt.Fprintf(&values, "$%d", i+1)
		} else {
			values.WriteString("?")
		}
	}
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + values.String() + ")"
}

// number returns the number of a text.
func (r *raw) number(kind, text string) int64 {
	n, ok := r.numbers[kind+text]
	if !ok {
		n = int64(len(r.numbers))
		r.numbers[kind+text] = n
	}
	return n
}

// key returns a key for a row. Each row of a table must have another.
func (r *raw) key(table string, row archive.Row) int64 {
	site := r.number("site ", row.Site)
	r.next[place{table, row.Second, site}]++
	return int64(archive.NewKey(row.Second, int(site%archive.MaxSites), r.next[place{table, row.Second, site}]-1))
}

type place struct {
	table        string
	second, site int64
}

// code returns the rows as values of INSERTs into raw.
func (r *raw) code(rows []archive.Row) []any {
	out := make([]any, 0, len(rows)*len(columns))
	for _, row := range rows {
		out = append(out, r.key("raw", row))
		for _, n := range []int64{
			r.number("site ", row.Site), r.number("user ", row.Person()), r.number("device ", row.Device),
			r.number("content ", row.Content), int64(row.DRM), int64(row.Status), r.number("code ", row.Code),
			r.number("model ", row.Model), r.number("platform ", row.Platform), r.number("way ", row.Integration),
		} {
			out = append(out, int32(n))
		}
	}
	return out
}

// texts returns the rows as values of INSERTs into texts.
func (r *raw) texts(rows []archive.Row) []any {
	out := make([]any, 0, len(rows)*len(columns))
	for _, row := range rows {
		out = append(out, r.key("texts", row), row.Site, row.User+row.UserMD5, row.Device, row.Content,
			int32(row.DRM), int32(row.Status), row.Code, row.Model, row.Platform, row.Integration)
	}
	return out
}

// store inserts values in one transaction.
func (r *raw) store(ctx context.Context, table string, values []any) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	rows, query := batch, r.insertOf(table, batch)
	if r.dialect.columns {
		rows, query = 1, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+")"
	}
	insert, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer insert.Close() //nolint:errcheck // It ends with its transaction.
	for size := rows * len(columns); len(values) >= size; values = values[size:] {
		if _, err := insert.ExecContext(ctx, values[:size]...); err != nil {
			return err
		}
	}
	if len(values) > 0 {
		if _, err := tx.ExecContext(ctx, r.insertOf(table, len(values)/len(columns)), values...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// div is the quotient of two integers in SQL.
func (r *raw) div(a, b string) string { return fmt.Sprintf(r.dialect.div, a, b) }

// read runs a query with numbers as arguments, and reads all rows. It returns their number.
func (r *raw) read(ctx context.Context, query string, args ...any) (n int, err error) {
	if r.dialect.numbers {
		for i := range args {
			query = strings.Replace(query, "?", fmt.Sprintf("$%d", i+1), 1)
		}
	}
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	values, into := make([]int64, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return 0, err
		}
		n++
	}
	return n, rows.Err()
}
