package sqldb

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// Summarize implements archive.Engine.
func (d *DB) Summarize(
	ctx context.Context, q archive.Question, by archive.Grouping,
) (page []archive.Group, total int, err error) {
	if by.Zone == nil {
		by.Zone = time.UTC
	}
	c, err := d.choose(ctx, q)
	if err != nil || c.none {
		return nil, 0, err
	}
	if groups, ok, err := d.fromCounts(ctx, q, c, by); ok || err != nil {
		return pageOf(groups, by), len(groups), err
	}
	s := &summary{db: d, choice: c, by: by, clock: newClock(by.Zone)}
	if err := s.bound(ctx); err != nil || s.lo > s.hi {
		return nil, 0, err
	}
	if page, total, err = s.read(ctx, by.Offset, by.Limit); err != nil || total > 0 {
		return page, total, err
	}
	// The page lies behind the last group. The number of groups comes with any group.
	_, total, err = s.read(ctx, 0, 1)
	return nil, total, err
}

// pageOf sorts groups, and returns the page that is asked for.
func pageOf(groups []archive.Group, by archive.Grouping) []archive.Group {
	slices.SortFunc(groups, func(a, b archive.Group) int {
		for _, o := range by.Order {
			c := cmp.Compare(figure(a, o.By), figure(b, o.By))
			if o.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(a.Start, b.Start), slices.Compare(a.Keys, b.Keys))
	})
	groups = groups[min(by.Offset, len(groups)):]
	return groups[:min(by.Limit, len(groups))]
}

func figure(g archive.Group, f archive.Figure) int64 {
	return [...]int64{g.Start, g.Total, g.Issued, g.Refused, g.Users, g.Devices}[f]
}

// figures are the columns of the figures.
var figures = [...]string{"start", "n", "issued", "refused", "users", "devices"}

// A summary is a question for groups that is computed from rows.
type summary struct {
	db *DB
	choice
	by    archive.Grouping
	clock *clock
}

// bound bounds the keys by those of the rows that there are, so that intervals are computed only for them.
func (s *summary) bound(ctx context.Context) error {
	return s.db.ints(ctx, "SELECT coalesce(min(k), 0), coalesce(max(k), -1) FROM archive_rows", nil, func(v []int64) {
		s.lo, s.hi = max(s.lo, v[0]), min(s.hi, v[1])
	})
}

// read returns groups, and how many there are. Without a group, it does not know the number.
func (s *summary) read(ctx context.Context, offset, limit int) (page []archive.Group, total int, err error) {
	var raw [][]int64
	err = s.db.ints(ctx, s.statement(offset, limit), nil, func(v []int64) { raw = append(raw, slices.Clone(v)) })
	if err != nil || len(raw) == 0 {
		return nil, 0, err
	}
	a := newAsk()
	for _, v := range raw {
		for i, dimension := range s.by.By {
			s.ask(a, dimension, v[i])
		}
	}
	n := len(s.by.By)
	err = s.db.readTexts(ctx, a, func(t *texts) {
		for _, v := range raw {
			f := v[n+2:]
			g := archive.Group{
				Start: s.start(v[n]), Total: f[0], Issued: f[1], Refused: f[2], Users: f[3], Devices: f[4],
			}
			for i, dimension := range s.by.By {
				g.Keys = append(g.Keys, s.key(t, dimension, v[i], v[n+1]))
			}
			page = append(page, g)
			total = int(f[5])
		}
	})
	return page, total, err
}

