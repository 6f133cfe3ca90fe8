package records

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/server/internal/store"
)

// Insert records a mutation that its run is about to begin, and takes its locks if all are free. If
// the caller's request_id is known, it writes nothing and returns the known mutation.
func (r *Records) Insert(ctx context.Context, m *Mutation, locks []string) (known *Mutation, locked bool, err error) {
	requestID := sql.NullString{String: m.RequestID, Valid: m.RequestID != ""}
	secrets := 0
	if m.HeldSecrets {
		secrets = 1
	}
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		known, locked = nil, false
		var inserted, taken int64
		tx.Queue(count(&inserted), `INSERT INTO mutations (id, subject, request_id, method, resource,
				digest, request, secrets, state, create_time, owner, settle_at, account)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $12)
			ON CONFLICT (subject, request_id) DO NOTHING`,
			m.ID, m.Subject, requestID, m.Method, m.Resource,
			m.Digest, m.Request, secrets, m.State, m.Created.UnixMicro(), m.Owner, m.Account)
		takeNew(tx, m.ID, locks, &taken)
		tx.After(func(ctx context.Context) (err error) {
			if inserted == 0 {
				row := tx.QueryRowContext(ctx, "SELECT "+r.columns()+byRequestID, now(), m.Subject, m.RequestID)
				known, err = scan(row)
				return err
			}
			if locked = taken == int64(len(locks)); !locked {
				tx.Queue(nil, "DELETE FROM locks WHERE mutation = $1", m.ID)
			}
			return nil
		})
		return nil
	})
	return known, locked, Unwritable(err)
}

// Claim makes owner the owner of a mutation, and returns the mutation with its steps. It returns
// nil if another run owns the mutation.
//
// It reads the steps in the same transaction, since decisions depend on them. Another connection
// may lead to a read replica, which may lag behind.
func (r *Records) Claim(ctx context.Context, id, owner string) (*Mutation, error) {
	return r.claimIf(ctx, id, owner, r.unowned())
}

// ClaimDue is Claim of a mutation that is due to be settled. It returns nil if the mutation is no
// longer due, since another replica may just have tried to settle it.
func (r *Records) ClaimDue(ctx context.Context, id, owner string) (*Mutation, error) {
	return r.claimIf(ctx, id, owner, r.due+" AND "+r.unowned())
}

func (r *Records) claimIf(ctx context.Context, id, owner, condition string) (claimed *Mutation, err error) {
	query := "UPDATE mutations SET owner = $2 WHERE id = $3 AND " + condition + " RETURNING " + r.columns()
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		claimed = nil
		m, err := scan(tx.QueryRowContext(ctx, query, now(), owner, id))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		m.Owner = owner
		if err := endCalls(ctx, tx, id); err != nil {
			return err
		}
		m.Steps, err = steps(ctx, tx, id)
		claimed = m
		return err
	})
	if err != nil {
		return nil, Unwritable(err)
	}
	return claimed, nil
}

// endCalls corrects the steps of a claimed mutation whose call would still run for longer than any
// call. A replica with a wrong clock wrote that time.
func endCalls(ctx context.Context, tx *store.Tx, id string) error {
	latest := time.Now().Add(mutation.MaxWriteTime)
	_, err := tx.ExecContext(ctx, "UPDATE steps SET over_time = $2 WHERE mutation = $1 AND over_time > $3",
		id, latest.UnixMicro(), latest.Add(clockError).UnixMicro())
	return err
}

// Release gives up the ownership of a mutation.
func (r *Records) Release(ctx context.Context, m *Mutation) error {
	return r.db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		m.update(tx, "owner = ''")
		return nil
	})
}

// WriteSteps writes steps of a mutation. If one of them is Sent, the mutation is SENT from now on,
// unless it is UNKNOWN already.
func (r *Records) WriteSteps(ctx context.Context, m *Mutation, all []*Step) error {
	var sentAt time.Time
	for _, s := range all {
		if s.State == mutation.Sent {
			sentAt = s.Sent
		}
	}
	return Unwritable(r.db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		if sentAt.IsZero() { // A column with an index costs more, even if its value stays.
			m.update(tx, "owner = owner")
		} else {
			m.update(tx, "send_time = COALESCE(send_time, $3), state = CASE WHEN state = $4 THEN $5 ELSE state END",
				micros(sentAt), intended, sent)
		}
		return writeAll(tx, m.ID, all)
	}))
}

func writeAll(tx *store.Tx, id string, all []*Step) error {
	for _, s := range all {
		if err := s.write(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// End writes the end of a run, as m describes it, and the steps. It ends the ownership. If m has no
// SettleAt, it releases the locks. also runs in the same transaction.
func (r *Records) End(ctx context.Context, m *Mutation, all []*Step, also func(*store.Tx)) error {
	var packed *anypb.Any
	if m.Response != nil {
		var err error
		if packed, err = anypb.New(m.Response); err != nil {
			return err
		}
	}
	response, err := marshal(packed)
	if err != nil {
		return err
	}
	failure, err := marshal(m.Err)
	if err != nil {
		return err
	}
	return unreadable(r.db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		m.update(tx, `owner = '', state = $3, answer = $4, error = $5, vendor_http_status = $6,
			vendor_code = $7, settle_time = $8, settle_at = $9, attempts = $10`,
			m.State, response, failure, m.VendorHTTPStatus, m.VendorCode,
			micros(m.Settled), micros(m.SettleAt), m.Attempts)
		if m.SettleAt.IsZero() {
			tx.Queue(nil, "DELETE FROM locks WHERE mutation = $1", m.ID)
		}
		also(tx)
		return writeAll(tx, m.ID, all)
	}))
}

// maxDeleted bounds how many mutations a transaction deletes, since other writes wait for its end.
const maxDeleted = 500

// DeleteSettledBefore deletes the mutations that were settled before then and that have no owner,
// the oldest first.
func (r *Records) DeleteSettledBefore(ctx context.Context, then time.Time) error {
	for {
		var deleted int64
		err := r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			done, err := tx.ExecContext(ctx, r.deleteQuery(), now(), then.UnixMicro(), maxDeleted)
			if err != nil {
				return err
			}
			deleted, err = done.RowsAffected()
			return err
		})
		if err != nil || deleted < maxDeleted {
			return err
		}
	}
}

// deleteQuery deletes up to $3 mutations that were settled before $2 and that have no owner at $1.
// PostgreSQL deletes the latest version of a row that the inner SELECT found, and checks only the
// outer condition for it.
func (r *Records) deleteQuery() string {
	return `DELETE FROM mutations WHERE settle_time < $2 AND id IN (
		SELECT id FROM mutations WHERE settle_time < $2 AND ` + r.unowned() + " ORDER BY settle_time LIMIT $3)"
}

// DigestKey returns the key of the digests. The first replica of a store draws it.
func (r *Records) DigestKey(ctx context.Context) (key []byte, err error) {
	drawn := make([]byte, 32)
	_, _ = rand.Read(drawn) // never fails
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		const insert = "INSERT INTO keys (name, value) VALUES ('digest', $1) ON CONFLICT (name) DO NOTHING"
		if _, err := tx.ExecContext(ctx, insert, drawn); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT value FROM keys WHERE name = 'digest'").Scan(&key)
	})
	return key, err
}
