package clickhouse

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/internal/clickhouse"
)

// Processes make the same sites known at the same time.
func TestASiteHasOneNumber(t *testing.T) {
	dsn := clickhouse.ForTest(t, 1)
	engines := []*Engine{open(t, dsn), open(t, dsn), open(t, dsn)}
	const sites = 12
	var all sync.WaitGroup
	for n, e := range engines {
		for i := range sites {
			i = (i + n) % sites
			all.Go(func() {
				if err := e.SetZone(t.Context(), fmt.Sprintf("vendors/a/sites/%d", i), time.UTC); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	claims, err := engines[0].claims(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names, numbers := map[string]bool{}, map[uint16]bool{}
	for _, s := range claims {
		if names[s.name] || numbers[s.number] {
			t.Errorf("%s with the number %d is there, and the site or the number is there already", s.name, s.number)
		}
		names[s.name], numbers[s.number] = true, true
	}
	if len(names) != sites {
		t.Errorf("there are %d sites, want %d", len(names), sites)
	}
}

// A process is killed after it has claimed a number, and before its site has a line. The site gets
// that number later, whichever site is next.
func TestAClaimThatWasLeftBehind(t *testing.T) {
	const left, next = "vendors/a/sites/'\\%27\n?` {x:UInt8}é", "vendors/a/sites/next"
	for _, first := range []string{left, next} {
		dsn := clickhouse.ForTest(t, 1)
		killed, other := open(t, dsn), open(t, dsn)
		if err := killed.claim(t.Context(), nil, left, time.UTC); err != nil {
			t.Fatal(err)
		}
		if err := killed.mutate(t.Context(), killed.first(), "sites", "DELETE WHERE 1"); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{first, left, next} {
			if err := other.SetZone(t.Context(), name, time.UTC); err != nil {
				t.Fatal(err)
			}
		}
		sites, err := other.allSites(t.Context())
		if err != nil || len(sites) != 2 || sites[0].name != left || sites[0].number != 1 || sites[1].number != 2 {
			t.Errorf("the sites are %v, %v", sites, err)
		}
	}
}

// A zone that nobody can load again would keep all sites from being read.
func TestAZoneWithoutAName(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 1), "ab")
	if err := e.SetZone(t.Context(), "vendors/a/sites/2", time.FixedZone("here", 3600)); err == nil {
		t.Error("the archive accepts a zone that it cannot load again")
	}
	holds(t, e, "ab", span)
}
