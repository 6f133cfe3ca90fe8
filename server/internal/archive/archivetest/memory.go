// Package archivetest tests engines of the archive: an engine in memory that is plain and slow, a
// suite that compares any engine with it, and a vendor that misbehaves.
package archivetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// Memory is an archive.Engine in memory. It keeps no index and no count, so that each result is
// computed from the rows alone. Tests compare other engines with it.
type Memory struct {
	mu      sync.Mutex
	sites   map[string]*site
	numbers int
}

type site struct {
	number int
	zone   *time.Location
	rows   []row // by key, the greatest first
	spans  []archive.Span
	state  []byte
	erased map[string]bool // persons
}

// A row is stored with the person that it counts for. The id and the MD5 of an erased person are
// empty.
type row struct {
	archive.Row
	person string
	erased bool
}

// NewMemory returns an empty archive.
func NewMemory() *Memory { return &Memory{sites: map[string]*site{}} }

// Close does nothing.
func (m *Memory) Close() error { return nil }

// Sites implements archive.Engine.
func (m *Memory) Sites(ctx context.Context) ([]archive.Site, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []archive.Site
	for _, name := range slices.Sorted(maps.Keys(m.sites)) {
		s, err := m.site(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, ctx.Err()
}

// Site implements archive.Engine.
func (m *Memory) Site(ctx context.Context, name string) (archive.Site, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return archive.Site{}, err
	}
	return m.site(name)
}

func (m *Memory) site(name string) (archive.Site, error) {
	s := m.sites[name]
	if s == nil {
		return archive.Site{Name: name}, nil
	}
	out := archive.Site{Name: name, Zone: s.zone, Rows: int64(len(s.rows)), Spans: slices.Clone(s.spans)}
	return out, json.Unmarshal(s.state, &out.State)
}

// SetZone implements archive.Engine.
func (m *Memory) SetZone(ctx context.Context, name string, zone *time.Location) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sites[name] == nil {
		m.numbers++
		if m.numbers >= archive.MaxSites {
			return fmt.Errorf("the archive is full: it holds %d sites", archive.MaxSites)
		}
		m.sites[name] = &site{number: m.numbers, state: []byte("{}"), erased: map[string]bool{}}
	}
	m.sites[name].zone = zone
	return ctx.Err()
}

// known returns a site that SetZone has made known.
func (m *Memory) known(name string) (*site, error) {
	if s := m.sites[name]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("the archive does not know %s; nothing was changed", name)
}

// SetState implements archive.Engine.
func (m *Memory) SetState(ctx context.Context, name string, state archive.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.known(name)
	if err != nil {
		return err
	}
	var held archive.State
	if err := json.Unmarshal(s.state, &held); err != nil {
		return err
	}
	state.Since, state.Asked = held.Since, held.Asked
	if s.state, err = json.Marshal(state); err != nil {
		return err
	}
	return ctx.Err()
}

// SetSince implements archive.Engine.
func (m *Memory) SetSince(ctx context.Context, name string, since int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.known(name)
	if err != nil {
		return err
	}
	var state archive.State
	if err := json.Unmarshal(s.state, &state); err != nil {
		return err
	}
	state.Since, state.Asked = since, state.Asked+1
	if s.state, err = json.Marshal(state); err != nil {
		return err
	}
	return ctx.Err()
}
