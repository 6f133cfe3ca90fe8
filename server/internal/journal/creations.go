package journal

import (
	"context"
	"database/sql"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/server/internal/journal/lockset"
)

// AwaitCreation waits until the mutation that holds what this resource is read back by has come to
// its end. The next one to hold it has begun after the resource was seen.
func (s *steps) AwaitCreation(ctx context.Context, resource proto.Message) error {
	ctx, cancel := context.WithTimeout(ctx, longestLockWait)
	defer cancel()
	first := ""
	for {
		changed := s.journal.anyChange()
		holder, err := s.journal.holder(ctx, lockset.Key(s.record.resource, resource))
		switch {
		case err != nil && (ctx.Err() == nil || first == ""):
			return err
		case err == nil && (holder == "" || holder == s.record.id || first != "" && holder != first):
			return nil
		case err == nil && s.settling:
			return mutation.NoEffect() // nobody asked for what is still to be sent
		case err == nil:
			first = holder
		}
		if !wait(ctx, changed) {
			return inProgress("creates what may be the same resource", first)
		}
	}
}

// holder returns the mutation that holds a lock, or "". It reads on the write connection, because a
// read replica may lag behind.
func (j *Journal) holder(ctx context.Context, resource string) (holder string, err error) {
	err = j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT mutation FROM locks WHERE resource = $1", resource).Scan(&holder)
		if errors.Is(err, sql.ErrNoRows) {
			holder, err = "", nil
		}
		return err
	})
	return holder, unwritable(err)
}
