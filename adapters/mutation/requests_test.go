package mutation_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
)

// A tracingLog lists what it is asked to do. Its Flush fails with broken.
type tracingLog struct {
	*mutation.Memory
	calls  []string
	broken error
}

func (l *tracingLog) Put(ctx context.Context, step string, r mutation.Record) error {
	l.calls = append(l.calls, "put "+names[r.State])
	return l.Memory.Put(ctx, step, r)
}

func (l *tracingLog) Note(step string, r mutation.Record) error {
	l.calls = append(l.calls, "note "+names[r.State])
	return l.Memory.Note(step, r)
}

func (l *tracingLog) Flush(context.Context) error {
	l.calls = append(l.calls, "flush")
	return l.broken
}

var names = map[mutation.State]string{mutation.Sent: "sent", mutation.Done: "done", mutation.Refused: "refused"}

// request makes a write as a vendor's client does.
func request(ctx context.Context, _ mutation.Attempt) (*change, error) {
	end, err := mutation.BeginRequest(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return &change{}, mutation.RecordSend(ctx, time.Second)
}

func TestAnOutcomeIsDurableBeforeTheNextRequest(t *testing.T) {
	log := &tracingLog{Memory: mutation.NewMemory()}
	ctx := mutation.NewContext(t.Context(), log)
	if _, err := mutation.Do(ctx, mutation.Write[*change]{Step: "first", Send: request}); err != nil {
		t.Error(err)
	}
	end, err := mutation.BeginRequest(ctx) // that of an item at the same time
	if err != nil {
		t.Fatal(err)
	}
	item := mutation.ItemContext(ctx, "item")
	if _, err := mutation.Do(item, mutation.Write[*change]{Step: "second", Send: request}); err != nil {
		t.Error(err)
	}
	end()
	want := []string{"flush", "put sent", "note done", "flush", "flush", "put sent", "put done"}
	if !slices.Equal(log.calls, want) {
		t.Errorf("%q, want %q", log.calls, want)
	}
}

func TestNothingIsSentWhileAnEarlierOutcomeIsNotDurable(t *testing.T) {
	log := &tracingLog{Memory: mutation.NewMemory(), broken: errors.New("disk full")}
	_, err := do(t.Context(), log, request)
	if !errors.Is(err, log.broken) || apierror.IsOutcomeUnknown(err) || !slices.Equal(log.calls, []string{"flush"}) {
		t.Errorf("%v after %q, want the log's error, and no record of a refusal", err, log.calls)
	}
}

func TestARequestOutsideOfAMutationWaitsForNothing(t *testing.T) {
	end, err := mutation.BeginRequest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	end()
}
