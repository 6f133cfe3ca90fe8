package listtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A Site is a site of a twin at which licenses arrive while they are listed.
type Site struct {
	FullPages bool // every page but the last has as many rows as asked for

	put    func(at time.Time, contents []string)
	mu     sync.Mutex
	held   map[Row]int // how many rows of each kind the vendor holds
	newest time.Time
	ticks  int
	arrive func(s *Site)
}

// parent is the site whose licenses are read.
const parent = "vendors/acme/sites/DEMO"

// Start is the time of a site's first row.
var Start = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)

// NewSite gives the vendor n licenses. One second has a crowd of them. put gives the vendor the
// licenses of one second, one for each content.
func NewSite(n, crowd int, put func(at time.Time, contents []string)) *Site {
	s := &Site{put: put, held: map[Row]int{}, newest: Start}
	random := rand.New(rand.NewPCG(1, 2))
	for serial := 0; serial < n; s.newest = s.newest.Add(time.Second) {
		// most seconds have a few rows, and some none
		size, alike := []int{0, 1, 1, 2, 3, 5}[random.IntN(6)], 0.05
		switch {
		case random.IntN(20) == 0:
			alike = 1
		case serial < n/3 && n/3 <= serial+size:
			size = crowd
		case serial < n/4 && n/4 <= serial+size:
			size, alike = 250, 1
		}
		var contents []string
		for range min(size, n-serial) {
			serial++
			content := fmt.Sprint("c", serial)
			if random.Float64() < alike {
				content = "popular"
			}
			contents = append(contents, content)
		}
		s.add(contents...)
	}
	s.add("popular", "last", "popular")
	return s
}

// add gives the vendor licenses in the newest second.
func (s *Site) add(contents ...string) {
	for _, content := range contents {
		s.held[Row{content, s.newest.Unix()}]++
	}
	s.put(s.newest, contents)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Through returns a transport to the vendor. Licenses arrive after each call.
func (s *Site) Through(vendor http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		res, err := vendor.RoundTrip(r)
		s.tick()
		return res, err
	})
}

func (s *Site) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ticks++
	if s.arrive != nil {
		s.arrive(s)
	}
}

// InTheNewestSecond adds up to two rows. The first one equals others of the site.
func InTheNewestSecond(s *Site) {
	s.add([]string{"popular", fmt.Sprint("late", s.ticks)}[:s.ticks%3]...)
}

// AtNewerSeconds adds up to two rows, each time in a second of its own.
func AtNewerSeconds(s *Site) {
	s.newest = s.newest.Add(time.Second)
	InTheNewestSecond(s)
}

// ByTurns does a hundred times the one, and a hundred times the other.
func ByTurns(s *Site) {
	if s.ticks%200 < 100 {
		AtNewerSeconds(s)
	} else {
		InTheNewestSecond(s)
	}
}

// Always is a page size that never changes.
func Always(size int32) func(int) int32 { return func(int) int32 { return size } }

// A List is the method ListLicenses of an adapter to the site.
type List func(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error)

// CheckWhole lists all licenses while others arrive. size returns the page size after so many rows.
// Every license of the beginning must come exactly once, and none more often than the vendor holds
// it.
func (s *Site) CheckWhole(t *testing.T, size func(got int) int32, arrive func(*Site), list List) {
	t.Helper()
	least := maps.Clone(s.held)
	s.arrive = arrive
	got := s.listAll(t, size, list)
	checkCounts(t, got, least, s.held)
}

// OneAtThreePlaces asks for one row a page at the beginning of n rows, around the crowd of a Site
// and at the end. It asks for 1,000 rows elsewhere, since n pages take too long for a test.
func OneAtThreePlaces(n int) func(got int) int32 {
	return func(got int) int32 {
		crowd := n * 2 / 3
		if got < 1000 || got > crowd-500 && got < crowd+500 || got > n-1000 {
			return 1
		}
		return 1000
	}
}

func (s *Site) listAll(t *testing.T, size func(got int) int32, list List) map[Row]int {
	t.Helper()
	req := &pb.ListLicensesRequest{Parent: parent}
	got, rows, last := map[Row]int{}, 0, s.newest.Unix()+1
	for range 60_000 {
		req.PageSize = size(rows)
		res, err := list(t.Context(), req)
		if err != nil {
			t.Fatalf("after %d rows: %v", rows, err)
		}
		n := len(res.GetLicenses())
		short := n < int(req.GetPageSize()) && res.GetNextPageToken() != ""
		if n > int(req.GetPageSize()) || s.FullPages && short {
			t.Fatalf("page_size %d returns %d rows, with the token %q", req.GetPageSize(), n, res.GetNextPageToken())
		}
		for _, l := range res.GetLicenses() {
			r := Row{l.GetContentId(), l.GetCreateTime().GetSeconds()}
			if r.At > last {
				t.Fatalf("%v comes after a row of %d", r, last)
			}
			got[r]++
			rows, last = rows+1, r.At
		}
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return got
		}
		s.tick()
	}
	t.Fatalf("the list does not end: %d rows until now", rows)
	return nil
}

// LongList returns how many rows a long list has: 10,000, and 50,000 where DRMHUB_TEST_EXHAUSTIVE
// is set.
func LongList() int {
	if os.Getenv("DRMHUB_TEST_EXHAUSTIVE") != "" {
		return 50_000
	}
	return 10_000
}
