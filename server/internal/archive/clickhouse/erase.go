package clickhouse

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// Erase implements archive.Engine. One insert of lines makes every reading leave out the id and the
// MD5. Then the servers take them out of the rows, which is checked again and again until it is so.
func (e *Engine) Erase(ctx context.Context, sites []string, person string) (int64, error) {
	who := hashOf(e.key, person)
	if who == nobody {
		return 0, nil
	}
	rows, err := e.Count(ctx, archive.Question{Sites: sites, Person: person})
	if err != nil {
		return 0, err
	}
	var lines []line
	version := e.numbers.next(0)
	for _, name := range sites {
		s, err := e.find(ctx, name)
		if err != nil {
			return 0, err
		}
		if s != nil {
			lines = append(lines, line{Site: s.number, Kind: kindErased, Who: who, State: erasing, Version: version})
		}
	}
	if len(lines) == 0 {
		return 0, nil
	}
	if err := e.write(ctx, lines...); err != nil {
		return 0, fmt.Errorf("it is unknown whether the viewer was erased; do it again: %w", err)
	}
	if err := e.blank(context.WithoutCancel(ctx), lines); err != nil {
		slog.WarnContext(ctx, "the archive hides an erased viewer, and removes the id later", "error", err)
	}
	return rows, nil
}

// blank makes the servers remove ids of erased viewers from rows. It does not wait for them.
func (e *Engine) blank(ctx context.Context, lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	condition := (&view{lines: lines}).hidden()
	return e.each(func(conn driver.Conn, table string) error {
		return conn.Exec(ctx, "ALTER TABLE "+e.local(table)+" UPDATE user = '', user_md5 = '' WHERE ("+condition+
			") AND (user != '' OR user_md5 != '')")
	})
}

// each does something with each table of rows of each server.
func (e *Engine) each(do func(conn driver.Conn, table string) error) error {
	for _, conn := range e.shards {
		for _, table := range []string{"licenses", "by_user"} {
			if err := do(conn, table); err != nil {
				return err
			}
		}
	}
	return nil
}
