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
	"github.com/drmhub/drmhub/server/internal/redact"
)

// newRecord is the record of a call that comes for the first time.
func (j *Journal) newRecord(ctx context.Context, fullMethod string, req mutating) (*record, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	kept, err := proto.Marshal(redact.Without(req))
	if err != nil {
		return nil, err
	}
	digest, err := j.Digest(fullMethod, req)
	subject := auth.FromContext(ctx).Subject
	return &record{
		id: id.String(), subject: subject, requestID: strings.ToLower(req.GetRequestId()),
		method: trimMethod(fullMethod), resource: contract.ResourceName(req), digest: digest, request: kept, secrets: redact.Has(req),
		state: pb.Mutation_INTENDED, created: time.Now(), owner: j.newOwner(), actor: subject,
	}, err
}

// Digest is an HMAC of a request, without its request_id, and whether it is only to be validated:
// equal requests have equal digests, and a digest gives nothing away.
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
	h := hmac.New(sha256.New, j.key)
	h.Write([]byte(trimMethod(fullMethod) + "\n"))
	h.Write(params)
	return h.Sum(nil), nil
}

// requestOf is the request of a record, without the secrets that it held.
func (r *record) requestOf() (proto.Message, error) {
	rpc := contract.Lookup(r.method)
	if rpc == nil {
		return nil, fmt.Errorf("%s of %s is no method of this version", r.method, r.name())
	}
	req := rpc.NewRequest()
	return req, proto.Unmarshal(r.request, req)
}
