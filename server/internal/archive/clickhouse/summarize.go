package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// counted are the expressions for figures: users and devices are exact.
const (
	users   = "uniqExactIf(who, who != toFixedString('', 16)%s)"
	devices = "uniqExactIf(device, device != ''%s)"
)

// A dimension says how rows are grouped by one property, how a group is sorted, and how the group's
// key is read.
type dimension struct {
	group string // an expression for each row
	sort  string // an expression for each group. Empty means by the group's own value.
	text  bool   // whether the value to show is a text, or else an index of names
	names []string
}

// A grouping is a question for groups.
type grouping struct {
	calendar   *calendar
	dimensions []dimension
	users      string // an expression for the number of viewers in a group
}

// Summarize implements archive.Engine.
func (e *Engine) Summarize(
	ctx context.Context, asked archive.Question, by archive.Grouping,
) (page []archive.Group, total int, err error) {
	q, err := e.ask(ctx, asked)
	if err != nil || len(q.names) == 0 {
		return nil, 0, err
	}
	g := grouping{users: fmt.Sprintf(users, "")}
	if slices.Contains(by.By, pb.SummarizeLicensesRequest_USER) {
		g.users = q.usersOfUser()
		if asked.Person == "" && e.mostSites(len(q.names)) { // With a viewer, ask has chosen the table.
			q.table = e.all("by_user") // The rows of a group lie together.
		}
	}
	if g.calendar, err = e.calendar(ctx, q, by.Interval, by.Zone); err != nil {
		return nil, 0, err
	}
	for _, d := range by.By {
		one, err := q.dimension(d)
		if err != nil {
			return nil, 0, err
		}
		g.dimensions = append(g.dimensions, one)
	}
	err = e.query(ctx, g.text(q, by), func(row func(...any) error) error {
		one, err := g.read(row)
		if one.Total > 0 { // Without dimensions, there is always a group.
			page = append(page, one)
		}
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if len(page) < by.Limit && (by.Offset == 0 || len(page) > 0) {
		return page, by.Offset + len(page), nil
	}
	if len(g.names()) == 0 {
		n, err := e.count(ctx, q.table, q.where(q.from, q.to))
		return page, int(min(n, 1)), err
	}
	n, err := e.count(ctx, "("+g.groups(q)+")", "1")
	return page, int(n), err
}

// names returns the names of what rows are grouped by.
func (g *grouping) names() (out []string) {
	if g.calendar.interval != pb.SummarizeLicensesRequest_INTERVAL_UNSPECIFIED {
		out = append(out, "begun")
	}
	for i := range g.dimensions {
		out = append(out, fmt.Sprintf("group_%d", i))
	}
	return out
}

// expressions returns what stands behind names.
func (g *grouping) expressions() (out []string) {
	if g.calendar.interval != pb.SummarizeLicensesRequest_INTERVAL_UNSPECIFIED {
		out = append(out, "toInt64("+g.calendar.number()+") AS begun")
	}
	for i, d := range g.dimensions {
		out = append(out, fmt.Sprintf("%s AS group_%d", d.group, i))
	}
	return out
}

// groups asks for all groups, without figures.
func (g *grouping) groups(q *question) string {
	return "SELECT " + strings.Join(g.expressions(), ", ") + " FROM " + q.table + " WHERE " + q.where(q.from, q.to) +
		" GROUP BY " + strings.Join(g.names(), ", ")
}

// text asks for a page of the groups.
func (g *grouping) text(q *question, by archive.Grouping) string {
	columns := g.expressions()
	for i, d := range g.dimensions {
		if d.sort != "" {
			columns = append(columns, fmt.Sprintf("%s AS shown_%d", d.sort, i))
		}
	}
	columns = append(columns,
		"count() AS figure_1", "countIf(status = 1) AS figure_2", "countIf(status = 2) AS figure_3",
		g.users+" AS figure_4", fmt.Sprintf(devices, "")+" AS figure_5")
	text := "SELECT " + strings.Join(columns, ", ") + " FROM " + q.table + " WHERE " + q.where(q.from, q.to)
	if names := g.names(); len(names) > 0 {
		text += " GROUP BY " + strings.Join(names, ", ")
	}
	if order := g.order(by.Order); len(order) > 0 {
		text += " ORDER BY " + strings.Join(order, ", ")
	}
	return text + fmt.Sprintf(" LIMIT %d, %d", by.Offset, by.Limit)
}

func (g *grouping) order(by []archive.Order) (out []string) {
	interval := slices.Contains(g.names(), "begun")
	for _, o := range by {
		name := fmt.Sprintf("figure_%d", o.By)
		if o.By == archive.ByStart {
			if !interval {
				continue
			}
			name = "begun"
		}
		if o.Desc {
			name += " DESC"
		}
		out = append(out, name)
	}
	if interval {
		out = append(out, "begun")
	}
	for i, d := range g.dimensions {
		name := fmt.Sprintf("group_%d", i)
		if d.sort != "" {
			name = fmt.Sprintf("shown_%d", i)
		}
		out = append(out, name)
	}
	return out
}

// read reads a line of the response to text.
func (g *grouping) read(row func(...any) error) (archive.Group, error) {
	var begun int64
	var into []any
	if len(g.names()) > len(g.dimensions) {
		into = append(into, &begun)
	}
	texts, indexes := make([]string, len(g.dimensions)), make([]int64, len(g.dimensions))
	for i, d := range g.dimensions {
		if d.text {
			into = append(into, &texts[i])
		} else {
			into = append(into, &indexes[i])
		}
	}
	for i, d := range g.dimensions {
		if d.sort != "" {
			into = append(into, &texts[i]) // It comes after the group's own value.
		}
	}
	var figures [5]uint64
	for i := range figures {
		into = append(into, &figures[i])
	}
	err := row(into...)
	out := archive.Group{
		Total: int64(figures[0]), Issued: int64(figures[1]), Refused: int64(figures[2]), Users: int64(figures[3]),
		Devices: int64(figures[4]),
	}
	if len(g.names()) > len(g.dimensions) {
		out.Start = g.calendar.start(begun)
	}
	for i, d := range g.dimensions {
		key := texts[i]
		if !d.text {
			key = d.names[indexes[i]]
		}
		out.Keys = append(out.Keys, key)
	}
	return out, err
}

// dimension returns how rows are grouped by one property.
func (q *question) dimension(d pb.SummarizeLicensesRequest_Dimension) (dimension, error) {
	var column string
	switch d {
	case pb.SummarizeLicensesRequest_SITE:
		return ranked("site", q.names), nil
	case pb.SummarizeLicensesRequest_VENDOR:
		vendors := map[uint16]string{}
		for number, name := range q.names {
			vendors[number], _, _ = strings.Cut(name, "/sites/")
		}
		return ranked("site", vendors), nil
	case pb.SummarizeLicensesRequest_DRM_TYPE:
		return ranked("drm", pb.License_DrmType_name), nil
	case pb.SummarizeLicensesRequest_STATUS:
		return ranked("status", pb.License_Status_name), nil
	case pb.SummarizeLicensesRequest_USER:
		return q.userDimension(), nil
	case pb.SummarizeLicensesRequest_ERROR_CODE:
		column = "code"
	case pb.SummarizeLicensesRequest_PLATFORM:
		column = "platform"
	case pb.SummarizeLicensesRequest_DEVICE_MODEL:
		column = "model"
	case pb.SummarizeLicensesRequest_CONTENT:
		column = "content"
	case pb.SummarizeLicensesRequest_DEVICE:
		column = "device"
	default:
		return dimension{}, fmt.Errorf("the archive cannot group by %s", d)
	}
	return dimension{group: column, text: true}, nil
}

// userDimension groups by the hash of the viewer. The key is the id where a row has it, and else
// the MD5. Rows of erased viewers are in one group with those without a viewer.
func (q *question) userDimension() dimension {
	user, md5 := userColumns(q.hidden)
	return dimension{
		group: fmt.Sprintf("if(%s = '' AND %s = '', toFixedString('', 16), who)", user, md5),
		sort:  fmt.Sprintf("if(max(%s) != '', max(%[1]s), max(%s))", user, md5),
		text:  true,
	}
}

// usersOfUser is the number of viewers in a group by viewer: one, or in the group of those without
// an id those that are erased. A set for each group would take most of the time.
func (q *question) usersOfUser() string {
	user, md5 := userColumns(q.hidden)
	shown := fmt.Sprintf("(%s != '' OR %s != '')", user, md5)
	return fmt.Sprintf(users, " AND NOT "+shown) + " + max(" + shown + ")"
}

// ranked groups by a number that has a name. The groups are sorted by name.
func ranked[T uint16 | int32](column string, names map[T]string) dimension {
	d := dimension{}
	for _, name := range names {
		d.names = append(d.names, name)
	}
	slices.Sort(d.names)
	d.names = slices.Compact(d.names)
	var numbers, ranks []string
	for number, name := range names {
		rank, _ := slices.BinarySearch(d.names, name)
		numbers = append(numbers, fmt.Sprint(number))
		ranks = append(ranks, fmt.Sprintf("toInt64(%d)", rank))
	}
	d.group = fmt.Sprintf("transform(toInt64(%s), [%s], [%s], toInt64(0))", column, strings.Join(numbers, ", "),
		strings.Join(ranks, ", "))
	return d
}
