package services

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

type listRequest interface {
	paging.Request
	GetParent() string
	GetPageSize() int32
}

type listResponse interface {
	proto.Message
	GetNextPageToken() string
}

// widest is how many parents a list over many asks at once.
const widest = 8

// position is where a list over many parents stands: the parents that have begun and not ended, each with its own token, and the last one that has
// begun. Those after it follow from the configuration and the vendors' sites, so the token stays small however many there are.
type position struct {
	Active []turn `json:"a,omitempty"`
	Begun  string `json:"b,omitempty"`
}

type turn struct {
	Parent string `json:"p"`
	Token  string `json:"t,omitempty"`
}

// list asks one vendor; or, where "-" stands for the vendor or the site, all that can answer, each for its share of the page. Within a page, rows come
// vendor by vendor and site by site.
func list[C any, Req listRequest, Res listResponse](ctx context.Context, all *vendors.Registry, call func(C, context.Context, Req) (Res, error), req Req) (Res, error) {
	if !slices.Contains(strings.Split(req.GetParent(), "/"), names.Wildcard) {
		return delegate(ctx, all, req.GetParent(), call, req)
	}
	var none Res
	var at position
	if _, err := paging.Resume(req, &at); err != nil {
		return none, err
	}
	able, err := capable[C](ctx, all, req.GetParent())
	if err != nil {
		return none, err
	}
	begin, stop := iter.Pull2(parents(ctx, able, req.GetParent(), at.Begun))
	defer stop()

	page := none.ProtoReflect().New().Interface().(Res)
	size := paging.Size(req.GetPageSize())
	var failed []error
	asked := 0
	unreachable := func(name string, err error) {
		failed = append(failed, err)
		appendTo(page, "unreachable", name)
	}
	more := true // parents may follow those that have begun
	for more && rows(page) < size || asked == 0 {
		room := size - rows(page)
		for more && len(at.Active) < min(widest, room) {
			parent, err, ok := begin()
			if more = ok; !ok {
				break
			}
			at.Begun = parent
			if err != nil {
				asked++
				unreachable(parent, err)
				continue
			}
			at.Active = append(at.Active, turn{Parent: parent})
		}
		now := at.Active[:min(len(at.Active), room)]
		at.Active = slices.Clone(at.Active[len(now):])
		for i, a := range ask(ctx, all, call, req, now, room) {
			asked++
			if a.err != nil {
				unreachable(now[i].Parent, a.err)
				continue
			}
			proto.Merge(page, a.page) // appends the rows
			if next := a.page.GetNextPageToken(); next != "" {
				at.Active = append(at.Active, turn{now[i].Parent, next})
			}
		}
		if ctx.Err() != nil {
			return none, ctx.Err()
		}
		if len(at.Active) > 0 || asked == 0 {
			break
		}
	}
	if asked > 0 && len(failed) == asked {
		return none, failed[0]
	}
	token := ""
	if more || len(at.Active) > 0 {
		if token, err = paging.Token(req, at); err != nil {
			return none, err
		}
	}
	set(page, "next_page_token", token)
	set(page, "total_size", int32(0)) // a sum of what some of the vendors tell would mislead
	return page, nil
}

type answer[Res any] struct {
	page Res
	err  error
}

// ask asks all of them at once, each for an equal share of the room in the page.
func ask[C any, Req listRequest, Res listResponse](ctx context.Context, all *vendors.Registry, call func(C, context.Context, Req) (Res, error), req Req, turns []turn, room int) []answer[Res] {
	answers := make([]answer[Res], len(turns))
	var wg sync.WaitGroup
	for i, t := range turns {
		wg.Go(func() {
			one := proto.CloneOf(req)
			set(one, "parent", t.Parent)
			set(one, "page_token", t.Token)
			set(one, "page_size", int32(room/len(turns)))
			answers[i].page, answers[i].err = delegate(ctx, all, t.Parent, call, one)
		})
	}
	wg.Wait()
	return answers
}

// rows counts the rows of a page: its only list of messages.
func rows(page proto.Message) int {
	m := page.ProtoReflect()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.IsList() && f.Kind() == protoreflect.MessageKind {
			return m.Get(f).List().Len()
		}
	}
	return 0
}

func set(m proto.Message, field protoreflect.Name, v any) {
	r := m.ProtoReflect()
	if f := r.Descriptor().Fields().ByName(field); f != nil {
		r.Set(f, protoreflect.ValueOf(v))
	}
}

func appendTo(m proto.Message, field protoreflect.Name, v any) {
	r := m.ProtoReflect()
	r.Mutable(r.Descriptor().Fields().ByName(field)).List().Append(protoreflect.ValueOf(v))
}
