package mutation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// shop is a vendor that gives products their names, and whose responses are lost.
type shop struct {
	products []*pb.Product
	posts    int
	lost     bool // the next response
	deaf     bool // the next creation has no effect
}

func (s *shop) add(displayName string) *pb.Product {
	p := &pb.Product{Name: fmt.Sprintf("products/%d", len(s.products)), DisplayName: displayName}
	s.products = append(s.products, p)
	return p
}

func (s *shop) list(context.Context) ([]*pb.Product, error) { return slices.Clone(s.products), nil }

func (s *shop) create(ctx context.Context) (*pb.Product, error) {
	before, err := mutation.SnapshotNames(ctx, "before", s.list)
	if err != nil {
		return nil, err
	}
	return mutation.DoCreate(ctx, mutation.Create[*pb.Product]{
		Step: "create", Before: before,
		List: func(ctx context.Context) ([]*pb.Product, error) {
			all, err := s.list(ctx)
			return slices.DeleteFunc(all, func(p *pb.Product) bool { return p.GetDisplayName() != "gold" }), err
		},
		Send: func(ctx context.Context, _ mutation.Attempt) (created *pb.Product, err error) {
			if err := mutation.RecordSend(ctx, time.Second); err != nil {
				return nil, err
			}
			s.posts++
			if !s.deaf {
				created = s.add("gold")
			}
			if s.lost {
				s.lost, s.deaf = false, false
				return nil, apierror.OutcomeUnknown("cut")
			}
			return created, nil
		},
		Preview: func() *pb.Product { return &pb.Product{DisplayName: "gold"} },
	})
}

func TestALostCreationIsFoundAgain(t *testing.T) {
	for name, test := range map[string]struct {
		deaf      bool
		meanwhile []string // created by others
		posts     int
		want      string // the name, or else
		says      string
	}{
		"it arrived":                 {posts: 1, want: "products/2"},
		"it did not":                 {deaf: true, posts: 2, want: "products/2"},
		"it arrived among others":    {meanwhile: []string{"silver"}, posts: 1, want: "products/2"},
		"it did not, but others did": {deaf: true, meanwhile: []string{"silver"}, posts: 2, want: "products/3"},
		"another one is alike":       {meanwhile: []string{"gold"}, posts: 1, says: "2 new resources look like"},
	} {
		s := &shop{lost: true, deaf: test.deaf}
		s.add("gold")
		s.add("silver")
		ctx := mutation.NewContext(t.Context(), mutation.NewMemory())
		if _, err := s.create(ctx); !apierror.IsOutcomeUnknown(err) {
			t.Fatalf("%s: %v", name, err)
		}
		for _, other := range test.meanwhile {
			s.add(other)
		}
		got, err := s.create(ctx)
		if test.says != "" {
			if !apierror.IsOutcomeUnknown(err) || !strings.Contains(err.Error(), test.says) || s.posts != test.posts {
				t.Errorf("%s: %v, %v after %d posts", name, got, err, s.posts)
			}
			continue
		}
		if err != nil || got.GetName() != test.want || s.posts != test.posts {
			t.Errorf("%s: %v, %v after %d posts, want %s", name, got, err, s.posts, test.want)
		}
	}
}

func TestACreationWithoutAListCannotBeVerified(t *testing.T) {
	log := mutation.NewMemory()
	_, err := mutation.DoCreate(mutation.NewContext(t.Context(), log), mutation.Create[*pb.Product]{
		Step: "create",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Product, error) {
			if err := mutation.RecordSend(ctx, time.Second); err != nil {
				return nil, err
			}
			return nil, apierror.OutcomeUnknown("cut")
		},
	})
	if state := log.Get("create").State; !apierror.IsOutcomeUnknown(err) || state != mutation.Unverifiable {
		t.Errorf("%v, and the step is %v", err, state)
	}
}
