package sqldb

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A choice is a question in the numbers of the database.
type choice struct {
	sites  []siteEntry // by name
	all    bool        // sites are all that the archive knows
	none   bool        // nothing matches
	lo, hi int64       // the least and the greatest key
	where  []string    // conditions besides those on sites and keys
	// index has the rows of the condition that chooses best. It is empty without such a condition.
	index   string
	refused bool // only refused rows match
	// counted is set if the conditions are only on what archive_day_series counts: those on its
	// columns.
	counted bool
	series  []string
}

// choose translates a question.
func (r reader) choose(ctx context.Context, q archive.Question) (choice, error) {
	c := choice{counted: q.Person == "" && q.Content == "" && q.Device == "" && q.Model == "" && q.Platform == "" &&
		q.Integration == ""}
	var err error
	if c.sites, err = r.entries(ctx, append([]string{}, q.Sites...)); err != nil {
		return c, err
	}
	known, err := r.one(ctx, "SELECT count(*) FROM archive_sites")
	if err != nil {
		return c, err
	}
	c.all = int64(len(c.sites)) == known
	c.lo, c.hi = keys(q.Within)
	c.none = len(c.sites) == 0 || c.lo > c.hi || c.lo == maxKey
	if err := r.chooseShapes(ctx, q, &c); err != nil {
		return c, err
	}
	for _, by := range []struct{ table, column, value string }{
		{contents, "content", q.Content}, {devices, "device", q.Device}, {"archive_people", "person", q.Person},
	} {
		if by.value == "" || c.none {
			continue
		}
		id, err := r.idOf(ctx, by.table, by.value)
		if err != nil {
			return c, err
		}
		c.none = id == 0
		c.where = append(c.where, fmt.Sprintf("r.%s = %d", by.column, id))
		if by.column != "content" || c.refused && c.index == "" {
			c.index = "archive_rows_" + by.column
		}
	}
	return c, nil
}

// idOf returns the id of a text or of an MD5 in its dictionary, or 0.
func (r reader) idOf(ctx context.Context, table, value string) (int64, error) {
	if table == "archive_people" {
		return r.one(ctx, "SELECT id FROM archive_people WHERE digest = ?", digest(value))
	}
	key, _ := indexed(value)
	return r.one(ctx, "SELECT id FROM "+table+" WHERE text = ?", key)
}

// chooseShapes translates the conditions on what is in shapes. If all shapes that match have one
// outcome, it becomes a condition, too, since some indexes hold only refused rows.
func (r reader) chooseShapes(ctx context.Context, q archive.Question, c *choice) error {
	var conditions []string
	if q.DRM != 0 {
		conditions = append(conditions, fmt.Sprintf("drm = %d", q.DRM))
	}
	if q.Status != 0 {
		conditions = append(conditions, fmt.Sprintf("status = %d", q.Status))
	}
	for _, by := range []struct{ column, value string }{
		{"code", q.Code}, {"model", q.Model}, {"platform", q.Platform}, {"integration", q.Integration},
	} {
		if by.value == "" || c.none {
			continue
		}
		id, err := r.idOf(ctx, words, by.value)
		if err != nil {
			return err
		}
		c.none = id == 0
		conditions = append(conditions, by.column+" = "+strconv.FormatInt(id, 10))
	}
	if len(conditions) == 0 || c.none {
		return nil
	}
	c.series = conditions
	matching := "SELECT id FROM archive_shapes WHERE " + strings.Join(conditions, " AND ")
	var outcomes []int64
	err := r.ints(ctx, strings.Replace(matching, "id", "DISTINCT status", 1), nil,
		func(v []int64) { outcomes = append(outcomes, v[0]) })
	if err != nil {
		return err
	}
	c.none = len(outcomes) == 0
	if len(outcomes) == 1 {
		c.where = append(c.where, fmt.Sprintf("r.outcome = %d", outcomes[0]))
		c.refused = outcomes[0] == int64(pb.License_FAILURE)
	}
	if q.Status == 0 || len(conditions) > 1 {
		c.where = append(c.where, "r.shape IN ("+matching+")")
	}
	return nil
}

// from returns the part of a statement that chooses rows, from FROM on.
func (c choice) from(d *DB) string {
	index, where := c.index, append([]string{}, c.where...)
	switch {
	case index != "":
	case c.refused:
		index = "archive_rows_refused"
	case !c.all:
		index = "archive_rows_site"
	}
	if index == "archive_rows_refused" || !c.all {
		where = append(where, "r.site IN ("+list(sortedNumbers(c.sites))+")")
	}
	return c.text(d, index, where)
}

// ordered reports whether from reads rows in the order of their keys.
func (c choice) ordered() bool { return len(c.sites) == 1 || c.index != "" || c.all && !c.refused }

func (c choice) text(d *DB, index string, where []string) string {
	use := "NOT INDEXED"
	if index != "" {
		use = "INDEXED BY " + index
	}
	if d.isPostgres() {
		use = ""
	}
	where = append(where, fmt.Sprintf("r.k >= %d", c.lo), fmt.Sprintf("r.k <= %d", c.hi))
	return " FROM archive_rows r " + use + " WHERE " + strings.Join(where, " AND ")
}

// ordered returns statements for the newest rows, whose results are to be merged. With several
// sites, each site gets an own part, so that no part reads rows of other sites.
func (c choice) newest(d *DB, limit int, merge bool) string {
	tail := fmt.Sprintf(" ORDER BY r.k DESC LIMIT %d", limit)
	if c.index != "" {
		return rowColumns + c.from(d) + tail
	}
	where, index := append([]string{}, c.where...), "archive_rows_site"
	if c.refused {
		index = "archive_rows_refused"
	}
	merge = merge && len(c.sites) <= maxMerged && (!c.all || c.refused)
	if !merge && len(c.sites) > 1 {
		if !c.all {
			where = append(where, "r.site IN ("+list(sortedNumbers(c.sites))+")")
		}
		return rowColumns + c.text(d, "", where) + tail
	}
	var parts []string
	for _, site := range c.sites {
		one := append([]string{fmt.Sprintf("r.site = %d", site.number)}, where...)
		parts = append(parts, "SELECT * FROM ("+rowColumns+c.text(d, index, one)+tail+") p")
	}
	return strings.Join(parts, " UNION ALL ") + fmt.Sprintf(" ORDER BY k DESC LIMIT %d", limit)
}

const rowColumns = "SELECT r.k, r.shape, r.content, r.person, r.device, r.outcome"

// maxMerged is how many sites a statement merges. For more, it reads the rows of all sites.
const maxMerged = 100

// names returns the names of the chosen sites by their numbers.
func (c choice) names() map[int]string {
	names := map[int]string{}
	for _, s := range c.sites {
		names[s.number] = s.name
	}
	return names
}
