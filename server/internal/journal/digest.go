package journal

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"golang.org/x/crypto/scrypt"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// digests make the digests of requests, by which the journal recognizes a request again. Equal
// requests have equal digests.
//
// The store holds the request without its secrets, the digest and the store's own key. A fast
// digest would let a reader of the store try passwords quickly. So the digest of a request with
// secrets is of one of two forms. It begins with the form's number:
//
//   - outside: the id of the outside key, and an HMAC with that key
//   - slow: an HMAC with the store's key of a slow hash of the request
//
// Other requests have a plain HMAC with the store's key. So has each request of an older version.
type digests struct {
	store   []byte // the key in the store
	outside []byte // the key from the configuration, or empty
	slots   chan struct{}
}

const (
	plainSize   = sha256.Size
	outsideForm = 1
	slowForm    = 2
	keyIDSize   = 8
	slowCost    = 1 << 15 // 32 MiB and some 0.1 s
	slowAtOnce  = 2
)

func newDigests(store, outside []byte) *digests {
	return &digests{store: store, outside: outside, slots: make(chan struct{}, slowAtOnce)}
}

// Key returns a key of 32 bytes for a purpose outside the journal. All replicas on the store have
// the same one. Without store.digest_key, a reader of the store can derive it.
func (j *Journal) Key(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, slices.Concat(j.digests.store, j.digests.outside), nil, purpose, sha256.Size)
}

// of returns the digest of a request without its request_id and validate_only.
func (d *digests) of(ctx context.Context, fullMethod string, req proto.Message) ([]byte, error) {
	switch {
	case !redact.Has(req):
		return plainDigest(d.store, fullMethod, req)
	case len(d.outside) > 0:
		sum, err := plainDigest(d.outside, fullMethod, req)
		return append(d.outsideHead(), sum...), err
	}
	return d.slow(ctx, fullMethod, req)
}

// isOf reports whether a recorded digest is that of a request. It returns an error if the digest
// was made with an outside key that drmhub no longer has.
func (d *digests) isOf(ctx context.Context, recorded []byte, fullMethod string, req proto.Message) (bool, error) {
	var same []byte
	var err error
	switch {
	case len(recorded) == plainSize:
		same, err = plainDigest(d.store, fullMethod, req)
	case !redact.Has(req):
		return false, nil
	case recorded[0] == slowForm:
		same, err = d.slow(ctx, fullMethod, req)
	case len(d.outside) > 0 && bytes.HasPrefix(recorded, d.outsideHead()):
		same, err = d.of(ctx, fullMethod, req)
	default:
		return false, errOtherDigestKey
	}
	return hmac.Equal(recorded, same), err
}

// slow returns the slow form.
func (d *digests) slow(ctx context.Context, fullMethod string, req proto.Message) ([]byte, error) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return nil, apierror.FromContext(ctx)
	}
	whole, err := parameters(fullMethod, req)
	if err != nil {
		return nil, err
	}
	salt, err := plainDigest(d.store, fullMethod, redact.Without(req))
	if err != nil {
		return nil, err
	}
	hash, err := scrypt.Key(whole, salt, slowCost, 8, 1, sha256.Size)
	if err != nil {
		return nil, err
	}
	return append([]byte{slowForm}, mac(d.store, hash)...), nil
}

// outsideHead begins the digests that are made with the outside key.
func (d *digests) outsideHead() []byte {
	return append([]byte{outsideForm}, mac(d.outside, []byte("key id"))[:keyIDSize]...)
}

func plainDigest(key []byte, fullMethod string, req proto.Message) ([]byte, error) {
	whole, err := parameters(fullMethod, req)
	return mac(key, whole), err
}

// parameters returns what two equal requests have in common.
func parameters(fullMethod string, req proto.Message) ([]byte, error) {
	same := proto.CloneOf(req)
	for _, name := range []protoreflect.Name{"request_id", "validate_only"} {
		if field := same.ProtoReflect().Descriptor().Fields().ByName(name); field != nil {
			same.ProtoReflect().Clear(field)
		}
	}
	params, err := proto.MarshalOptions{Deterministic: true}.Marshal(same)
	return append([]byte(trimMethod(fullMethod)+"\n"), params...), err
}

func mac(key, content []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(content)
	return h.Sum(nil)
}
