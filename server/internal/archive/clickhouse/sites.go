package clickhouse

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// A site is a line of the table sites. A claim becomes a site when it has a zone.
type site struct {
	number  uint16
	name    string
	claim   uint64 // says which claim of the number it is
	version uint64
	zone    string
}

// known remembers the numbers of sites, which never change.
type known struct {
	mu    sync.Mutex
	sites map[string]*site
}

// claims returns all lines of the table sites that hold.
func (e *Engine) claims(ctx context.Context) ([]site, error) {
	newest := map[site]site{}
	text := "SELECT number, name, claim, version, zone FROM " + e.local("sites")
	err := e.query(ctx, text, func(row func(...any) error) error {
		var s site
		err := row(&s.number, &s.name, &s.claim, &s.version, &s.zone)
		place := site{number: s.number, name: s.name, claim: s.claim}
		if newest[place].version <= s.version {
			newest[place] = s
		}
		return err
	})
	var out []site
	for _, s := range newest {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b site) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.number, b.number), cmp.Compare(a.claim, b.claim))
	})
	return out, err
}

// all returns the sites that are known, by name.
func (e *Engine) allSites(ctx context.Context) ([]site, error) {
	claims, err := e.claims(ctx)
	claims = slices.DeleteFunc(claims, func(s site) bool { return s.zone == "" })
	return slices.CompactFunc(claims, func(a, b site) bool { return a.name == b.name }), err
}

// find returns a site, or nil if it is not known. Its zone can be an old one.
func (e *Engine) find(ctx context.Context, name string) (*site, error) {
	e.known.mu.Lock()
	found := e.known.sites[name]
	e.known.mu.Unlock()
	if found != nil {
		return found, nil
	}
	all, err := e.allSites(ctx)
	if err != nil {
		return nil, err
	}
	e.known.mu.Lock()
	defer e.known.mu.Unlock()
	e.known.sites = map[string]*site{}
	for _, s := range all {
		e.known.sites[s.name] = &s
	}
	return e.known.sites[name], nil
}

// mostSites reports whether so many are most of the sites.
func (e *Engine) mostSites(n int) bool {
	e.known.mu.Lock()
	defer e.known.mu.Unlock()
	return 2*n > len(e.known.sites)
}

// must returns a site that is known.
func (e *Engine) must(ctx context.Context, name string) (*site, error) {
	found, err := e.find(ctx, name)
	if err == nil && found == nil {
		err = fmt.Errorf("the archive does not know %s; nothing was changed", name)
	}
	return found, err
}

// SetZone implements archive.Engine. Months are counted by the zone when somebody asks, so that
// nothing else has to change.
func (e *Engine) SetZone(ctx context.Context, name string, zone *time.Location) error {
	if _, err := time.LoadLocation(zone.String()); err != nil {
		return fmt.Errorf("the time zone %q has no name that a later start knows; nothing was changed", zone)
	}
	unlock, err := e.lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	for {
		claims, err := e.claims(ctx)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(claims, func(s site) bool { return s.name == name && s.zone != "" })
		switch {
		case at < 0:
			if err := e.claim(ctx, claims, name, zone); err != nil {
				return err
			}
			continue // Another site may have got the number, and another process may have set another zone.
		case claims[at].zone == zone.String():
			return nil
		}
		claims[at].zone, claims[at].version = zone.String(), e.numbers.next(claims[at].version)
		return e.writeSite(ctx, claims[at])
	}
}

// claim gives the next number to a site, or to that of another process that was faster.
//
// ClickHouse has no unique keys: it takes all lines that several processes insert at the same time.
// But a server has only one table of a name, and CREATE VIEW fails if the name is taken. So the
// view of a number decides whose it is. Its text holds the line of the site, and never changes.
// Every process that finds the view writes the line, so that a process that is killed in between
// leaves nothing open. All of them write the same.
//
// A number is claimed only when all smaller ones have their lines, and none of them is of this
// site. An insert that has ended is seen by every later question to the same server, so a site gets
// one number.
func (e *Engine) claim(ctx context.Context, claims []site, name string, zone *time.Location) error {
	number := uint16(1)
	for _, other := range claims {
		number = max(number, other.number+1)
	}
	if number >= archive.MaxSites {
		return fmt.Errorf("the archive is full: it holds %d sites", archive.MaxSites-1)
	}
	view, claim := e.local(fmt.Sprintf("site_%d", number)), e.numbers.next(0)
	failed := e.first().Exec(ctx, fmt.Sprintf("CREATE VIEW %s AS SELECT toUInt16(%d) AS number, %s AS name, "+
		"toUInt64(%d) AS claim, claim AS version, %s AS zone",
		view, number, literal(name), claim, literal(zone.String())))
	var s site
	row := e.first().QueryRow(ctx, "SELECT number, name, claim, version, zone FROM "+view)
	if err := row.Scan(&s.number, &s.name, &s.claim, &s.version, &s.zone); err != nil {
		return fmt.Errorf("the archive cannot give %s a number: %w", name, cmp.Or(failed, err))
	}
	return e.writeSite(ctx, s)
}

