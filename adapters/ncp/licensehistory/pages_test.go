package licensehistory

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/internal/panics"
)

// counting is a vendor of full pages that takes a second for each, and counts how many it is asked
// for at once.
type counting struct {
	mu             sync.Mutex
	inFlight, most int
	asked          []int
	answer         func(ctx context.Context, number int) (*Page[listtest.Row], error)
}

func (c *counting) read(ctx context.Context, _ int64, number int) (*Page[listtest.Row], error) {
	c.mu.Lock()
	c.inFlight++
	c.most = max(c.most, c.inFlight)
	c.asked = append(c.asked, number)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.inFlight--
		c.mu.Unlock()
	}()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, apierror.FromContext(ctx)
	}
	if c.answer != nil {
		return c.answer(ctx, number)
	}
	return full(number), nil
}

// full is a page whose rows tell its number.
func full(number int) *Page[listtest.Row] {
	p := &Page[listtest.Row]{Rows: make([]listtest.Row, PageSize)}
	for i := range p.Rows {
		p.Rows[i].At = int64(-number)
	}
	return p
}

func (c *counting) reader(atOnce int) Reader[listtest.Row] {
	return Reader[listtest.Row]{ReadPage: c.read, Concurrency: atOnce, Habits: &Habits{}}
}

func TestSoManyPagesAreReadAtOnceAndNoMore(t *testing.T) {
	for atOnce, want := range map[int]time.Duration{1: 10 * time.Second, 3: 4 * time.Second, 16: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c, begun := &counting{}, time.Now()
			pages, err := c.reader(atOnce).readPages(t.Context(), 0, 4, 10)
			if err != nil || len(pages) != 10 || c.most != min(atOnce, 10) || len(c.asked) != 10 {
				t.Errorf("%d at once: %d pages of %v, %d at once, %v", atOnce, len(pages), c.asked, c.most, err)
			}
			for i, p := range pages {
				if p.Rows[0].At != int64(-4-i) {
					t.Errorf("%d at once: page %d is %d", atOnce, 4+i, -p.Rows[0].At)
				}
			}
			if took := time.Since(begun); took != want {
				t.Errorf("%d at once take %v, want %v", atOnce, took, want)
			}
		})
	}
}

func TestAPageThatFailsStopsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, stopped := errors.New("broken"), 0
		c := &counting{}
		c.answer = func(ctx context.Context, number int) (*Page[listtest.Row], error) {
			switch number {
			case 5:
				return nil, broken
			case 4, 6: // these would take an hour
				select {
				case <-ctx.Done():
					c.mu.Lock()
					stopped++
					c.mu.Unlock()
					return nil, apierror.FromContext(ctx)
				case <-time.After(time.Hour):
				}
			}
			return full(number), nil
		}
		begun := time.Now()
		pages, err := c.reader(3).readPages(t.Context(), 0, 1, 20)
		if pages != nil || !errors.Is(err, broken) {
			t.Errorf("%d pages, %v; want the failure of one of them", len(pages), err)
		}
		if stopped != 2 || len(c.asked) != 6 || time.Since(begun) != 2*time.Second {
			t.Errorf("%d were stopped, %v asked for, within %v", stopped, c.asked, time.Since(begun))
		}
	})
}

func TestACallerWhoGoesStopsAllPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		c := &counting{}
		pages, err := c.reader(3).readPages(ctx, 0, 1, 20)
		if e := apierror.Convert(err); pages != nil || e.Code != codes.DeadlineExceeded || len(c.asked) != 9 {
			t.Errorf("%d pages, %v, %v asked for", len(pages), err, c.asked)
		}
		cancel()
		_, err = c.reader(3).readPages(ctx, 0, 1, 20)
		if apierror.Convert(err).Code != codes.DeadlineExceeded || len(c.asked) != 9 {
			t.Errorf("after the deadline: %v, %v asked for", err, c.asked)
		}
	})
}

func TestNoPageIsAskedForBehindTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{answer: func(_ context.Context, number int) (*Page[listtest.Row], error) {
			p := full(number)
			if number >= 4 {
				p.Rows = p.Rows[:max(0, 50-50*(number-4))]
			}
			return p, nil
		}}
		pages, err := c.reader(3).readPages(t.Context(), 0, 1, 20)
		// those that were under way are not stopped
		if err != nil || len(pages) != 6 || len(c.asked) != 6 {
			t.Errorf("%d pages, %v asked for, %v", len(pages), c.asked, err)
		}
	})
}

func TestAMistakeInOnePageShowsInTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{answer: func(context.Context, int) (*Page[listtest.Row], error) { panic("a mistake") }}
		p := panics.Catch(func() {
			_, err := c.reader(3).readPages(t.Context(), 0, 1, 9)
			t.Errorf("the call returns %v", err)
		})
		if p == nil || p.Value != "a mistake" {
			t.Errorf("the call panics with %v", p)
		}
	})
}
