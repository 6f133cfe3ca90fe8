// Package sqldb keeps the archive in SQLite, in a file of its own, or in PostgreSQL, where several
// replicas share it. Both get the same statements where that serves. Parameters are written as ?.
//
// Texts, persons and shapes are numbers in rows, and lie in dictionaries. A shape is all that rows
// have in common. Counts by hour, day and month are kept beside the rows, in the same transaction.
package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/database"
)

//go:embed migrations
var migrations embed.FS

// use says in errors what the database is for.
const use = "archive"

// A DB is an open archive. It is safe for concurrent use.
type DB struct {
	reader        // of what the archive holds at each statement
	reads, writes *sql.DB
	dialect       goose.Dialect
	file          *database.File // nil unless the database is a file
	writing       chan struct{}  // holds the token of the one transaction that writes
	// What follows belongs to the holder of the token.
	codes         *codes
	prepared      map[string]*sql.Stmt // until the connection is closed
	sinceTruncate int                  // rows written since the WAL was emptied

	memory     memory // of reads
	partitions partitions
}

var _ archive.Engine = (*DB)(nil)

// Open opens the database that dsn names, and updates its tables to this version:
//
//	sqlite:FILE       a file; Open creates it if it is missing, and only its owner can read it. One
//	                  process can have it open
//	sqlite::memory:   a database that exists while it is open
//	postgres://…      a PostgreSQL server
//
// Errors contain no password. ctx bounds the opening only.
func Open(ctx context.Context, dsn string) (*DB, error) {
	d := &DB{writing: make(chan struct{}, 1), codes: newCodes(), prepared: map[string]*sql.Stmt{}}
	var err error
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "sqlite":
		d.dialect = goose.DialectSQLite3
		err = d.openSQLite(rest)
	case "postgres", "postgresql":
		d.dialect = goose.DialectPostgres
		err = d.openPostgres(dsn)
	default:
		err = errors.New("the archive's dsn must begin with sqlite: or postgres://")
	}
	if err != nil {
		return nil, err
	}
	d.reader = reader{d, d.reads}
	if err := d.prepare(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// prepare brings the tables up to this version, and makes the partitions of the next months.
func (d *DB) prepare(ctx context.Context) error {
	folder := "migrations/sqlite"
	if d.isPostgres() {
		folder = "migrations/postgres"
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return err
	}
	tables := database.Tables{Use: use, Versions: "archive_db_version", Migrations: files}
	if err := tables.Migrate(ctx, d.dialect, d.writes); err != nil {
		return err
	}
	if err := d.makeKey(ctx); err != nil {
		return err
	}
	if d.file != nil {
		return d.file.Watch(ctx, d.reads)
	}
	return d.makePartitions(ctx, nil)
}

// Close ends the use of the archive. It waits for the transaction that writes.
func (d *DB) Close() error {
	d.writing <- struct{}{}
	defer func() { <-d.writing }()
	err := errors.Join(d.file.Release(), d.reads.Close())
	if d.reads != d.writes {
		err = errors.Join(err, d.writes.Close())
	}
	return errors.Join(err, d.file.Close())
}

func (d *DB) isPostgres() bool { return d.dialect == goose.DialectPostgres }

// sql returns a statement as the database wants it.
func (d *DB) sql(query string) string {
	if !d.isPostgres() {
		return query
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

func scanInts(rows *sql.Rows, each func([]int64)) error {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]int64, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = (*number)(&values[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		each(values)
	}
	return rows.Err()
}

// A number is a column. database/sql reads it faster than an int64, for which it needs reflection.
type number int64

// Scan implements sql.Scanner.
func (n *number) Scan(value any) error {
	v, ok := value.(int64)
	if !ok {
		return errors.New("the archive holds something else where a number belongs")
	}
	*n = number(v)
	return nil
}

// list returns numbers as SQL writes them in a list.
func list(ids []int64) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	return b.String()
}
