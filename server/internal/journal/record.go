package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// record is a mutation as the store has it.
type record struct {
	id, subject, requestID, method, resource string
	digest, request                          []byte
	secrets                                  bool // it held secrets, which are not kept
	state                                    pb.Mutation_State
	// of a call that succeeded, without its secrets; nil where there is none
	answer                 proto.Message
	err                    *status.Status
	vendorHTTPStatus       int32
	vendorCode             string
	created, sent, settled time.Time // zero: not yet
	// the run that this record stands for; "" where it only was read
	owner    string
	attempts int64 // to settle it
	// when it is to be settled, unless somebody runs it; zero: never
	settleAt time.Time
	// the request_ids of its resendings, with spaces between
	resendIDs string
	actor     string // who has this run made
	// as they were when it was made this replica's own
	steps []*step
}

const namePrefix = "mutations/"

func (r *record) name() string { return namePrefix + r.id }

// unowned holds for a mutation that nobody runs, or whose replica no longer counts as alive at $1.
// An owner is one run: the 16 digits of its replica's id, and a number. So a run that was taken
// over from stays without the mutation, even if its own replica is the next one to take it over.
const unowned = "NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.id = substr(owner, 1, 16) AND alive_until > $1)"

// due holds for a mutation that is to be settled at $1.
const due = "settle_at <= $1 AND " + unowned

func (j *Journal) newOwner() string { return fmt.Sprintf("%s-%d", j.replica, j.claims.Add(1)) }

// errTakenOver is why a run can record nothing more.
var errTakenOver = errors.New("this replica did not say for too long that it is alive, and another run has taken the mutation over")

// update changes the record of a mutation, as long as it is this run's. Until the end of the
// transaction it stays that.
func (r *record) update(ctx context.Context, tx *sql.Tx, set string, values ...any) error {
	updated, err := tx.ExecContext(ctx, "UPDATE mutations SET "+set+" WHERE id = $1 AND owner = $2", append([]any{r.id, r.owner}, values...)...) //nolint:gosec // What is set stands in this package.
	if err != nil {
		return err
	}
	if n, err := updated.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errTakenOver
}

// columns are those of a record, as of $1.
const columns = `id, subject, request_id, method, resource, digest, request, secrets, ` + stateNow + `, answer, error, vendor_http_status, vendor_code,
	create_time, send_time, settle_time, attempts, settle_at, resend_id`

// stateNow is the state as of $1: what stands as 2, SENT, is 5, UNKNOWN, where the one who sent it
// is no more.
const stateNow = "CASE WHEN state = 2 AND " + unowned + " THEN 5 ELSE state END"

type scanner interface{ Scan(...any) error }

func scan(row scanner) (*record, error) {
	var r record
	var requestID sql.NullString
	var answer, failure []byte
	var secrets, created int64
	var sent, settled, settleAt sql.NullInt64
	err := row.Scan(&r.id, &r.subject, &requestID, &r.method, &r.resource, &r.digest, &r.request, &secrets, &r.state, &answer, &failure, &r.vendorHTTPStatus, &r.vendorCode,
		&created, &sent, &settled, &r.attempts, &settleAt, &r.resendIDs)
	if err != nil {
		return nil, err
	}
	r.requestID, r.secrets = requestID.String, secrets == 1
	r.created, r.sent, r.settled = time.UnixMicro(created), instant(sent), instant(settled)
	r.settleAt = instant(settleAt)
	packed, err := unmarshalled(answer, &anypb.Any{})
	if err != nil {
		return nil, err
	}
	if packed != nil {
		if r.answer, err = packed.UnmarshalNew(); err != nil {
			return nil, err
		}
	}
	r.err, err = unmarshalled(failure, &status.Status{})
	return &r, err
}

// marshalled is a message as it is kept; NULL where there is none.
func marshalled[M interface {
	proto.Message
	comparable
}](m M) ([]byte, error) {
	var none M
	if m == none {
		return nil, nil
	}
	return proto.Marshal(m)
}

