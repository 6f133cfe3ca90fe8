package decide

import "time"

// Old is what is known when a replica looks for settled mutations to delete.
type Old struct {
	// Now is the time by the clock of the replica, and Keep is how long a settled mutation is kept.
	Now  time.Time
	Keep time.Duration
	// Oldest is when the first of the settled mutations in the store was settled, or zero.
	Oldest time.Time
	// HeldSince is since when nothing is deleted, because the clock may have jumped, or zero.
	HeldSince time.Time
}

// Delete decides whether the mutations that were settled more than Keep ago are deleted. If not, it
// returns since when nothing is deleted.
//
// A replica looks for them all the time, so none of them is long overdue. If one is, the clock has
// jumped ahead, was behind when the mutation was settled, or no replica ran for long. A clock that
// jumped makes every mutation look old, and a request_id that is deleted too early makes a change
// twice. So nothing is deleted until Keep has passed since then.
func Delete(o Old) (deleted bool, heldSince time.Time) {
	old := o.Now.Add(-o.Keep)
	overdue := old.Add(-o.Keep / overduePart)
	switch {
	case !o.Oldest.Before(overdue) || o.Oldest.IsZero():
		return true, time.Time{}
	case o.HeldSince.Before(overdue), o.HeldSince.After(o.Now): // The clock has just jumped, or once more.
		return false, o.Now
	case o.HeldSince.After(old):
		return false, o.HeldSince
	default:
		return true, o.HeldSince
	}
}

// overduePart is the part of Keep for which a mutation may be overdue. Replicas look for old
// mutations several times within it.
const overduePart = 8
