package journal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/journal/lockset"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// newMutation returns the record of a new call, owned by a new run of this replica. It is not
// stored yet.
func (j *Journal) newMutation(ctx context.Context, fullMethod string, req mutating) (*records.Mutation, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	kept, err := proto.Marshal(redact.Without(req))
	if err != nil {
		return nil, err
	}
	digest, err := j.Digest(ctx, fullMethod, req)
	m := &records.Mutation{
		ID:          id.String(),
		Subject:     auth.FromContext(ctx).Subject,
		RequestID:   strings.ToLower(req.GetRequestId()),
		Method:      trimMethod(fullMethod),
		Resource:    contract.ResourceName(req),
		Digest:      digest,
		Request:     kept,
		HeldSecrets: redact.Has(req),
		State:       pb.Mutation_INTENDED,
		Created:     time.Now(),
		Owner:       j.lease.NewOwner(),
	}
	m.Account = j.options.Account(m.Vendor())
	return m, err
}

// Digest returns the digest of a request without its request_id and validate_only. Equal requests
// have equal digests, and a digest does not reveal its request.
func (j *Journal) Digest(ctx context.Context, fullMethod string, req proto.Message) ([]byte, error) {
	return j.digests.of(ctx, fullMethod, req)
}

// requestOf returns the request of a mutation, without the secrets that it held.
func requestOf(m *records.Mutation) (proto.Message, error) {
	rpc := contract.Lookup(m.Method)
	if rpc == nil {
		return nil, fmt.Errorf("%s cannot be settled: this version has no method %s", m.Name(), m.Method)
	}
	req := rpc.NewRequest()
	return req, proto.Unmarshal(m.Request, req)
}

// locksOf returns the names that a mutation with this request must hold.
func locksOf(m *records.Mutation, req proto.Message) []string {
	return lockset.Of(lockset.Call{Method: m.Method, Resource: m.Resource, Digest: m.Digest, Request: req})
}

func trimMethod(fullMethod string) string { return strings.TrimPrefix(fullMethod, "/") }
