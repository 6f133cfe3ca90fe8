package audit

import (
	"cmp"
	"context"
	"fmt"

	"github.com/drmhub/drmhub/server/internal/store"
)

// A Damage says what is wrong with an event.
type Damage string

const (
	// Missing means that the event is gone, but later ones exist.
	Missing Damage = "missing"
	// Changed means that the event's hash does not fit its fields, or that the next event names
	// another hash.
	Changed Damage = "changed"
	// Inserted means that the event exists twice, or that no other event is linked with it by a
	// hash.
	Inserted Damage = "inserted"
)

// A Chain is what Verify found out about one chain.
type Chain struct {
	// ID is the replica that wrote the chain.
	ID string
	// Events is the number of events.
	Events int64
	// Head is the hash of the last event. The chain itself does not show that its end was cut off.
	// A head that was noted before does.
	Head string
	// Damage is what is wrong with the first damaged event, and Position the place of that event.
	// In a whole chain they are "" and 0. The events after a damaged one are not checked.
	Damage   Damage
	Position int64
}

// String returns the chain on one line.
func (c Chain) String() string {
	text := fmt.Sprintf("chain %s: %d events, head %s", c.ID, c.Events, c.Head)
	if c.Damage != "" {
		text += fmt.Sprintf("; %s is %s", c.Damaged(), c.Damage)
	}
	return text
}

// Damaged returns the name of the first damaged event.
func (c Chain) Damaged() string { return Event{Chain: c.ID, Position: c.Position}.Name() }

// Verify checks every chain of a store, and calls found with each in the store's order of their
// ids. An error means that the store could not be read to its end. Damage is in the chains. Verify
// holds one event at a time.
//
// The hashes are not signatures. A person who can write the store, and knows this program, can
// write a chain anew. Only a copy elsewhere, such as that of a Sink, shows it.
func Verify(ctx context.Context, db *store.DB, found func(Chain)) error {
	rows, err := db.Reads().QueryContext(ctx, "SELECT "+columns+" FROM audit_events ORDER BY chain, position")
	if err != nil {
		return fmt.Errorf("the audit trail cannot be read: %w", err)
	}
	defer rows.Close()
	var w *walk
	for rows.Next() {
		e, err := scan(rows)
		if err = cmp.Or(ctx.Err(), err); err != nil { // Rows may still come for a while after the deadline.
			return fmt.Errorf("the audit trail cannot be read: %w", err)
		}
		if w == nil || w.chain.ID != e.Chain {
			if w != nil {
				found(w.end())
			}
			w = &walk{chain: Chain{ID: e.Chain}}
		}
		w.step(e)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("the audit trail cannot be read: %w", err)
	}
	if w != nil {
		found(w.end())
	}
	return nil
}

// A walk checks one chain, event by event in the order of their positions.
type walk struct {
	chain Chain
	top   int64 // the position of the chain's head
	last  Event // the latest event that fits those before it
	// doubt is the event after last, if it does not name last's hash. The next event shows whether
	// doubt belongs there.
	doubt *Event
}

// step checks the next event.
func (w *walk) step(e Event) {
	w.chain.Events++
	if e.Position >= w.top {
		w.top, w.chain.Head = e.Position, e.Hash
	}
	if w.chain.Damage != "" {
		return
	}
	last := w.last
	if w.doubt != nil {
		last = *w.doubt
	}
	switch {
	case e.Position <= last.Position:
		w.damaged(Inserted, e.Position)
	case w.doubt != nil && e.PreviousHash == w.doubt.Hash:
		// The event in doubt was there when this one was written.
		w.replaced()
	case w.doubt != nil:
		w.damaged(Inserted, w.doubt.Position)
	case e.Position > last.Position+1:
		w.damaged(Missing, last.Position+1)
	case e.PreviousHash != last.Hash:
		w.doubt = &e
	case e.Hash != e.sum():
		w.damaged(Changed, e.Position)
	default:
		w.last = e
	}
}

// replaced decides whether the event in doubt or the event before it was changed. The next event
// names the hash of the event in doubt.
func (w *walk) replaced() {
	if w.doubt.Hash != w.doubt.sum() || w.last.Position == 0 {
		w.damaged(Changed, w.doubt.Position)
		return
	}
	w.damaged(Changed, w.last.Position)
}

func (w *walk) damaged(d Damage, position int64) { w.chain.Damage, w.chain.Position = d, position }

// end returns the chain after its last event.
func (w *walk) end() Chain {
	if w.chain.Damage == "" && w.doubt != nil {
		w.damaged(Inserted, w.doubt.Position)
	}
	return w.chain
}
