package licensehistory

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/internal/panics"
)

// readPages reads up to n pages of a list that does not change, several at once, from the page
// first on. It ends early at a page that is not full, since that is likely the last one. It also
// does so at a page that equals the one before it. The first failure stops the other readers.
func (r Reader[R]) readPages(ctx context.Context, pin int64, first, n int) ([]*Page[R], error) {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		pages   = make([]*Page[R], n)
		turn    atomic.Int64
		ended   atomic.Bool
		mu      sync.Mutex
		failed  error
		readers panics.Group
	)
	read := func() {
		for reading.Err() == nil && !ended.Load() {
			i := int(turn.Add(1)) - 1
			if i >= n {
				return
			}
			p, err := r.ReadPage(reading, pin, first+i)
			mu.Lock()
			if failed == nil {
				failed = err
			}
			pages[i] = p
			last := err == nil && (len(p.Rows) < PageSize || repeatsIn(pages, i) || repeatsIn(pages, i+1))
			mu.Unlock()
			if err != nil {
				cancel()
				return
			}
			if last {
				ended.Store(true)
			}
		}
	}
	for range min(r.Concurrency, n) {
		readers.Go(func() {
			if p := panics.Catch(read); p != nil {
				cancel() // the other readers
				panic(p)
			}
		})
	}
	readers.Wait()
	switch {
	case failed != nil:
		return nil, failed
	case ctx.Err() != nil:
		return nil, apierror.FromContext(ctx)
	}
	return pages[:min(int(turn.Load()), n)], nil
}

// repeatsIn reports whether a page equals the one before it, as far as both have been read.
func repeatsIn[R Row](pages []*Page[R], i int) bool {
	return i > 0 && i < len(pages) && pages[i-1] != nil && pages[i] != nil &&
		slices.Equal(pages[i-1].Rows, pages[i].Rows)
}
