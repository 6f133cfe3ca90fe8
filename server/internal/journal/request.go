package journal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/journal/lockset"
	"github.com/drmhub/drmhub/server/internal/journal/records"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// newMutation returns the record of a new call, owned by a new run of this replica. It is not stored
// yet.
func (j *Journal) newMutation(ctx context.Context, fullMethod string, req mutating) (*records.Mutation, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	kept, err := proto.Marshal(redact.Without(req))
	if err != nil {
		return nil, err
	}
	digest, err := j.Digest(fullMethod, req)
	return &records.Mutation{
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
	}, err
}

// Digest returns an HMAC of a request without its request_id and validate_only. Equal requests have
// equal digests, and a digest does not reveal its request.
func (j *Journal) Digest(fullMethod string, req proto.Message) ([]byte, error) {
	same := proto.CloneOf(req)
	for _, name := range []protoreflect.Name{"request_id", "validate_only"} {
		if field := same.ProtoReflect().Descriptor().Fields().ByName(name); field != nil {
			same.ProtoReflect().Clear(field)
		}
	}
	params, err := proto.MarshalOptions{Deterministic: true}.Marshal(same)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, j.digestKey)
	h.Write([]byte(trimMethod(fullMethod) + "\n"))
	h.Write(params)
	return h.Sum(nil), nil
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
