package sqldb

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// Summarize implements archive.Engine. The zone of a site says what its counts mean, and it can
// change. So all statements read the same moment.
func (d *DB) Summarize(
	ctx context.Context, q archive.Question, by archive.Grouping,
) (page []archive.Group, total int, err error) {
	if by.Zone == nil {
		by.Zone = time.UTC
	}
	err = d.snapshot(ctx, func(r reader) error {
		page, total, err = r.summarize(ctx, q, by)
		return err
	})
	return page, total, err
}

func (r reader) summarize(
	ctx context.Context, q archive.Question, by archive.Grouping,
) (page []archive.Group, total int, err error) {
	c, err := r.choose(ctx, q)
	if err != nil || c.none {
		return nil, 0, err
	}
	if groups, ok, err := r.fromCounts(ctx, q, c, by); ok || err != nil {
		return pageOf(groups, by), len(groups), err
	}
	s := &summary{reader: r, choice: c, by: by, clock: newClock(by.Zone)}
	if err := s.count(ctx); err != nil {
		return nil, 0, err
	}
	groups, err := s.first(ctx, by.Offset+by.Limit)
	return pageOf(groups, by), len(s.tallies), err
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

// A summary is a question for groups that is computed from rows. The database reads the rows, and
// this process groups them: it does that faster than SQLite, and its numbers need less memory than
// rows.
type summary struct {
	reader
	choice
	by    archive.Grouping
	clock *clock
	*groups
	shapes map[int64]shape
	byKey  bool // the rows are read with their keys
	sorted bool // the rows come in the order of their keys
}

// A summed is a row as it is grouped.
type summed struct {
	key            archive.Key
	content        int64
	person, device int64
	shape
}

// count reads the rows, and counts them.
func (s *summary) count(ctx context.Context) error {
	// A column takes SQLite's driver longer than a row does, so that one holds two numbers.
	columns, where := pair("r.person", "r.device")+", r.shape", s.choice.from(s.db)
	by := func(dimension pb.SummarizeLicensesRequest_Dimension) bool { return slices.Contains(s.by.By, dimension) }
	if by(pb.SummarizeLicensesRequest_CONTENT) {
		columns = pair("r.person", "r.device") + ", " + pair("r.content", "r.shape")
	}
	s.byKey = s.by.Interval != 0 || by(pb.SummarizeLicensesRequest_SITE) || by(pb.SummarizeLicensesRequest_VENDOR)
	if s.byKey {
		columns += ", r.k"
	}
	if s.sorted = s.by.Interval != 0 && s.ordered() && !s.db.isPostgres(); s.sorted {
		where += " ORDER BY r.k" // It is the order of the index.
	}
	if err := s.readShapes(ctx); err != nil {
		return err
	}
	return s.group(ctx, "SELECT "+columns+where)
}

// pair returns an expression that holds two numbers. The second one is in its lower 32 bits.
func pair(a, b string) string { return "(CAST(" + a + " AS BIGINT) << 32) + " + b }

const lower = 1<<32 - 1

// group groups the rows of a statement.
func (s *summary) group(ctx context.Context, query string) error {
	s.groups = newGroups(1 + len(s.by.By))
	var parts []func(*summed) int64
	for _, dimension := range s.by.By {
		parts = append(parts, s.part(dimension))
	}
	var row summed
	var last int64
	err := s.ints(ctx, query, nil, func(v []int64) {
		shape := s.shapes[v[1]&lower]
		row.shape, row.person, row.device, row.content = shape, v[0]>>32, v[0]&lower, v[1]>>32
		start := int64(0)
		if s.byKey {
			row.key = archive.Key(v[2])
			start = s.number(row.key.Second())
		}
		if s.sorted && start != last { // The interval before is complete.
			s.distinct()
			last = start
		}
		group := s.levels[0].step(0, start)
		for i, part := range parts {
			group = s.levels[i+1].step(group, part(&row))
		}
		s.add(group, start, row.person, row.device, shape)
	})
	s.distinct()
	return err
}

// readShapes reads what all shapes group by.
func (s *summary) readShapes(ctx context.Context) error {
	s.shapes = map[int64]shape{}
	return s.ints(ctx, "SELECT id, drm, status, code, platform, model, hashed FROM archive_shapes", nil,
		func(v []int64) {
			s.shapes[v[0]] = shape{drm: v[1], status: v[2], code: v[3], platform: v[4], model: v[5], hashed: v[6]}
		})
}

// part returns what computes the number by which a dimension groups.
func (s *summary) part(dimension pb.SummarizeLicensesRequest_Dimension) func(*summed) int64 {
	switch dimension {
	case pb.SummarizeLicensesRequest_SITE:
		return func(r *summed) int64 { return int64(r.key.Site()) }
	case pb.SummarizeLicensesRequest_VENDOR:
		numbers, vendors := map[int]int64{}, s.vendors()
		for _, site := range s.sites {
			numbers[site.number] = int64(slices.Index(vendors, vendorOf(site.name)))
		}
		return func(r *summed) int64 { return numbers[r.key.Site()] }
	case pb.SummarizeLicensesRequest_ERROR_CODE:
		return func(r *summed) int64 { return r.code }
	case pb.SummarizeLicensesRequest_DRM_TYPE:
		return func(r *summed) int64 { return r.drm }
	case pb.SummarizeLicensesRequest_STATUS:
		return func(r *summed) int64 { return r.status }
	case pb.SummarizeLicensesRequest_PLATFORM:
		return func(r *summed) int64 { return r.platform }
	case pb.SummarizeLicensesRequest_DEVICE_MODEL:
		return func(r *summed) int64 { return r.model }
	case pb.SummarizeLicensesRequest_CONTENT:
		return func(r *summed) int64 { return r.content }
	case pb.SummarizeLicensesRequest_USER:
		return func(r *summed) int64 { return max(r.person, 0) }
	case pb.SummarizeLicensesRequest_DEVICE:
		return func(r *summed) int64 { return r.device }
	}
	panic("a dimension that the archive does not know: " + dimension.String())
}

// first returns the first n groups, and those that differ from the last one of them only by their
// keys. Texts are read only for these.
func (s *summary) first(ctx context.Context, n int) (first []archive.Group, err error) {
	sorted := make([]int, len(s.tallies))
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortFunc(sorted, s.compare)
	end := min(n, len(sorted))
	for end > 0 && end < len(sorted) && s.compare(sorted[end-1], sorted[end]) == 0 {
		end++
	}
	sorted = sorted[:end]
	a := newAsk()
	keys := make([][]int64, end)
	for i, group := range sorted {
		keys[i] = s.key(group)[1:]
		for j, dimension := range s.by.By {
			s.ask(a, dimension, keys[i][j])
		}
	}
	t, err := s.texts(ctx, a)
	if err != nil {
		return nil, err
	}
	for i, group := range sorted {
		f := s.tallies[group].figures
		g := archive.Group{
			Start: s.start(int64(f[archive.ByStart])), Total: int64(f[archive.ByTotal]),
			Issued: int64(f[archive.ByIssued]), Refused: int64(f[archive.ByRefused]),
			Users: int64(f[archive.ByUsers]), Devices: int64(f[archive.ByDevices]),
		}
		for j, dimension := range s.by.By {
			g.Keys = append(g.Keys, s.text(t, dimension, keys[i][j], s.tallies[group].hashed))
		}
		first = append(first, g)
	}
	return first, nil
}

// compare compares two groups by all but their keys.
func (s *summary) compare(a, b int) int {
	x, y := &s.tallies[a].figures, &s.tallies[b].figures
	for _, o := range s.by.Order {
		if c := cmp.Compare(x[o.By], y[o.By]); c != 0 && o.Desc {
			return -c
		} else if c != 0 {
			return c
		}
	}
	return cmp.Compare(x[archive.ByStart], y[archive.ByStart])
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

// text returns the text of a part of a key.
func (s *summary) text(
	t *texts, dimension pb.SummarizeLicensesRequest_Dimension, id int64, hashed bool,
) string {
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
