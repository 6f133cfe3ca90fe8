package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/store"
)

// Lock takes all locks for a mutation, or none. If it takes none, holder is the mutation that has
// one of them. A mutation with locks is always to be settled, so Lock sets its SettleAt, unless it
// is set.
func (r *Records) Lock(ctx context.Context, m *Mutation, locks []string) (holder string, err error) {
	return r.lock(ctx, m, locks, func(*store.Tx) {})
}

// LockToResend is Lock, and records the request_ids that the mutation is sent again by.
func (r *Records) LockToResend(ctx context.Context, m *Mutation, locks []string) (holder string, err error) {
	return r.lock(ctx, m, locks, func(tx *store.Tx) {
		m.update(tx, "resend_id = $3", strings.Join(m.ResendIDs, " "))
	})
}

// Reopen is LockToResend of a mutation that has ended. It moves the mutation back to state, and
// deletes some of its steps.
func (r *Records) Reopen(
	ctx context.Context, m *Mutation, locks []string, state pb.Mutation_State, deletedSteps []string,
) (holder string, err error) {
	return r.lock(ctx, m, locks, func(tx *store.Tx) {
		m.update(tx, `state = $3, answer = NULL, error = NULL, settle_time = NULL, settle_at = $4,
			attempts = 0, resend_id = $5`, state, now(), strings.Join(m.ResendIDs, " "))
		for _, step := range deletedSteps {
			tx.Queue(nil, "DELETE FROM steps WHERE mutation = $1 AND step = $2", m.ID, step)
		}
	})
}

func (r *Records) lock(
	ctx context.Context, m *Mutation, locks []string, also func(*store.Tx),
) (holder string, err error) {
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		// Otherwise a lock could outlive a mutation that another run has ended.
		m.update(tx, "owner = owner")
		if holder, err = takeLocks(ctx, tx, m.ID, locks); err != nil || holder != "" {
			return err
		}
		// If this run dies, another one settles the mutation and releases the locks.
		m.update(tx, "settle_at = COALESCE(settle_at, $3)", now())
		also(tx)
		return nil
	})
	return holder, Unwritable(err)
}

// Blocking returns the first of these locks that another mutation holds, and that mutation. It
// returns "" if no other one holds any. It writes nothing, and what it reads may be late.
func (r *Records) Blocking(ctx context.Context, id string, locks []string) (lock, holder string, err error) {
	for some := range slices.Chunk(locks, maxPlaceholders) {
		values := []any{id}
		for _, lock := range some {
			values = append(values, lock)
		}
		query := "SELECT resource, mutation FROM locks WHERE mutation <> $1 AND resource IN (" +
			placeholders(2, len(some)) + ") ORDER BY resource LIMIT 1"
		err = r.db.Reads().QueryRowContext(ctx, query, values...).Scan(&lock, &holder)
		if !errors.Is(err, sql.ErrNoRows) {
			return lock, holder, Unwritable(err)
		}
	}
	return "", "", nil
}

// maxPlaceholders bounds the values of a query. Databases take some thousands.
const maxPlaceholders = 500

// placeholders returns the placeholders of so many values.
func placeholders(first, count int) string {
	all := make([]string, count)
	for i := range all {
		all[i] = fmt.Sprintf("$%d", first+i)
	}
	return strings.Join(all, ", ")
}

// Holder returns the mutation that holds a lock, or "". It reads on the write connection, because a
// read replica may lag behind.
func (r *Records) Holder(ctx context.Context, lock string) (holder string, err error) {
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		holder, err = holderOf(ctx, tx, lock)
		return err
	})
	return holder, Unwritable(err)
}

func holderOf(ctx context.Context, tx *store.Tx, lock string) (holder string, err error) {
	err = tx.QueryRowContext(ctx, "SELECT mutation FROM locks WHERE resource = $1", lock).Scan(&holder)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return holder, err
}

// takeNew makes a transaction take all locks for a mutation that it inserts, if all are free. If it
// does not insert the mutation, it takes none. taken gets the number of locks that it has taken. It
// takes some of them if another replica takes locks at the same time.
func takeNew(tx *store.Tx, id string, locks []string, taken *int64) {
	values, rows := []any{id}, make([]string, len(locks))
	for i, lock := range locks {
		values = append(values, lock)
		rows[i] = fmt.Sprintf("($%d)", i+2)
	}
	tx.Queue(count(taken), `INSERT INTO locks (resource, mutation)
		SELECT wanted.column1, $1 FROM (VALUES `+strings.Join(rows, ", ")+`) AS wanted
		WHERE EXISTS (SELECT 1 FROM mutations WHERE id = $1)
			AND NOT EXISTS (SELECT 1 FROM locks WHERE resource IN (`+placeholders(2, len(locks))+`))
		ON CONFLICT (resource) DO NOTHING`, values...)
}

// count returns a function that keeps the number of rows.
func count(into *int64) func(rows int64) error {
	return func(rows int64) error {
		*into = rows
		return nil
	}
}

// takeLocks takes all locks for a mutation, or none. If it takes none, holder is the mutation that
// has one of them.
func takeLocks(ctx context.Context, tx *store.Tx, id string, locks []string) (holder string, err error) {
	for _, lock := range locks {
		if holder, err = takeLock(ctx, tx, id, lock); err != nil {
			return "", err
		}
		if holder != id {
			_, err := tx.ExecContext(ctx, "DELETE FROM locks WHERE mutation = $1", id)
			return holder, err
		}
	}
	return "", nil
}

// takeLock takes a lock, and returns who holds it. It selects before it inserts, so that a waiter
// holds no row lock that would block the holder or other replicas.
func takeLock(ctx context.Context, tx *store.Tx, id, lock string) (holder string, err error) {
	const insert = "INSERT INTO locks (resource, mutation) VALUES ($1, $2) ON CONFLICT (resource) DO NOTHING"
	for range 3 { // After a conflict, the holder may release the lock before it is read.
		if holder, err = holderOf(ctx, tx, lock); err != nil || holder != "" {
			return holder, err
		}
		taken, err := tx.ExecContext(ctx, insert, lock, id)
		if err != nil {
			return "", err
		}
		if n, err := taken.RowsAffected(); err != nil || n == 1 {
			return id, err
		}
	}
	return "", fmt.Errorf("nothing was sent: the lock %s changes hands too fast", lock)
}