func (e *Engine) writeSite(ctx context.Context, s site) error {
	batch, err := e.first().PrepareBatch(ctx, "INSERT INTO "+e.local("sites")+" (number, name, claim, version, zone)")
	if err != nil {
		return err
	}
	if err := batch.Append(s.number, s.name, s.claim, s.version, s.zone); err != nil {
		return err
	}
	return batch.Send()
}

// SetState implements archive.Engine.
func (e *Engine) SetState(ctx context.Context, name string, state archive.State) error {
	s, held, err := e.held(ctx, name)
	if err != nil {
		return err
	}
	state.Since, state.Asked = held.Since, held.Asked
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	var newest uint64 // A clock that was ahead may have written it.
	row := e.first().QueryRow(ctx,
		fmt.Sprintf("SELECT max(version) FROM %s WHERE site = %d", e.local("states"), s.number))
	if err := row.Scan(&newest); err != nil {
		return err
	}
	batch, err := e.first().PrepareBatch(ctx, "INSERT INTO "+e.local("states")+" (site, version, state)")
	if err != nil {
		return err
	}
	if err := batch.Append(s.number, e.numbers.next(newest), string(text)); err != nil {
		return err
	}
	return batch.Send()
}

// SetSince implements archive.Engine. It writes a line of its own, since ClickHouse could not keep
// a pass from writing an older state over it. The version of the line is State.Asked.
func (e *Engine) SetSince(ctx context.Context, name string, since int64) error {
	s, held, err := e.held(ctx, name)
	if err != nil {
		return err
	}
	version := e.numbers.next(uint64(held.Asked))
	return e.write(ctx, line{Site: s.number, Kind: kindSince, Version: version, Lo: since})
}

// held returns a site that is known, and its state.
func (e *Engine) held(ctx context.Context, name string) (*site, archive.State, error) {
	s, err := e.must(ctx, name)
	if err != nil {
		return nil, archive.State{}, err
	}
	held, err := e.Site(ctx, name)
	return s, held.State, err
}

// Site implements archive.Engine.
func (e *Engine) Site(ctx context.Context, name string) (archive.Site, error) {
	s, err := e.find(ctx, name)
	if err != nil || s == nil {
		return archive.Site{Name: name}, err
	}
	all, err := e.describe(ctx, s.number)
	if err != nil || len(all) == 0 {
		return archive.Site{Name: name}, err
	}
	return all[0], nil
}

// Sites implements archive.Engine.
func (e *Engine) Sites(ctx context.Context) ([]archive.Site, error) { return e.describe(ctx, 0) }

// describe returns what is known of the site with a number, or of all sites for the number 0.
func (e *Engine) describe(ctx context.Context, number uint16) ([]archive.Site, error) {
	all, err := e.allSites(ctx)
	if err != nil {
		return nil, err
	}
	which := fmt.Sprintf("(%d = 0 OR site = %[1]d)", number)
	lines, err := e.read(ctx, "kind IN ('spans', 'since') AND "+which)
	if err != nil {
		return nil, err
	}
	states, err := e.states(ctx, which)
	if err != nil {
		return nil, err
	}
	var out []archive.Site
	for _, s := range all {
		if number != 0 && s.number != number {
			continue
		}
		one := archive.Site{Name: s.name}
		if one.Zone, err = time.LoadLocation(s.zone); err != nil {
			return nil, err
		}
		if state := states[s.number]; state != "" {
			if err := json.Unmarshal([]byte(state), &one.State); err != nil {
				return nil, err
			}
		}
		for _, l := range lines {
			switch {
			case l.Site != s.number:
			case l.Kind == kindSpans:
				one.Rows, one.Spans = l.Rows, l.spans()
			case l.Kind == kindSince:
				one.State.Since, one.State.Asked = l.Lo, int64(l.Version)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// states returns the newest states of sites.
func (e *Engine) states(ctx context.Context, which string) (map[uint16]string, error) {
	out := map[uint16]string{}
	text := "SELECT site, argMax(state, version) FROM " + e.local("states") + " WHERE " + which + " GROUP BY site"
	return out, e.query(ctx, text, func(row func(...any) error) error {
		var number uint16
		var state string
		err := row(&number, &state)
		out[number] = state
		return err
	})
}
