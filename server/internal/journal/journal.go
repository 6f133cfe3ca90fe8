// Package journal is the envelope around every mutating call: it gives the call a log of its vendor writes, and answers a request_id that came before
// with what the first call did. The records live in memory, as long as the process.
package journal

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// kept is how long a request_id is remembered.
const kept = 24 * time.Hour

// Journal holds the mutations of this process.
type Journal struct {
	mu      sync.Mutex
	records map[string]*record // by request_id, in small letters
	order   []*record          // the same, oldest first
	running sync.WaitGroup
	triable map[string]bool // methods that can be tried without being done, by full name
	now     func() time.Time
}

type record struct {
	id     string
	digest [sha256.Size]byte
	log    *mutation.Memory
	begun  time.Time
	turn   chan struct{} // holds one token: whoever has it runs the method
	answer proto.Message // of a call that succeeded, without its secrets
}

// New makes an empty journal. The methods named are those that heed validate_only; all others are refused with it.
func New(triable ...string) *Journal {
	j := &Journal{records: map[string]*record{}, triable: map[string]bool{}, now: time.Now}
	for _, method := range triable {
		j.triable[method] = true
	}
	return j
}

// Wait waits until no vendor write is in flight any more, or until ctx ends.
func (j *Journal) Wait(ctx context.Context) error {
	idle := make(chan struct{})
	go func() {
		j.running.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// mutating is a request that changes something at a vendor. The contract gives every such request, and no other, these two fields.
type mutating interface {
	proto.Message
	GetRequestId() string
	GetValidateOnly() bool
}

// Unary is the envelope as an interceptor. It stands after authorisation and validation, directly around the service.
func (j *Journal) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	m, ok := req.(mutating)
	if !ok {
		return handler(ctx, req)
	}
	if m.GetValidateOnly() {
		if !j.triable[info.FullMethod] {
			return nil, apierror.New(codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN, "this version cannot try %s without doing it (validate_only): nothing was sent", strings.TrimPrefix(info.FullMethod, "/"))
		}
		return handler(ctx, req) // without a log of writes, so that a write would fail
	}
	r, err := j.record(info.FullMethod, m)
	if err != nil {
		return nil, err
	}
	if err := r.wait(ctx); err != nil {
		return nil, err
	}
	if r.answer != nil {
		<-r.turn
		return proto.CloneOf(r.answer), nil
	}
	return j.run(ctx, r, req, handler)
}

// wait waits until the same request_id runs no more. Whoever cannot wait so long must not take that for a call that did nothing.
func (r *record) wait(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return apierror.OutcomeUnknown("the first call with this request_id is still at it; call again with the same request_id to learn the outcome")
	}
}

// run runs the method, and no longer waits for it once its caller has left and a write may have reached the vendor.
func (j *Journal) run(ctx context.Context, r *record, req any, handler grpc.UnaryHandler) (any, error) {
	type outcome struct {
		res any
		err error
		bad error // what the method panicked with, and where
	}
	done := make(chan outcome, 1)
	j.running.Go(func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o.bad = fmt.Errorf("%v\n%s", p, debug.Stack())
			} else if o.err == nil {
				r.answer = withoutSecrets(o.res.(proto.Message))
			}
			<-r.turn
			done <- o
		}()
		o.res, o.err = handler(mutation.NewContext(ctx, r.log), req)
	})
	finish := func(o outcome) (any, error) {
		if o.bad != nil {
			panic(o.bad)
		}
		return o.res, o.err
	}
	select {
	case o := <-done:
		return finish(o)
	case <-ctx.Done():
	}
	select {
	case o := <-done:
		return finish(o)
	case <-r.log.Sent():
		return nil, apierror.OutcomeUnknown("the deadline passed while the vendor was at it; call again with the same request_id to learn the outcome")
	}
}

// record finds or makes the record of a request. A request without an id has one of its own.
func (j *Journal) record(method string, req mutating) (*record, error) {
	fresh := &record{log: mutation.NewMemory(), begun: j.now(), turn: make(chan struct{}, 1)}
	if req.GetRequestId() == "" {
		return fresh, nil
	}
	fresh.id = strings.ToLower(req.GetRequestId())
	same := proto.CloneOf(req)
	set(same, "request_id", fresh.id)
	params, err := proto.MarshalOptions{Deterministic: true}.Marshal(same)
	if err != nil {
		return nil, err
	}
	fresh.digest = sha256.Sum256(append([]byte(method+"\n"), params...))
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.order) > 0 && fresh.begun.Sub(j.order[0].begun) > kept {
		delete(j.records, j.order[0].id)
		j.order = j.order[1:]
	}
	known, ok := j.records[fresh.id]
	if !ok {
		j.records[fresh.id] = fresh
		j.order = append(j.order, fresh)
		return fresh, nil
	}
	if known.digest != fresh.digest {
		return nil, apierror.New(codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED, "request_id %s was used before, with another request: nothing was sent; take a new id for a new request", req.GetRequestId())
	}
	return known, nil
}

// withoutSecrets is a copy of an answer in which the fields that the proto marks debug_redact are empty, and marked as redacted where the message can say
// so: secrets are answered once.
func withoutSecrets(answer proto.Message) proto.Message {
	kept := proto.CloneOf(answer)
	var empty []func() // called later, since nothing else may change in a message that is ranged over
	_ = protorange.Range(kept.ProtoReflect(), func(p protopath.Values) error {
		last := p.Path.Index(-1)
		if last.Kind() != protopath.FieldAccessStep || !last.FieldDescriptor().Options().(*descriptorpb.FieldOptions).GetDebugRedact() {
			return nil
		}
		m := p.Index(-2).Value.Message()
		empty = append(empty, func() {
			m.Clear(last.FieldDescriptor())
			if said := m.Descriptor().Fields().ByName("redacted"); said != nil {
				m.Set(said, protoreflect.ValueOfBool(true))
			}
		})
		return nil
	})
	for _, e := range empty {
		e()
	}
	return kept
}

// IdempotencyKey puts the Idempotency-Key header of a REST call into the request's request_id. It stands before validation.
func IdempotencyKey(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	m, ok := req.(mutating)
	keys := metadata.ValueFromIncomingContext(ctx, "idempotency-key")
	if !ok || len(keys) == 0 {
		return handler(ctx, req)
	}
	switch id := m.GetRequestId(); {
	case keys[0] == "":
		return nil, apierror.Invalid("request_id", "the Idempotency-Key header is empty: it must be a UUID")
	case len(keys) > 1 || (id != "" && !strings.EqualFold(id, keys[0])):
		return nil, apierror.Invalid("request_id", "differs from the Idempotency-Key header: say it once, or the same twice")
	case id == "":
		set(m, "request_id", keys[0])
	}
	return handler(ctx, req)
}

func set(m proto.Message, field protoreflect.Name, v string) {
	r := m.ProtoReflect()
	r.Set(r.Descriptor().Fields().ByName(field), protoreflect.ValueOfString(v))
}
