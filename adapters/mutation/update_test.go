package mutation_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// showcase is a vendor of one site, whose name an update changes.
type showcase struct {
	site       *pb.Site
	puts       int
	fail       error // returned by the next update
	deaf       bool  // updates have no effect
	unreadable bool
}

func (s *showcase) read(context.Context) (*pb.Site, error) {
	if s.unreadable {
		return nil, errors.New("the vendor is down")
	}
	return proto.CloneOf(s.site), nil
}

func (s *showcase) update(ctx context.Context, change func(*mutation.Update[*pb.Site])) (*pb.Site, error) {
	before, err := mutation.Snapshot(ctx, "before", s.read)
	if err != nil {
		return nil, err
	}
	u := mutation.Update[*pb.Site]{
		Vendor: "Acme", Step: "update", Before: before, Read: s.read,
		Change: func(site *pb.Site) { site.DisplayName = "new" },
		Send: func(ctx context.Context) error {
			if err := mutation.RecordSend(ctx, time.Second); err != nil {
				return err
			}
			s.puts++
			if !s.deaf {
				s.site.DisplayName = "new"
			}
			err := s.fail
			s.fail = nil
			return err
		},
	}
	if change != nil {
		change(&u)
	}
	return mutation.DoUpdate(ctx, u)
}

func TestAnUpdateIsSentOnceAndReadBack(t *testing.T) {
	s, log := &showcase{site: &pb.Site{DisplayName: "old"}}, mutation.NewMemory()
	for range 2 {
		got, err := s.update(mutation.NewContext(t.Context(), log), nil)
		if err != nil || got.GetDisplayName() != "new" || s.puts != 1 {
			t.Errorf("%v, %v, %d updates", got, err, s.puts)
		}
	}
	got, err := s.update(mutation.NewContext(t.Context(), mutation.NewMemory()), nil)
	if err != nil || got.GetDisplayName() != "new" || s.puts != 1 {
		t.Errorf("an update that changes nothing: %v, %v, %d updates", got, err, s.puts)
	}
}

func TestAnUpdateThatTheVendorDoesNotShowIsUnknown(t *testing.T) {
	for name, test := range map[string]struct {
		vendor showcase
		change func(*mutation.Update[*pb.Site])
		says   string
	}{
		"not shown": {
			vendor: showcase{deaf: true},
			says: "Outcome unknown: Acme accepted the update but does not show it yet. " +
				"Retry with the same request_id.",
		},
		"not readable": {
			change: func(u *mutation.Update[*pb.Site]) {
				u.Confirm = func(context.Context) (*pb.Site, error) { return nil, errors.New("down") }
			},
			says: "Outcome unknown: Acme accepted the change, but reading it back failed: down. " +
				"Retry with the same request_id.",
		},
		"lost": {
			vendor: showcase{fail: apierror.OutcomeUnknown("cut")},
			says:   "cut",
		},
	} {
		s, log := &test.vendor, mutation.NewMemory()
		s.site = &pb.Site{DisplayName: "old"}
		ctx := mutation.NewContext(t.Context(), log)
		_, err := s.update(ctx, test.change)
		if !apierror.IsOutcomeUnknown(err) || !strings.Contains(err.Error(), test.says) || s.puts != 1 {
			t.Errorf("%s: %v after %d updates, want %q", name, err, s.puts, test.says)
		}
		s.unreadable = true
		if _, err := s.update(ctx, nil); !apierror.IsOutcomeUnknown(err) || s.puts != 1 {
			t.Errorf("%s, unreadable: %v after %d updates", name, err, s.puts)
		}
		s.unreadable, s.site.DisplayName = false, "new"
		if got, err := s.update(ctx, nil); err != nil || got.GetDisplayName() != "new" || s.puts != 1 {
			t.Errorf("%s, again: %v, %v after %d updates", name, got, err, s.puts)
		}
	}
}

func TestAnUpdateThatHadNoEffect(t *testing.T) {
	s := &showcase{site: &pb.Site{DisplayName: "old"}, deaf: true}
	_, err := s.update(mutation.NewContext(t.Context(), mutation.NewMemory()), nil)
	if !apierror.IsOutcomeUnknown(err) || s.puts != 1 {
		t.Errorf("%v after %d updates", err, s.puts)
	}
	ctx, dry := mutation.WithDryRun(t.Context())
	got, err := s.update(ctx, func(u *mutation.Update[*pb.Site]) {
		u.Send = func(context.Context) error { return dry.Plan("curl") }
	})
	if err != nil || got.GetDisplayName() != "new" || s.site.GetDisplayName() != "old" {
		t.Errorf("in a dry run: %v, %v", got, err)
	}
	ctx, s.fail = mutation.NewContext(t.Context(), mutation.NewMemory()), apierror.OutcomeUnknown("cut")
	_, _ = s.update(ctx, nil)
	s.deaf = false
	if got, err := s.update(ctx, nil); err != nil || got.GetDisplayName() != "new" || s.puts != 3 {
		t.Errorf("lost, and sent again: %v, %v after %d updates", got, err, s.puts)
	}
}
