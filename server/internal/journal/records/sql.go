package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/store"
)

// unowned returns a condition that holds for a mutation without an owner, or whose owner's replica
// is dead at $1. An owner is one run: the 16 digits of its replica's id, and a number. So a run
// that lost the mutation stays without it, even if the same replica claims the mutation again.
func (r *Records) unowned() string {
	alive := []string{"alive_until > $1"}
	for _, id := range r.living() { // A clock may be wrong, so the lease of one of these may seem to have ended.
		alive = append(alive, fmt.Sprintf("replicas.id = '%s'", id))
	}
	return "NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.id = substr(owner, 1, 16) AND (" +
		strings.Join(alive, " OR ") + "))"
}

// due returns a condition that holds for a mutation that is to be settled at $1. It also holds for
// one whose time is further off than a pause can be. A replica with a wrong clock wrote that time.
func due(pause func(attempts int64) time.Duration) string {
	var longest strings.Builder
	attempts := int64(0)
	for ; pause(attempts) < pause(attempts+1); attempts++ {
		fmt.Fprintf(&longest, "WHEN %d THEN %d ", attempts, pause(attempts).Microseconds())
	}
	return fmt.Sprintf("(settle_at <= $1 OR settle_at > $1 + %d + CASE attempts %s WHEN %d THEN %d ELSE %d END)",
		clockError.Microseconds(), longest.String(), attempts, pause(attempts).Microseconds(),
		pause(attempts).Microseconds())
}

// clockError is how far a clock may be off without being wrong.
const clockError = 15 * time.Second

// The states that the SQL compares. The contract pins their numbers, which the store holds.
const (
	intended = int64(pb.Mutation_INTENDED)
	sent     = int64(pb.Mutation_SENT)
	unknown  = int64(pb.Mutation_UNKNOWN)
)

// open holds for a mutation that is INTENDED, SENT or UNKNOWN. It is written as in the index of
// them, since SQLite compares texts.
const open = "state IN (1, 2, 5)"

// isNow returns a condition that holds for a mutation in a state at $1. For states that are rare,
// it names the condition of an index.
func (r *Records) isNow(state pb.Mutation_State) string {
	switch n := int64(state); n {
	case unknown:
		return fmt.Sprintf("%s AND (state = %d OR state = %d AND %s)", open, unknown, sent, r.unowned())
	case sent:
		return fmt.Sprintf("%s AND state = %d AND NOT %s", open, sent, r.unowned())
	case intended:
		return fmt.Sprintf("%s AND state = %d", open, intended)
	default:
		return fmt.Sprintf("state = %d", n)
	}
}

// stateNow returns the state at $1. If the run that sent a write is dead, the outcome is unknown.
func (r *Records) stateNow() string {
	return fmt.Sprintf("CASE WHEN state = %d AND %s THEN %d ELSE state END", sent, r.unowned(), unknown)
}

// columns returns those that scan reads, at $1.
func (r *Records) columns() string {
	return "id, subject, request_id, method, resource, digest, request, secrets, " + r.stateNow() + `,
	answer, error, vendor_http_status, vendor_code, create_time, send_time, settle_time, attempts, settle_at, resend_id,
	COALESCE(account, '')`
}

// formerMaxWriteTime is how long a write took at most before the column over_time was added.
const formerMaxWriteTime = time.Minute

var selectSteps = fmt.Sprintf(`SELECT step, position, state, answer, error, http_status, send_time,
	COALESCE(over_time, send_time + %d), settle_time FROM steps WHERE mutation = $1 ORDER BY position`,
	formerMaxWriteTime.Microseconds())

type scanner interface{ Scan(...any) error }