func unmarshalled[M proto.Message](kept []byte, into M) (M, error) {
	var none M
	if kept == nil {
		return none, nil
	}
	if err := proto.Unmarshal(kept, into); err != nil {
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

// load reads a record by its id.
func (j *Journal) load(ctx context.Context, id string) (*record, error) {
	r, err := scan(j.db.Reads().QueryRowContext(ctx, "SELECT "+columns+" FROM mutations WHERE id = $2", time.Now().UnixMicro(), id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, apierror.NotFound("there is no mutation %q: ListMutations lists those that are kept", namePrefix+id)
	}
	return r, unreadable(err)
}

// known reads the record of a caller's request_id; nil where there is none.
func (j *Journal) known(ctx context.Context, subject, requestID string) (*record, error) {
	r, err := scan(j.db.Reads().QueryRowContext(ctx, "SELECT "+columns+" FROM mutations WHERE subject = $2 AND request_id = $3", time.Now().UnixMicro(), subject, requestID))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, unreadable(err)
}

// insert records an intent that this call is about to run, and takes its locks where they are free.
// Where the caller's request_id stands already, that record is answered instead, which is not this
// call's.
func (j *Journal) insert(ctx context.Context, r *record, locks []string) (known *record, locked bool, err error) {
	requestID := sql.NullString{String: r.requestID, Valid: r.requestID != ""}
	err = j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		known, locked = nil, false
		inserted, err := tx.ExecContext(ctx, `INSERT INTO mutations (id, subject, request_id, method, resource, digest, request, secrets, state, create_time, owner, settle_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10) ON CONFLICT (subject, request_id) DO NOTHING`,
			r.id, r.subject, requestID, r.method, r.resource, r.digest, r.request, number(r.secrets), r.state, r.created.UnixMicro(), r.owner)
		if err != nil {
			return err
		}
		if n, err := inserted.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			known, err = scan(tx.QueryRowContext(ctx, "SELECT "+columns+" FROM mutations WHERE subject = $2 AND request_id = $3", time.Now().UnixMicro(), r.subject, requestID))
			return err
		}
		holder, err := takeLocks(ctx, tx, r.id, locks)
		locked = holder == ""
		return err
	})
	return known, locked, unwritable(err)
}

// claim makes a mutation this replica's own, to be run, unless somebody else runs it: then there is
// no record.
func (j *Journal) claim(ctx context.Context, id string) (*record, error) {
	return j.claimIf(ctx, id, unowned)
}

// claimDue is claim, unless the mutation need not be settled any more: another replica may just
// have tried to.
func (j *Journal) claimDue(ctx context.Context, id string) (*record, error) {
	return j.claimIf(ctx, id, due)
}

func (j *Journal) claimIf(ctx context.Context, id, condition string) (claimed *record, err error) {
	owner := j.newOwner()
	err = j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		r, err := scan(tx.QueryRowContext(ctx, "UPDATE mutations SET owner = $2 WHERE id = $3 AND "+condition+" RETURNING "+columns, time.Now().UnixMicro(), owner, id))
		if errors.Is(err, sql.ErrNoRows) {
			claimed = nil
			return nil
		}
		if err == nil {
			r.steps, err = j.loadSteps(ctx, tx, id)
		}
		claimed = r
		return err
	})
	switch {
	case err != nil:
		j.releaseLater(&record{id: id, owner: owner}) // it may be claimed all the same
		return nil, unwritable(err)
	case claimed == nil:
		return nil, nil
	}
	claimed.owner, claimed.actor = owner, claimed.subject
	return claimed, nil
}

// release gives a mutation back that was claimed and is not run.
func (j *Journal) release(ctx context.Context, r *record) error {
	return j.db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *sql.Tx) error { return r.update(ctx, tx, "owner = ''") })
}

// abandon is release, also where the store cannot be written just now. Of a record that only was
// read there is nothing to give back.
func (j *Journal) abandon(ctx context.Context, r *record) {
	if r.owner == "" {
		return
	}
	if err := j.release(ctx, r); err != nil {
		j.releaseLater(r)
	}
	j.announce()
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// unwritable is the error of a call that the journal could not record: nothing was sent, or what
// was sent is settled later.
func unwritable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.Join(apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE, "the journal cannot be written, so nothing is sent: try again, or see to the store"), err)
}

func unreadable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.Join(apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE, "the journal cannot be read: try again, or see to the store"), err)
}

func trimMethod(fullMethod string) string { return strings.TrimPrefix(fullMethod, "/") }
