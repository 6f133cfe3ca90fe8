package audit

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/drmhub/drmhub/server/internal/store"
)

// A Recorder appends events to the chain of one replica, and tells of each event once it is
// durable. It is safe for concurrent use.
type Recorder struct {
	db    *store.DB
	trail *Trail
	tell  func(Event)
	// untold means that tell does nothing.
	untold bool
	// looking holds a token while LookForUnconfirmed runs, so that no event is told twice.
	looking chan struct{}

	mu sync.Mutex
	// The events whose commit returned an error, and since when. Such an event may be durable.
	unconfirmed map[Event]time.Time
}

// NewRecorder returns the recorder of a replica. It calls tell for each durable event. A nil tell
// is allowed.
func NewRecorder(db *store.DB, replica string, tell func(Event)) *Recorder {
	r := &Recorder{
		db: db, trail: NewTrail(replica), tell: tell, looking: make(chan struct{}, 1),
		unconfirmed: map[Event]time.Time{},
	}
	if tell == nil {
		r.tell, r.untold = func(Event) {}, true
	}
	return r
}

// Record appends an event in a transaction of its own. The event is durable when Record returns
// without an error.
func (r *Recorder) Record(ctx context.Context, e Event) error {
	kept, err := r.trail.Record(ctx, r.db, e)
	r.Ended(kept, err)
	return err
}

// Append appends an event at the end of a transaction, and puts it into kept as it is stored. Once
// the transaction has ended, the caller must call Ended with this event.
func (r *Recorder) Append(tx *store.Tx, e Event, kept *Event) {
	r.trail.Append(tx, time.Now(), e, kept)
}

// Ended tells of an event whose transaction ended with err. If the event may be durable in spite of
// err, LookForUnconfirmed looks for it. The zero Event is ignored.
func (r *Recorder) Ended(kept Event, err error) {
	switch {
	case kept.Position == 0:
	case err == nil:
		r.tell(kept)
	case store.MayBeDurable(err):
		r.mu.Lock()
		defer r.mu.Unlock()
		r.unconfirmed[kept] = time.Now()
	}
}

// LookForUnconfirmed tells of the events that are durable although their commit returned an error.
// It returns how many events are still unconfirmed. When ctx ends, it looks no further.
func (r *Recorder) LookForUnconfirmed(ctx context.Context) (left int) {
	select {
	case r.looking <- struct{}{}:
		defer func() { <-r.looking }()
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.unconfirmed)
	}
	r.mu.Lock()
	unconfirmed := maps.Clone(r.unconfirmed)
	r.mu.Unlock()
	for e, since := range unconfirmed {
		held, err := r.trail.Holds(ctx, r.db, e)
		switch {
		case err != nil, !held && time.Since(since) <= store.MaxCommitDelay:
			left++
			continue
		case held:
			r.tell(e)
		}
		r.mu.Lock()
		delete(r.unconfirmed, e)
		r.mu.Unlock()
	}
	return left
}

// Unconfirmed returns how many events may be durable although their commit returned an error, and
// since when the first of them. There are none if nobody is told of events.
func (r *Recorder) Unconfirmed() (events int64, since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.untold {
		return 0, time.Time{}
	}
	for _, came := range r.unconfirmed {
		if since.IsZero() || came.Before(since) {
			since = came
		}
	}
	return int64(len(r.unconfirmed)), since
}