// statement groups the rows, and then sorts the groups. Groups are made by numbers. Their texts are read
// only to sort them.
func (s *summary) statement(offset, limit int) string {
	var columns, positions, joins, order []string
	needsShape, hashed := false, "0"
	for i, dimension := range s.by.By {
		column := s.column(dimension)
		needsShape = needsShape || strings.HasPrefix(column, "s.")
		if dimension == pb.SummarizeLicensesRequest_USER {
			needsShape, hashed = true, "min(s.hashed)"
		}
		columns = append(columns, fmt.Sprintf("%s AS key%d", column, i))
		positions = append(positions, fmt.Sprint(i+1))
	}
	for _, o := range s.by.Order {
		direction := ""
		if o.Desc {
			direction = " DESC"
		}
		order = append(order, figures[o.By]+direction)
	}
	order = append(order, "start")
	for i, dimension := range s.by.By {
		join, text := s.text(dimension, i)
		joins, order = append(joins, join), append(order, text)
	}
	columns = append(columns, s.interval()+" AS start", hashed+" AS hashed", "count(*) AS n",
		"sum(CASE WHEN r.outcome = 1 THEN 1 ELSE 0 END) AS issued",
		"sum(CASE WHEN r.outcome = 2 THEN 1 ELSE 0 END) AS refused",
		s.distinct("r.person", pb.SummarizeLicensesRequest_USER)+" AS users",
		s.distinct("r.device", pb.SummarizeLicensesRequest_DEVICE)+" AS devices")
	group := ""
	if s.by.Interval != 0 {
		positions = append(positions, fmt.Sprint(len(s.by.By)+1))
	}
	if len(positions) > 0 {
		group = " GROUP BY " + strings.Join(positions, ", ")
	}
	join := ""
	if needsShape {
		join = "JOIN archive_shapes s ON s.id = r.shape"
	}
	return "WITH g AS MATERIALIZED (SELECT " + strings.Join(columns, ", ") + s.from(s.db, join) + group +
		" HAVING count(*) > 0) SELECT g.*, (SELECT count(*) FROM g) FROM g " + strings.Join(joins, " ") +
		s.within(offset+limit) + " ORDER BY " + strings.Join(order, ", ") +
		fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset)
}

// within returns a condition that leaves out most groups behind the first n, so that their texts are not
// read.
func (s *summary) within(n int) string {
	if len(s.by.Order) == 0 {
		return ""
	}
	figure := figures[s.by.Order[0].By]
	compare, direction, none := "<=", "", int64(math.MaxInt64)
	if s.by.Order[0].Desc {
		compare, direction, none = ">=", " DESC", -1
	}
	return fmt.Sprintf(
		" WHERE %[1]s %[2]s coalesce((SELECT %[1]s FROM g ORDER BY %[1]s%[3]s LIMIT 1 OFFSET %[4]d), %[5]d)",
		figure, compare, direction, max(n-1, 0), none)
}

// distinct returns an expression for the number of persons or devices. In a group of one of them, only
// erased persons are to be counted.
func (s *summary) distinct(column string, dimension pb.SummarizeLicensesRequest_Dimension) string {
	if !slices.Contains(s.by.By, dimension) {
		return "count(DISTINCT nullif(abs(" + column + "), 0))"
	}
	return fmt.Sprintf("count(DISTINCT CASE WHEN %[1]s < 0 THEN %[1]s END) + "+
		"max(CASE WHEN %[1]s > 0 THEN 1 ELSE 0 END)", column)
}

// column returns the number by which a dimension groups.
func (s *summary) column(dimension pb.SummarizeLicensesRequest_Dimension) string {
	switch dimension {
	case pb.SummarizeLicensesRequest_SITE:
		return "r.site"
	case pb.SummarizeLicensesRequest_VENDOR:
		return s.vendorColumn()
	case pb.SummarizeLicensesRequest_ERROR_CODE:
		return "s.code"
	case pb.SummarizeLicensesRequest_DRM_TYPE:
		return "s.drm"
	case pb.SummarizeLicensesRequest_STATUS:
		return "r.outcome"
	case pb.SummarizeLicensesRequest_PLATFORM:
		return "s.platform"
	case pb.SummarizeLicensesRequest_DEVICE_MODEL:
		return "s.model"
	case pb.SummarizeLicensesRequest_CONTENT:
		return "r.content"
	case pb.SummarizeLicensesRequest_USER:
		return "CASE WHEN r.person > 0 THEN r.person ELSE 0 END"
	case pb.SummarizeLicensesRequest_DEVICE:
		return "r.device"
	}
	panic("a dimension that the archive does not know: " + dimension.String())
}

// vendorOf returns the name of a site's vendor.
func vendorOf(site string) string {
	vendor, _, _ := strings.Cut(site, "/sites/")
	return vendor
}

