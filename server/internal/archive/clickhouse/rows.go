package clickhouse

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// The bounds of one insert. An insert makes a part for each month, and servers refuse more than
// 100.
const (
	maxBlockRows   = 100_000
	maxBlockMonths = 90
)

// licenseToken is the MD5 of what PallyCon shows as the viewer of all licenses that a service asks
// for without a viewer's id. Its rows would make one shard much larger than the others.
var licenseToken = archive.Person("LICENSETOKEN")

// shard returns the server that a row goes to. All rows of a viewer go to one. Any choice is right,
// since all servers are asked.
func (e *Engine) shard(r *record) int {
	number := binary.BigEndian.Uint64([]byte(r.who))
	if r.who == nobody || r.who == hashOf(e.key, licenseToken) {
		of := fnv.New64a()
		of.Write([]byte(r.Device))
		number = of.Sum64()
	}
	return int(number % uint64(len(e.shards)))
}

// insert writes rows to their servers.
func (e *Engine) insert(ctx context.Context, rows []record, load uint64) error {
	slices.SortFunc(rows, func(a, b record) int { return cmp.Compare(a.Key, b.Key) })
	parts := make([][]record, len(e.shards))
	if len(parts) == 1 {
		parts[0] = rows
	} else {
		for i := range rows {
			at := e.shard(&rows[i])
			parts[at] = append(parts[at], rows[i])
		}
	}
	all, ctx := errgroup.WithContext(ctx)
	for i, part := range parts {
		all.Go(func() error {
			for len(part) > 0 {
				block := part[:blockEnd(part)]
				part = part[len(block):]
				if err := e.insertBlock(ctx, e.shards[i], block, load); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

func blockEnd(rows []record) int {
	last := rows[0].Second + maxBlockMonths*28*86400
	for i := range rows {
		if i == maxBlockRows || rows[i].Second > last {
			return i
		}
	}
	return len(rows)
}

func (e *Engine) insertBlock(ctx context.Context, conn driver.Conn, rows []record, load uint64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+e.local("licenses")+" ("+rowColumns+")")
	if err != nil {
		return err
	}
	for i, column := range columns(rows, load) {
		if err := batch.Column(i).Append(column); err != nil {
			_ = batch.Abort()
			return err
		}
	}
	return batch.Send()
}

// columns returns the columns of rowColumns.
func columns(rows []record, load uint64) []any {
	n := len(rows)
	keys, sites, drm, status, loads := make([]int64, n), make([]uint16, n), make([]int32, n), make([]int32, n),
		make([]uint64, n)
	texts := make([][]string, 11)
	for i := range texts {
		texts[i] = make([]string, n)
	}
	for i := range rows {
		r := &rows[i]
		keys[i], sites[i], drm[i], status[i], loads[i] = int64(r.Key), uint16(r.Key.Site()), int32(r.DRM),
			int32(r.Status), load
		for at, text := range [...]string{
			r.who, r.User, r.UserMD5, r.Content, r.Device, r.Code, r.Model, r.Platform, r.Integration, r.VendorDRM,
			r.VendorStatus,
		} {
			texts[at][i] = text
		}
	}
	out := []any{keys, sites, texts[0], texts[1], texts[2], drm, status}
	for _, text := range texts[3:] {
		out = append(out, text)
	}
	return append(out, loads)
}

// selected is what is read of a row. hidden is the condition for rows whose viewer is erased.
func selected(hidden string) string {
	user, md5 := userColumns(hidden)
	return "k, site, " + user + ", " + md5 + ", drm, status, content, device, code, model, platform, integration, " +
		"vendor_drm, vendor_status"
}

// userColumns returns the two columns by which a viewer is shown.
func userColumns(hidden string) (user, md5 string) {
	if hidden == "" {
		return "user", "user_md5"
	}
	return "if(" + hidden + ", '', user)", "if(" + hidden + ", '', user_md5)"
}

// A reader reads rows.
type reader struct {
	names       map[uint16]string
	key         int64
	site        uint16
	drm, status int32
}

// read reads what selected names. more are further columns after those.
func (d *reader) read(row func(...any) error, r *archive.Row, more ...any) error {
	err := row(append([]any{
		&d.key, &d.site, &r.User, &r.UserMD5, &d.drm, &d.status, &r.Content, &r.Device, &r.Code, &r.Model, &r.Platform,
		&r.Integration, &r.VendorDRM, &r.VendorStatus,
	}, more...)...)
	r.Key = archive.Key(d.key)
	r.Second, r.Site = r.Key.Second(), d.names[d.site]
	r.DRM, r.Status = pb.License_DrmType(d.drm), pb.License_Status(d.status)
	return err
}

// stored returns the rows of a range of a site, the least key first.
func (e *Engine) stored(ctx context.Context, l *ledger, s *site, span archive.Span) ([]record, error) {
	v := l.view(l.newest)
	text := fmt.Sprintf("SELECT %s, who FROM %s WHERE %s AND k >= %d AND k < %d ORDER BY k", selected(v.hidden()),
		e.all("licenses"), v.counts(), archive.Above(span.From), archive.Above(span.To))
	var out []record
	d := reader{names: map[uint16]string{s.number: s.name}}
	err := e.query(ctx, text, func(row func(...any) error) error {
		var r record
		err := d.read(row, &r.Row, &r.who)
		out = append(out, r)
		return err
	})
	return out, err
}

// count counts the rows of a table.
func (e *Engine) count(ctx context.Context, table, condition string) (int64, error) {
	n := uint64(0)
	err := e.first().QueryRow(ctx, "SELECT count() FROM "+table+" WHERE "+condition).Scan(&n)
	return int64(n), err
}
