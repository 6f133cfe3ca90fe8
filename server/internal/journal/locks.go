package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/lockset"
)

// longestLockWait bounds how long a call waits for another one that changes the same resource.
const longestLockWait = 30 * time.Second

// locks returns the names that the mutation must hold.
func (r *record) locks(req proto.Message) []string {
	return lockset.Of(lockset.Call{Method: r.method, Resource: r.resource, Digest: r.digest, Request: req})
}

// takeLocks locks all resources for a mutation, or none: then holder is the mutation that has one
// of them.
func takeLocks(ctx context.Context, tx *sql.Tx, id string, resources []string) (holder string, err error) {
	for _, resource := range resources {
		if holder, err = takeLock(ctx, tx, id, resource); err != nil {
			return "", err
		}
		if holder != id {
			_, err := tx.ExecContext(ctx, "DELETE FROM locks WHERE mutation = $1", id)
			return holder, err
		}
	}
	return "", nil
}

// takeLock locks a resource, or tells who has it. To look first touches no row: who waits must not
// keep the one who holds it from letting go, nor the transactions of other replicas from their end.
func takeLock(ctx context.Context, tx *sql.Tx, id, resource string) (holder string, err error) {
	for range 3 { // between a conflict and the look at it, the holder may let go
		err = tx.QueryRowContext(ctx, "SELECT mutation FROM locks WHERE resource = $1", resource).Scan(&holder)
		if !errors.Is(err, sql.ErrNoRows) {
			return holder, err
		}
		taken, err := tx.ExecContext(ctx, "INSERT INTO locks (resource, mutation) VALUES ($1, $2) ON CONFLICT (resource) DO NOTHING", resource, id)
		if err != nil {
			return "", err
		}
		if n, err := taken.RowsAffected(); err != nil || n == 1 {
			return id, err
		}
	}
	return "", fmt.Errorf("journal: the lock of %s changes hands too fast", resource)
}

// alone is what stands together with locks where nothing else does.
func alone(context.Context, *sql.Tx) error { return nil }

// lock waits until no other mutation holds what this one changes, and writes something together
// with the locks. Where that takes too long, nothing is sent.
func (j *Journal) lock(ctx context.Context, r *record, resources []string, and func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, longestLockWait)
	defer cancel()
	var holder string
	for {
		changed := j.anyChange()
		err := j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
			// or a lock would outlive the mutation that another run has brought to its end
			if err = r.update(ctx, tx, "owner = owner"); err != nil {
				return err
			}
			if holder, err = takeLocks(ctx, tx, r.id, resources); err != nil || holder != "" {
				return err
			}
			// What has locks is settled by somebody, whatever becomes of this run.
			if err = r.update(ctx, tx, "settle_at = COALESCE(settle_at, $3)", time.Now().UnixMicro()); err != nil {
				return err
			}
			return and(ctx, tx)
		})
		switch {
		case err == nil && holder == "":
			return nil
		case err != nil && (ctx.Err() == nil || holder == ""):
			return unwritable(err)
		case !wait(ctx, changed):
			return inProgress("changes the same resource", holder)
		}
	}
}

func inProgress(what, holder string) error {
	return apierror.New(codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS, "not sent: %s %s and is not settled yet; call again, or look at it with GetMutation", namePrefix+holder, what)
}
