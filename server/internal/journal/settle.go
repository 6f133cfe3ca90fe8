package journal

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
)

const (
	// settledAtOnce is how many mutations one replica settles at the same time.
	settledAtOnce = 8
	// maxSettling bounds one attempt. It is longer than a vendor's write may take.
	maxSettling  = 2 * time.Minute
	longestPause = time.Hour
)

// settleDue begins to settle what is due and nobody runs, as far as others are not being settled.
// It does not wait for the end, which may be far off: a batch has many items to read back.
func (j *Journal) settleDue(ctx context.Context) {
	ids, err := j.dueNow(ctx, cap(j.settling)-len(j.settling))
	if err != nil {
		if ctx.Err() == nil {
			j.options.Log.WarnContext(ctx, "the journal cannot be read: nothing is settled", "error", err)
		}
		return
	}
	for _, id := range ids {
		j.settling <- struct{}{}
		j.background.also(func() {
			defer func() { <-j.settling }()
			r, err := j.claimDue(ctx, id)
			if r != nil {
				err = j.settle(ctx, r, false)
			}
			if err != nil && ctx.Err() == nil {
				j.options.Log.WarnContext(ctx, "a mutation could not be settled", "mutation", namePrefix+id, "error", err)
			}
		})
	}
}

// dueNow are mutations that are to be settled now and that no replica runs, the longest overdue
// first.
func (j *Journal) dueNow(ctx context.Context, limit int) (ids []string, err error) {
	rows, err := j.db.Reads().QueryContext(ctx, "SELECT id FROM mutations WHERE "+due+" ORDER BY settle_at LIMIT $2", time.Now().UnixMicro(), limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// pause is how long to wait before the next attempt to settle a mutation.
func (j *Journal) pause(attempts int64) time.Duration {
	return min(j.options.FirstPause<<min(attempts, 20), longestPause)
}

// settle finds out what became of a mutation that was claimed, and records it. Its error is why it
// could not try to, or could not record it. With giveUp, nobody else tries what could not be found
// out.
func (j *Journal) settle(ctx context.Context, r *record, giveUp bool) error {
	if decide.IsOver(r.state) {
		j.abandon(ctx, r)
		return nil
	}
	s := j.loadedSteps(r)
	r.attempts++
	letGo := s.givenUp
	s.settling, s.givenUp = true, giveUp || letGo
	// its replica died before it sent anything
	if !s.summary().Attempted() {
		return j.complete(ctx, r, s, nil, mutation.NoEffect()).unrecorded()
	}
	req, err := r.requestOf()
	if err != nil {
		// which has it tried again later, and lets others have their turn
		return errors.Join(err, j.complete(ctx, r, s, nil, err).unrecorded())
	}
	if letGo { // it holds no locks
		if err := j.lock(ctx, r, r.locks(req), alone); err != nil {
			j.abandon(ctx, r)
			return err
		}
	}
	return j.run(ctx, r, s, func(ctx context.Context) (proto.Message, error) {
		ctx, cancel := context.WithTimeout(ctx, maxSettling)
		defer cancel()
		answer, err := j.dispatch(ctx, "/"+r.method, req)
		has := s.summary()
		invalid := err != nil && apierror.Convert(err).Code == codes.InvalidArgument
		if invalid && r.secrets && (has.Sent || has.Done) {
			err = mutation.Unsettleable(apierror.OutcomeUnknown("this cannot be read back without the secrets of the " +
				"request, which are not kept: call again with the same request_id and the secrets"))
		}
		return answer, err
	}).unrecorded()
}
