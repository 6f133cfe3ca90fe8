package journal_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// seen is what an observer was told.
type seen struct {
	mu   sync.Mutex
	told []string
}

func (s *seen) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

func (s *seen) Ended(method string, state pb.Mutation_State) { s.tell("%s %s", method, state) }
func (s *seen) Attempted(r journal.Result)                   { s.tell("attempt: %s", r) }
func (s *seen) Settled(state pb.Mutation_State, took time.Duration) {
	s.tell("%s: %t", state, took >= 0 && took < time.Minute)
}

// wantTold demands that the observer was told this since the last time.
func (s *seen) wantTold(t *testing.T, when string, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.told, want) {
		t.Errorf("%s: %q, want %q", when, s.told, want)
	}
	s.told = nil
}

func TestWhatIsObserved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		const method, otherSite = "drmhub.v1.SiteService/DisableSite", "vendors/w/sites/s"
		told, options := &seen{}, noBackground
		options.Observer = told
		v, mend := unreadable(map[int]fault{1: lost, 2: lost, 3: refused})
		r := newReplica(t, storetest.Open(t, dsn), v, options)
		stop(t, r.Journal)
		wantBacklog := func(when string, due int64, overdue bool, want ...records.Group) {
			t.Helper()
			b, err := r.Backlog(t.Context(), []string{"v", "idle"})
			if err != nil {
				t.Fatal(err)
			}
			for i, g := range b.Unsettled {
				if g.Age < 0 || g.Age > time.Hour {
					t.Errorf("%s: the age is %v", when, g.Age)
				}
				b.Unsettled[i].Age = 0
			}
			slices.SortFunc(b.Unsettled, func(a, b records.Group) int { return int(b.State - a.State) })
			if !slices.Equal(b.Unsettled, want) || b.Due != due || b.Overdue > time.Hour != overdue || b.Replicas != 1 {
				t.Errorf("%s: %+v, want %+v", when, b, want)
			}
		}
		wantBacklog("at first", 0, false)
		wantUnknown(t, r.disable(t, id))
		told.wantTold(t, "a lost response", method+" UNKNOWN")
		ofV := records.Group{Vendor: "v", State: pb.Mutation_UNKNOWN, Count: 1}
		wantBacklog("a lost response", 0, false, ofV)
		ok(t, r.Pass(t.Context()))
		wantBacklog("an hour later", 1, true, ofV)
		r.SettleDue(t.Context())
		told.wantTold(t, "the vendor is down", "attempt: unknown")
		mend()
		ok(t, r.Pass(t.Context()))
		r.SettleDue(t.Context())
		told.wantTold(t, "the vendor is up again", method+" SUCCEEDED", "SUCCEEDED: true", "attempt: settled")
		wantBacklog("the vendor is up again", 0, false)

		wantUnknown(t, r.enableAt(t, otherSite, otherID)) // which cannot be read back
		ok(t, r.Pass(t.Context()))
		r.SettleDue(t.Context())
		wantBacklog("nothing can be read back", 0, false,
			records.Group{State: pb.Mutation_UNKNOWN, GivenUp: true, Count: 1})
		told.mu.Lock()
		told.told = nil
		told.mu.Unlock()
		if err := r.disable(t, ""); err == nil {
			t.Error("the vendor refused the write")
		}
		told.wantTold(t, "a refusal", method+" FAILED", "FAILED: true")
	})
}