// vendors returns the names of the vendors, sorted. A vendor's number is its position.
func (s *summary) vendors() []string {
	names := map[string]bool{}
	for _, site := range s.sites {
		names[vendorOf(site.name)] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func (s *summary) vendorColumn() string {
	vendors := s.vendors()
	var b strings.Builder
	b.WriteString("CASE r.site")
	for _, site := range s.sites {
		fmt.Fprintf(&b, " WHEN %d THEN %d", site.number, slices.Index(vendors, vendorOf(site.name)))
	}
	return b.String() + " END"
}

// text returns the text of a key by which groups are sorted, and the table that has it.
func (s *summary) text(dimension pb.SummarizeLicensesRequest_Dimension, i int) (join, text string) {
	var table string
	switch dimension {
	case pb.SummarizeLicensesRequest_VENDOR:
		return "", fmt.Sprintf("key%d", i)
	case pb.SummarizeLicensesRequest_DRM_TYPE:
		return "", caseOf(fmt.Sprintf("key%d", i), pb.License_DrmType_name)
	case pb.SummarizeLicensesRequest_STATUS:
		return "", caseOf(fmt.Sprintf("key%d", i), pb.License_Status_name)
	case pb.SummarizeLicensesRequest_SITE:
		return fmt.Sprintf("JOIN archive_sites t%[1]d ON t%[1]d.id = key%[1]d", i), fmt.Sprintf("t%d.name", i)
	case pb.SummarizeLicensesRequest_CONTENT:
		table = contents
	case pb.SummarizeLicensesRequest_DEVICE:
		table = devices
	case pb.SummarizeLicensesRequest_USER:
		return fmt.Sprintf("LEFT JOIN archive_people t%[1]d ON t%[1]d.id = key%[1]d", i),
			fmt.Sprintf("CASE WHEN t%[1]d.digest IS NULL THEN %[2]s WHEN hashed = 0 THEN %[3]s "+
				"WHEN length(t%[1]d.digest) > 16 THEN substr(t%[1]d.digest, 18) ELSE %[4]s END",
				i, s.db.bytesOf("''"), s.db.textBytes(i), s.db.hex(i))
	default:
		table = words
	}
	return fmt.Sprintf("JOIN %s t%[2]d ON t%[2]d.id = key%[2]d", table, i), s.db.textBytes(i)
}

// bytesOf returns an expression for the bytes of a text. Texts are compared byte by byte.
func (d *DB) bytesOf(text string) string {
	if d.isPostgres() {
		return "convert_to(" + text + ", 'UTF8')"
	}
	return "CAST(" + text + " AS BLOB)"
}

// textBytes returns an expression for the bytes of the entry of a dictionary that key i names.
func (d *DB) textBytes(i int) string {
	return fmt.Sprintf("coalesce(t%d.raw, %s)", i, d.bytesOf(fmt.Sprintf("coalesce(t%d.text, '')", i)))
}

// hex returns an expression for the bytes of the MD5, in hexadecimal, of the person that key i names.
func (d *DB) hex(i int) string {
	if d.isPostgres() {
		return d.bytesOf(fmt.Sprintf("encode(t%d.digest, 'hex')", i))
	}
	return d.bytesOf(fmt.Sprintf("lower(hex(t%d.digest))", i))
}

// caseOf returns an expression for the names of an enum.
func caseOf(column string, names map[int32]string) string {
	var b strings.Builder
	b.WriteString("CASE " + column)
	for _, n := range slices.Sorted(maps.Keys(names)) {
		fmt.Fprintf(&b, " WHEN %d THEN '%s'", n, names[n])
	}
	return b.String() + " ELSE CAST(" + column + " AS TEXT) END"
}

func (s *summary) ask(a ask, dimension pb.SummarizeLicensesRequest_Dimension, id int64) {
	switch dimension {
	case pb.SummarizeLicensesRequest_ERROR_CODE, pb.SummarizeLicensesRequest_PLATFORM,
		pb.SummarizeLicensesRequest_DEVICE_MODEL:
		a.entries[words][id] = true
	case pb.SummarizeLicensesRequest_CONTENT:
		a.entries[contents][id] = true
	case pb.SummarizeLicensesRequest_DEVICE:
		a.entries[devices][id] = true
	case pb.SummarizeLicensesRequest_USER:
		a.people[id] = true
	}
}

// key returns the text of a key.
func (s *summary) key(t *texts, dimension pb.SummarizeLicensesRequest_Dimension, id, hashed int64) string {
	switch dimension {
	case pb.SummarizeLicensesRequest_SITE:
		return s.names()[int(id)]
	case pb.SummarizeLicensesRequest_VENDOR:
		return s.vendors()[id]
	case pb.SummarizeLicensesRequest_DRM_TYPE:
		return pb.License_DrmType(id).String()
	case pb.SummarizeLicensesRequest_STATUS:
		return pb.License_Status(id).String()
	case pb.SummarizeLicensesRequest_CONTENT:
		return t.entries[contents][id]
	case pb.SummarizeLicensesRequest_DEVICE:
		return t.entries[devices][id]
	case pb.SummarizeLicensesRequest_USER:
		return t.people[id].shown(hashed)
	}
	return t.entries[words][id]
}
