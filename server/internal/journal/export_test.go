package journal

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/journal/lease"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

// Die stops a replica as if its process was killed: it renews no lease, and settles nothing.
// Methods run on, as they do in a process that wakes up.
func (j *Journal) Die() {
	_ = j.background.end(context.Background())
	_ = j.heartbeat.end(context.Background())
}

// SettleDue settles in the foreground what is due.
func (j *Journal) SettleDue(ctx context.Context) {
	j.settler.settleDue(ctx)
	j.settler.work.Wait()
}

// FormerDigest returns the digest that an older version recorded.
func (j *Journal) FormerDigest(fullMethod string, req proto.Message) []byte {
	digest, _ := plainDigest(j.digests.store, fullMethod, req)
	return digest
}

// Lease returns the lease of this replica.
func (j *Journal) Lease() *lease.Lease { return j.lease }

// Records returns the records of this replica.
func (j *Journal) Records() *records.Records { return j.records }
