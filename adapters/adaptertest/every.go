package adaptertest

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// everyAdapter are the promises of all adapters, about all reads that they have.
var everyAdapter = []Promise{
	{"Describe is complete", nil, describeIsComplete},
	{"reads of a healthy vendor succeed", nil, readsSucceed},
	{"names in responses are canonical and of this vendor", nil, namesAreCanonical},
	{"a response belongs to the caller", nil, answersBelongToTheCaller},
	{"a caller who has gone gets CANCELLED", nil, goneBefore},
	{"a caller who goes while the vendor stalls gets CANCELLED", nil, goneMeanwhile},
	{"a deadline that passes while the vendor stalls is DEADLINE_EXCEEDED", nil, deadlinePasses},
	{"many goroutines may call at once", needs("ListSites", "ListLicenses"), callsAtOnce},
}

func readsSucceed(t T, h Harness) {
	for _, r := range reads(t, h) {
		if _, err := r.call(t.Context()); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
}

func namesAreCanonical(t T, h Harness) {
	if h.Sites == nil {
		return
	}
	check := func(r read) {
		answer, err := r.call(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		checkNames(t, h.Vendor, r.name, answer)
	}
	for _, s := range newSites(t, h, len(siteIDs)) {
		if h.Licenses != nil {
			s.put(history(2)...)
		}
		for _, r := range s.reads() {
			check(r)
		}
		if hasCall(h.Adapter, "DisableSite") {
			check(read{"DisableSite", func(ctx context.Context) (proto.Message, error) {
				return s.disabling().in(ctx, newSteps())
			}})
		}
	}
	for _, r := range h.readsOf(listSites(h).req) {
		check(r)
	}
}

func answersBelongToTheCaller(t T, h Harness) {
	for _, r := range reads(t, h) {
		first, err := r.call(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		if first == nil {
			continue
		}
		before := proto.CloneOf(first)
		overwriteStrings(first.ProtoReflect())
		second, err := r.call(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		if !proto.Equal(before, second) {
			t.Errorf("%s: what the caller wrote into a response is in the next one; return a copy: %v", r.name, second)
		}
	}
}

// overwriteStrings replaces every string in a message.
func overwriteStrings(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() != nil && field.IsList():
			for i := range v.List().Len() {
				overwriteStrings(v.List().Get(i).Message())
			}
		case field.Message() != nil && !field.IsMap():
			overwriteStrings(v.Message())
		case field.Kind() == protoreflect.StringKind && !field.IsList():
			m.Set(field, protoreflect.ValueOfString("overwritten"))
		}
		return true
	})
}

func goneBefore(t T, h Harness) {
	all := reads(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range all {
		_, err := r.call(ctx)
		WantError(t, r.name, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	}
}

// soon is how long a call may run before its caller goes.
const soon = 50 * time.Millisecond

func goneMeanwhile(t T, h Harness) {
	all := reads(t, h)
	h.FailReads(Stalled)
	for _, r := range all {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(soon, cancel)
		_, err := r.call(ctx)
		cancel()
		WantError(t, r.name, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	}
}

func deadlinePasses(t T, h Harness) {
	all := reads(t, h)
	h.FailReads(Stalled)
	for _, r := range all {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		_, err := r.call(ctx)
		cancel()
		WantError(t, r.name, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
	}
}

// callsAtOnce runs many lists at the same time. It is for the race detector too.
func callsAtOnce(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(60)...)
	list := s.licenses(nil)
	lists := make([][]*pb.License, 8)
	var calls, begun sync.WaitGroup
	begun.Add(len(lists))
	for i := range lists {
		calls.Go(func() {
			size := int32(11 + i)
			rows, token, _, err := list.page(t.Context(), size, "")
			begun.Done()
			begun.Wait() // Every list has begun before any goes on.
			for err == nil && token != "" {
				var next []*pb.License
				next, token, _, err = list.page(t.Context(), size, token)
				rows = append(rows, next...)
			}
			lists[i] = rows
			if err != nil {
				t.Errorf("ListLicenses: %v", err)
			}
		})
		calls.Go(func() {
			if sites, _, _, err := listSites(h).page(t.Context(), 0, ""); err != nil || len(sites) != 1 {
				t.Errorf("ListSites: %d sites, want 1; %v", len(sites), err)
			}
		})
	}
	calls.Wait()
	for _, rows := range lists {
		sameRows(t, "ListLicenses, of many at once", rows, s.held(nil))
	}
}
