package pallycon_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// kind is what tells rows apart here: equal rows are of one kind.
type kind struct {
	content string
	second  int64
}

// busySite is a site of the twin at which licenses are asked for all the time. It is the adapter's
// transport, so that rows arrive between any two of its calls.
type busySite struct {
	vendor    *emulator.Emulator
	transport http.RoundTripper
	held      map[kind]int // how many rows of each kind the vendor holds
	newest    time.Time
	arrive    func(s *busySite)
	ticks     int // of arrive
}

// newBusySite holds n rows, of which one second has a crowd.
func newBusySite(n, crowd int) *busySite {
	vendor := emulator.New(emulator.Options{})
	vendor.PutSites(emulator.Site{SiteID: "DEMO", Products: []emulator.Product{{ServiceCode: emulator.ServiceDRM, StatusCode: emulator.StateInService}}})
	s := &busySite{vendor: vendor, transport: twin.Transport(vendor), held: map[kind]int{}}
	random := rand.New(rand.NewPCG(1, 2))
	s.newest = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
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
		s.put(contents...)
	}
	s.put("popular", "last", "popular")
	return s
}

// put lets rows of these contents arrive in the newest second. They are short, and alike in all
// else.
func (s *busySite) put(contents ...string) {
	rows := make([]emulator.License, len(contents))
	for i, content := range contents {
		rows[i] = emulator.License{CID: content, DRMType: "NCG", RegTime: s.newest}
		s.held[kind{content, s.newest.Unix()}]++
	}
	s.vendor.PutLicenses("DEMO", rows...)
}

// RoundTrip makes a call of the adapter's, and lets rows arrive after it.
func (s *busySite) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.transport.RoundTrip(r)
	s.tick()
	return res, err
}

// tick lets rows arrive.
func (s *busySite) tick() {
	s.ticks++
	s.arrive(s)
}

// inTheNewestSecond lets none, one or two rows arrive. The first one is like others that were
// there.
func inTheNewestSecond(s *busySite) {
	s.put([]string{"popular", fmt.Sprint("late", s.ticks)}[:s.ticks%3]...)
}

func atNewerSeconds(s *busySite) {
	s.newest = s.newest.Add(time.Second)
	inTheNewestSecond(s)
}

// byTurns is both of these, some hundred times each.
func byTurns(s *busySite) {
	if s.ticks%200 < 100 {
		atNewerSeconds(s)
	} else {
		inTheNewestSecond(s)
	}
}

func TestEachOf50000RowsComesOnceWhileRowsArrive(t *testing.T) {
	t.Parallel()
	const n = 50_000
	always := func(size int32) func(int) int32 { return func(int) int32 { return size } }
	for name, c := range map[string]struct {
		size   func(got int) int32 // after so many rows
		crowd  int
		arrive func(*busySite)
	}{
		// 50,000 pages are too many for one test to go through in good time, and page_size may
		// change.
		"1 in the first half": {func(got int) int32 {
			if got < n/2 {
				return 1
			}
			return 1000
		}, 400, byTurns},
		"1 in the second half": {func(got int) int32 {
			if got < n/2 {
				return 1000
			}
			return 1
		}, 400, byTurns},
		"25, at newer seconds":       {always(25), 1200, atNewerSeconds},
		"25, in the newest second":   {always(25), 1200, inTheNewestSecond},
		"999, by turns":              {always(999), 1200, byTurns},
		"1000, at newer seconds":     {always(1000), 1200, atNewerSeconds},
		"1000, in the newest second": {always(1000), 1200, inTheNewestSecond},
	} {
		t.Run("page_size "+name, func(t *testing.T) {
			t.Parallel()
			s := newBusySite(n, c.crowd)
			earlier := maps.Clone(s.held)
			s.arrive = c.arrive
			got := s.listAll(t, c.size)
			for k, times := range earlier {
				if got[k] < times {
					t.Errorf("%v came %d times, and the vendor held it %d times before", k, got[k], times)
				}
			}
			for k, times := range got {
				if times > s.held[k] {
					t.Errorf("%v came %d times, and the vendor holds it %d times now", k, times, s.held[k])
				}
			}
		})
	}
}

// listAll pages through all licenses, while rows arrive, and counts what it gets.
func (s *busySite) listAll(t *testing.T, size func(got int) int32) map[kind]int {
	t.Helper()
	a := adapterTo(t, twinConfig(), s)
	req := &pb.ListLicensesRequest{Parent: demo}
	got, rows, last := map[kind]int{}, 0, s.newest.Unix()+1
	for range 60_000 {
		req.PageSize = size(rows)
		res, err := a.ListLicenses(t.Context(), req)
		if err != nil {
			t.Fatalf("after %d rows: %v", rows, err)
		}
		if n := len(res.GetLicenses()); n > int(req.GetPageSize()) {
			t.Fatalf("page_size %d answers %d rows", req.GetPageSize(), n)
		}
		for _, l := range res.GetLicenses() {
			k := kind{l.GetContentId(), l.GetCreateTime().GetSeconds()}
			if k.second > last {
				t.Fatalf("%v comes after a row of %d", k, last)
			}
			got[k]++
			rows, last = rows+1, k.second
		}
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return got
		}
		s.tick()
	}
	t.Fatalf("the list does not end: %d rows until now", rows)
	return nil
}
