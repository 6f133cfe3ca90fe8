package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// steps is a mutation's log. Like the journal, it keeps no secrets.
type steps struct {
	*mutation.Memory
	settling bool
	creating error  // why a thing may not be changed: another mutation may be creating it
	done     func() // is called when a step has taken effect, if it is set

	mu    sync.Mutex
	names map[string]bool
}

func newSteps() *steps { return &steps{Memory: mutation.NewMemory(), names: map[string]bool{}} }

// Put keeps a record.
func (s *steps) Put(_ context.Context, step string, r mutation.Record) error { return s.Note(step, r) }

// Note keeps the step's name too.
func (s *steps) Note(step string, r mutation.Record) error {
	if r.Response != nil {
		response, err := r.Response.UnmarshalNew()
		if err != nil {
			return err
		}
		if r.Response, err = anypb.New(withoutSecrets(response)); err != nil {
			return err
		}
	}
	if err := s.keep(step, r); err != nil {
		return err
	}
	if r.State == mutation.Done && s.done != nil {
		s.done()
	}
	return nil
}

func (s *steps) keep(step string, r mutation.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[step] = true
	return s.Memory.Note(step, r)
}

// Settling reports whether the mutation runs without a caller.
func (s *steps) Settling() bool { return s.settling }

// AwaitCreation fails while something is being created.
func (s *steps) AwaitCreation(context.Context, proto.Message) error { return s.creating }

// unsettled reports whether a write is in doubt.
func (s *steps) unsettled() bool { return s.any(mutation.Sent, mutation.Unverifiable) }

// any reports whether a step is in one of these states.
func (s *steps) any(states ...mutation.State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for step := range s.names {
		if slices.Contains(states, s.Get(step).State) {
			return true
		}
	}
	return false
}

// withoutSecrets returns a copy of a message without the fields that the proto marks debug_redact.
// A field "redacted" beside one is set.
func withoutSecrets[M proto.Message](m M) M {
	kept := proto.CloneOf(m)
	// A message must not change while it is ranged over.
	var empty []func()
	err := protorange.Range(kept.ProtoReflect(), func(p protopath.Values) error {
		last := p.Path.Index(-1)
		if last.Kind() != protopath.FieldAccessStep {
			return nil
		}
		if options := last.FieldDescriptor().Options().(*descriptorpb.FieldOptions); !options.GetDebugRedact() {
			return nil
		}
		holder := p.Index(-2).Value.Message()
		empty = append(empty, func() {
			holder.Clear(last.FieldDescriptor())
			if said := holder.Descriptor().Fields().ByName("redacted"); said != nil {
				holder.Set(said, protoreflect.ValueOfBool(true))
			}
		})
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("adaptertest: a message that cannot be ranged over: %v", err))
	}
	for _, e := range empty {
		e()
	}
	return kept
}
