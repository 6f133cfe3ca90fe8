package audit

import (
	"context"
	"fmt"

	"github.com/drmhub/drmhub/server/internal/store"
)

// Damage is what is wrong with an event.
type Damage string

const (
	// Missing is an event that is not there, though later ones are.
	Missing Damage = "missing"
	// Changed is an event whose hash is not that of what it says, or not the one that the event
	// after it names.
	Changed Damage = "changed"
	// Inserted is an event that follows no other: it is there twice, or neither names the hash of
	// the event before it nor is named by the one after it.
	Inserted Damage = "inserted"
)

// Chain is what Verify found out about one chain.
type Chain struct {
	// ID is the replica that wrote it.
	ID string
	// Events is how many events there are.
	Events int64
	// Head is the hash of the last one. Who notes it can tell later whether the end of the chain
	// was cut off, which the chain itself does not show.
	Head string
	// Damage is what is wrong with the first event that is not as it was written, and Position the
	// place of that; "" and 0 where all is well. What comes behind is not judged.
	Damage   Damage
	Position int64
}

// String is the chain on one line.
func (c Chain) String() string {
	text := fmt.Sprintf("chain %s: %d events, head %s", c.ID, c.Events, c.Head)
	if c.Damage != "" {
		text += fmt.Sprintf("; auditEvents/%s-%d is %s", c.ID, c.Position, c.Damage)
	}
	return text
}

// Verify walks every chain of a store, and answers them in the store's order of their ids. Its
// error is of the reading; damage stands in the chains.
//
// The hashes are no signatures: who can write the store and knows this program can make a chain
// anew. Only a copy elsewhere, such as a Sink's, shows that.
func Verify(ctx context.Context, db *store.DB) ([]Chain, error) {
	rows, err := db.Reads().QueryContext(ctx, "SELECT "+columns+" FROM audit_events ORDER BY chain, position")
	if err != nil {
		return nil, fmt.Errorf("the audit trail cannot be read: %w", err)
	}
	defer rows.Close()
	var chains []Chain
	var w *walk
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("the audit trail cannot be read: %w", err)
		}
		if w == nil || w.chain.ID != e.Chain {
			chains = append(chains, w.end()...)
			w = &walk{chain: Chain{ID: e.Chain}}
		}
		w.step(e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("the audit trail cannot be read: %w", err)
	}
	return append(chains, w.end()...), nil
}

// walk goes along one chain, from event to event by their positions.
type walk struct {
	chain Chain
	top   int64 // the position of the chain's head
	last  Event // the latest event that follows those before it
	// the event after that, where it does not name last's hash: the next one shows whether it
	// belongs there
	doubt *Event
}

// step judges the next event.
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
		// the doubtful one stood there when this one was written
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

// replaced says which one was changed, of the doubtful event and the one before, when it was the
// former's hash that the next event goes on from.
func (w *walk) replaced() {
	if w.doubt.Hash != w.doubt.sum() || w.last.Position == 0 {
		w.damaged(Changed, w.doubt.Position)
		return
	}
	w.damaged(Changed, w.last.Position)
}

func (w *walk) damaged(d Damage, position int64) { w.chain.Damage, w.chain.Position = d, position }

// end is the walk's chain, once there are no more events; none where there is no walk.
func (w *walk) end() []Chain {
	if w == nil {
		return nil
	}
	if w.chain.Damage == "" && w.doubt != nil {
		w.damaged(Inserted, w.doubt.Position)
	}
	return []Chain{w.chain}
}
