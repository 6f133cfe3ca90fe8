package main

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
)

// viewers is how many viewers are erased, of those with the most rows.
const viewers = 10

// change erases a viewer, or forgets the oldest rows of a site, in two of three children. A child
// does that first, so that kills hit it.
func (c *child) change(ctx context.Context, engine archive.Engine) error {
	engine = counting{engine}
	switch {
	case c.until > 0:
		return nil
	case c.kill%3 == 1:
		id := c.world.User(1 + c.kill/3%viewers)
		if _, err := engine.Erase(ctx, c.world.Sites, archive.Person(id)); err != nil {
			return err
		}
		c.say("erased %s", id)
	case c.kill%3 == 2:
		before := c.now().Add(-kept).Unix()
		if _, err := engine.Forget(ctx, c.world.Sites[keeps], before); err != nil {
			return err
		}
		c.say("forgot %d", before)
	}
	return nil
}

// tell says what is final now at the site whose vendor deletes rows.
func (c *child) tell(spans []archive.Span) {
	now := c.now().Unix()
	for _, s := range spans {
		c.say("final %d %d %d", s.From, s.To, now)
	}
}

// say writes a line for the parent, and notes it.
func (c *child) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Fprintln(c.out, line)
	c.seen.note(line)
}

// A seen is what children have said. It is so however they died later.
type seen struct {
	erased map[string]bool // ids of viewers
	forgot int64           // the second before which the archive has forgotten the rows of a site
	final  []noted         // of the site whose vendor deletes rows
}

// A noted is a span, and a second at which it was final.
type noted struct {
	archive.Span
	at int64
}

func newSeen() *seen { return &seen{erased: map[string]bool{}} }

func (s *seen) note(line string) {
	var n noted
	var id string
	var before int64
	if _, err := fmt.Sscanf(line, "final %d %d %d", &n.From, &n.To, &n.at); err == nil {
		s.final = append(s.final, n)
	}
	if _, err := fmt.Sscanf(line, "erased %s", &id); err == nil {
		s.erased[id] = true
	}
	if _, err := fmt.Sscanf(line, "forgot %d", &before); err == nil {
		s.forgot = max(s.forgot, before)
	}
}

// finalBefore reports whether a second was final before another one.
func (s *seen) finalBefore(second, when int64) bool {
	for _, n := range s.final {
		if n.From <= second && second < n.To && n.at < when {
			return true
		}
	}
	return false
}

// deleting makes the vendor delete one in twenty rows of a site: half of them before they can be
// final, and half later.
func deleting(site string, source archivetest.Source) archivetest.Source {
	return func(name string, span archive.Span) []archivetest.Shown {
		rows := source(name, span)
		for i := range rows {
			if name == site {
				rows[i].To = deleted(&rows[i].Row)
			}
		}
		return rows
	}
}

// deleted returns the second in which the vendor deletes a row, or 0.
func deleted(r *archive.Row) int64 {
	h := fnv.New64a()
	fmt.Fprintln(h, r.Second, r.Device, r.Content)
	n := h.Sum64()
	later := int64(n >> 16)
	switch n % 40 {
	case 0:
		return r.Second + 1 + later%(lag-10)
	case 1: // Most rows are older than the vendor's time. Some go soon, and some after hours.
		return max(r.Second+lag, start) + 60 + later%(later%9*3600+600)
	}
	return 0
}
