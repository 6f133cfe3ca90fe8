package shape

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// A Kind is how a response differs from the documents.
type Kind string

// The kinds of differences.
const (
	NewField     Kind = "new_field"     // a member that the documents do not have
	MissingField Kind = "missing_field" // a member that the documents promise
	UnknownCode  Kind = "unknown_code"  // a code of a refusal that the documents do not have
	UnknownWord  Kind = "unknown_word"  // a word that the documents do not have
)

// A Finding is one difference. It identifies itself.
type Finding struct {
	Kind Kind
	Call string // such as "GET /sites"
	Path string // of the member, such as "content[].siteStatus"
	Word string // of UnknownWord and UnknownCode
}

// Seen is a finding, with when and how often responses had it.
type Seen struct {
	Finding
	First, Last time.Time
	Count       int
}

const (
	maxFindings = 100
	// staleAfter is when a finding makes room for another one.
	staleAfter = 24 * time.Hour
)

// Drift holds the findings about one vendor account, at most 100. The zero Drift is empty. It is
// safe for concurrent use.
type Drift struct {
	mu       sync.Mutex
	found    []Seen
	compared map[*Shape]time.Time
}

// Add adds a finding, and reports whether it is a new one. If there is no room, it drops the
// finding.
func (d *Drift) Add(f Finding) (isNew bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for i := range d.found {
		if d.found[i].Finding == f {
			d.found[i].Last = now
			d.found[i].Count++
			return false
		}
	}
	if len(d.found) >= maxFindings {
		d.found = slices.DeleteFunc(d.found, func(s Seen) bool { return now.Sub(s.Last) > staleAfter })
	}
	if len(d.found) >= maxFindings {
		return false
	}
	d.found = append(d.found, Seen{Finding: f, First: now, Last: now, Count: 1})
	return true
}

// Seen returns the findings, the oldest first.
func (d *Drift) Seen() []Seen {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Clone(d.found)
	slices.SortStableFunc(all, func(a, b Seen) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Path, b.Path))
	})
	return all
}

// Due reports whether a response of this shape is to be compared, and counts it as compared if so.
// Once in an interval is often enough to see a change, and costs the other calls nothing.
func (d *Drift) Due(s *Shape, every time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if last, ok := d.compared[s]; ok && now.Sub(last) < every {
		return false
	}
	if d.compared == nil {
		d.compared = map[*Shape]time.Time{}
	}
	d.compared[s] = now
	return true
}
