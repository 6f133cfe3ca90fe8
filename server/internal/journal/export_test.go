package journal

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Pass makes it as if an hour had passed: every other replica is dead by now, the vendor is no
// longer at anything, and all that is open is to be settled.
func (j *Journal) Pass(ctx context.Context) error {
	return j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE replicas SET alive_until = 0 WHERE id <> $1 AND alive_until > 0", j.replica); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE steps SET send_time = send_time - $1, over_time = over_time - $1 WHERE mutation IN (SELECT id FROM mutations WHERE settle_at IS NOT NULL)", time.Hour.Microseconds()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE mutations SET settle_at = 0 WHERE settle_at IS NOT NULL")
		return err
	})
}

// Die stops a replica as if its process was killed: it no longer says that it is alive, and settles
// nothing. Methods run on, as they do in a process that wakes up.
func (j *Journal) Die() {
	_ = j.background.end(context.Background())
	_ = j.heartbeat.end(context.Background())
}

// SettleDue is what the journal does in the background, over and over. It answers how many
// mutations are still to be settled.
func (j *Journal) SettleDue(ctx context.Context) (open int, err error) {
	j.settleDue(ctx)
	for range cap(j.settling) { // until nobody is at it
		j.settling <- struct{}{}
	}
	for range cap(j.settling) {
		<-j.settling
	}
	err = j.db.Reads().QueryRowContext(ctx, "SELECT count(*) FROM mutations WHERE settle_at IS NOT NULL").Scan(&open)
	return open, err
}

// SettleDueAfter lists what is due, has something happen, and then answers how much of it is still
// to be settled.
func (j *Journal) SettleDueAfter(ctx context.Context, happens func()) (n int) {
	due, _ := j.dueNow(ctx, settledAtOnce)
	happens()
	for _, id := range due {
		if r, _ := j.claimDue(ctx, id); r != nil {
			n++
		}
	}
	return n
}

// Adrift are the mutations that this replica may own and does not run, by their owners.
func (j *Journal) Adrift() map[string]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	ids := map[string]string{}
	for r := range j.unreleased {
		ids[r.owner] = r.id
	}
	return ids
}

// LetGo is so, too.
func (j *Journal) LetGo(ctx context.Context) { j.retryReleases(ctx) }

// Wake makes a replica count as alive again.
func (j *Journal) Wake(ctx context.Context) error { return j.writeHeartbeat(ctx) }

// Hold claims a mutation, and does nothing with it.
func (j *Journal) Hold(ctx context.Context, name string) error {
	_, err := j.claim(ctx, strings.TrimPrefix(name, namePrefix))
	return err
}

// Replica returns the id of this replica.
func (j *Journal) Replica() string { return j.replica }