// scan reads one mutation.
func scan(row scanner) (*Mutation, error) {
	var m Mutation
	var requestID sql.NullString
	var response, failure []byte
	var secrets, created int64
	var sent, settled, settleAt sql.NullInt64
	var resendIDs string
	err := row.Scan(
		&m.ID, &m.Subject, &requestID, &m.Method, &m.Resource, &m.Digest, &m.Request, &secrets, &m.State,
		&response, &failure, &m.VendorHTTPStatus, &m.VendorCode, &created, &sent, &settled, &m.Attempts, &settleAt,
		&resendIDs, &m.Account,
	)
	if err != nil {
		return nil, err
	}
	m.RequestID, m.HeldSecrets, m.ResendIDs = requestID.String, secrets == 1, strings.Fields(resendIDs)
	m.Created, m.Sent = time.UnixMicro(created), instant(sent)
	m.Settled, m.SettleAt = instant(settled), instant(settleAt)
	packed, err := unmarshal(response, &anypb.Any{})
	if err != nil {
		return nil, err
	}
	if packed != nil {
		if m.Response, err = packed.UnmarshalNew(); err != nil {
			return nil, err
		}
	}
	m.Err, err = unmarshal(failure, &spb.Status{})
	return &m, err
}

// scanAll reads all rows, and closes them.
func scanAll[T any](rows *sql.Rows, read func(scanner) (T, error)) (all []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		one, err := read(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func scanStep(row scanner) (*Step, error) {
	var s Step
	var response, failure []byte
	var sent, endsBy, settled sql.NullInt64
	err := row.Scan(&s.Name, &s.Position, &s.State, &response, &failure, &s.HTTPStatus, &sent, &endsBy, &settled)
	if err != nil {
		return nil, err
	}
	s.Sent, s.EndsBy, s.Settled = instant(sent), instant(endsBy), instant(settled)
	if s.Response, err = unmarshal(response, &anypb.Any{}); err != nil {
		return nil, err
	}
	kept, err := unmarshal(failure, &spb.Status{})
	if kept != nil {
		s.Err = status.FromProto(kept)
	}
	return &s, err
}

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func steps(ctx context.Context, from querier, id string) ([]*Step, error) {
	rows, err := from.QueryContext(ctx, selectSteps, id)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, scanStep)
}

// write makes a transaction insert or update the step of a mutation.
func (s *Step) write(tx *store.Tx, mutation string) error {
	response, err := marshal(s.Response)
	if err != nil {
		return err
	}
	failure, err := marshal(s.Err.Proto())
	if err != nil {
		return err
	}
	tx.Queue(nil, `INSERT INTO steps
			(mutation, step, position, state, answer, error, http_status, send_time, over_time, settle_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (mutation, step) DO UPDATE SET
			state = excluded.state, answer = excluded.answer, error = excluded.error,
			http_status = excluded.http_status, send_time = excluded.send_time, over_time = excluded.over_time,
			settle_time = excluded.settle_time`,
		mutation, s.Name, s.Position, s.State, response, failure, s.HTTPStatus,
		micros(s.Sent), micros(s.EndsBy), micros(s.Settled))
	return nil
}

// update makes a transaction change a mutation, and fail unless its run still owns it. The run then
// owns it until the end of the transaction.
func (m *Mutation) update(tx *store.Tx, set string, values ...any) {
	owned := func(rows int64) error {
		if rows != 1 {
			return ErrTakenOver
		}
		return nil
	}
	query := "UPDATE mutations SET " + set + " WHERE id = $1 AND owner = $2"
	tx.Queue(owned, query, append([]any{m.ID, m.Owner}, values...)...)
}

// marshal returns a message as it is stored. A nil message is NULL.
func marshal[M interface {
	proto.Message
	comparable
}](m M) ([]byte, error) {
	var none M
	if m == none {
		return nil, nil
	}
	return proto.Marshal(m)
}

func unmarshal[M proto.Message](stored []byte, into M) (M, error) {
	var none M
	if stored == nil {
		return none, nil
	}
	if err := proto.Unmarshal(stored, into); err != nil {
		return none, err
	}
	return into, nil
}

func instant(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return time.UnixMicro(micros.Int64)
}

func micros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func now() int64 { return time.Now().UnixMicro() }
