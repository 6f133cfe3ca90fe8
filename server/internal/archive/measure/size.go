package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// sizes are the queries for the bytes of a database on the disk, by the scheme of its DSN. SQLite
// has a file.
var sizes = map[string]string{
	"postgres":   "SELECT pg_database_size($1)",
	"clickhouse": "SELECT toInt64(sum(bytes_on_disk)) FROM system.parts WHERE active AND database = ?",
}

// size reports what each of these rows takes on the disk, with all indexes and counts. Of several
// servers, the query would see one, so it reports nothing then.
func (m *measurement) size(ctx context.Context, rows int) error {
	scheme, path, _ := strings.Cut(m.dsn, ":")
	var bytes int64
	switch u, err := url.Parse(m.dsn); {
	case scheme == "sqlite":
		file, err := os.Stat(path)
		if err != nil {
			return err
		}
		bytes = file.Size()
	case err != nil:
		return err
	case strings.Contains(u.Host, ","):
		return nil
	default:
		row := m.raw.db.QueryRowContext(ctx, sizes[scheme], strings.TrimPrefix(u.Path, "/"))
		if err := row.Scan(&bytes); err != nil {
			return fmt.Errorf("the size of the archive: %w", err)
		}
	}
	return m.report(Figure{Name: "a row on the disk", Engine: float64(bytes) / float64(rows), Unit: "bytes"})
}
