package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Lock takes all locks for a mutation, or none. If it takes none, holder is the mutation that has one
// of them. A mutation with locks is always to be settled, so Lock sets its SettleAt, unless it is set.
func (r *Records) Lock(ctx context.Context, m *Mutation, locks []string) (holder string, err error) {
	return r.lock(ctx, m, locks, func(context.Context, *sql.Tx) error { return nil })
}

// LockToResend is Lock, and records the request_ids that the mutation is sent again by.
func (r *Records) LockToResend(ctx context.Context, m *Mutation, locks []string) (holder string, err error) {
	return r.lock(ctx, m, locks, func(ctx context.Context, tx *sql.Tx) error {
		return m.update(ctx, tx, "resend_id = $3", strings.Join(m.ResendIDs, " "))
	})
}

// Reopen is LockToResend of a mutation that has ended. It moves the mutation back to state, and
// deletes some of its steps.
func (r *Records) Reopen(
	ctx context.Context, m *Mutation, locks []string, state pb.Mutation_State, deletedSteps []string,
) (holder string, err error) {
	return r.lock(ctx, m, locks, func(ctx context.Context, tx *sql.Tx) error {
		err := m.update(ctx, tx, `state = $3, answer = NULL, error = NULL, settle_time = NULL, settle_at = $4,
			attempts = 0, resend_id = $5`, state, now(), strings.Join(m.ResendIDs, " "))
		if err != nil {
			return err
		}
		for _, step := range deletedSteps {
			_, err := tx.ExecContext(ctx, "DELETE FROM steps WHERE mutation = $1 AND step = $2", m.ID, step)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Records) lock(
	ctx context.Context, m *Mutation, locks []string, also func(context.Context, *sql.Tx) error,
) (holder string, err error) {
	err = r.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		// Otherwise a lock could outlive a mutation that another run has ended.
		if err = m.update(ctx, tx, "owner = owner"); err != nil {
			return err
		}
		if holder, err = takeLocks(ctx, tx, m.ID, locks); err != nil || holder != "" {
			return err
		}
		// If this run dies, another one settles the mutation and releases the locks.
		if err = m.update(ctx, tx, "settle_at = COALESCE(settle_at, $3)", now()); err != nil {
			return err
		}
		return also(ctx, tx)
	})
	return holder, Unwritable(err)
}

// Blocking returns the first of these locks that another mutation holds, and that mutation; "" if there is
// none. It writes nothing, and what it reads may be late.
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
	err = r.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		holder, err = holderOf(ctx, tx, lock)
		return err
	})
	return holder, Unwritable(err)
}

func holderOf(ctx context.Context, tx *sql.Tx, lock string) (holder string, err error) {
	err = tx.QueryRowContext(ctx, "SELECT mutation FROM locks WHERE resource = $1", lock).Scan(&holder)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return holder, err
}

// takeLocks takes all locks for a mutation, or none. If it takes none, holder is the mutation that has
// one of them.
func takeLocks(ctx context.Context, tx *sql.Tx, id string, locks []string) (holder string, err error) {
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
func takeLock(ctx context.Context, tx *sql.Tx, id, lock string) (holder string, err error) {
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
