package services

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/server/internal/contract"
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

const (
	// maxParallel bounds how many parents a list asks at once.
	maxParallel = 8
	// maxParentsPerCall bounds how many parents one call asks before it returns a short page.
	maxParentsPerCall = 200
)

// position is where a list over many parents stands: the parent whose rows came last, and that
// parent's own token where it has more. Those after it follow from the configuration and the
// vendors' sites, so a token stays small however many there are.
type position struct {
	Parent string `json:"p"`
	Token  string `json:"t,omitempty"`
}

// turn is a parent that is to be asked next, or the error why it cannot be.
type turn struct {
	parent, token string
	err           error
}

// list asks one vendor; or, where "-" stands for the vendor or the site, all that can answer. The
// rows come vendor by vendor and site by site, also from page to page.
//
// One parent is asked for the whole page, and those after it are only asked once it has ended: more
// and more of them at a time, each for its share of what is left of the page. Where one has more
// than its share, the answers behind it are dropped, and come again in their turn.
func list[C any, Req listRequest, Res listResponse](ctx context.Context, all *vendors.Registry, call func(C, context.Context, Req) (Res, error), req Req) (Res, error) {
	if !slices.Contains(strings.Split(req.GetParent(), "/"), names.Wildcard) {
		return delegate(ctx, all, req.GetParent(), call, req)
	}
	var none Res
	var at position
	if _, err := paging.Resume(req, &at); err != nil {
		return none, err
	}
	var queue []turn
	if at.Token != "" {
		if !covers(req.GetParent(), at.Parent) {
			return none, apierror.Invalid("page_token", "is for %s, which %s does not mean; begin again without it", at.Parent, req.GetParent())
		}
		queue = []turn{{parent: at.Parent, token: at.Token}}
	}
	able, err := capable[C](ctx, all, req.GetParent())
	if err != nil {
		return none, err
	}
	begin, stop := iter.Pull2(parents(ctx, able, req.GetParent(), at.Parent))
	defer stop()

	page := none.ProtoReflect().New().Interface().(Res)
	size := paging.Size(req.GetPageSize())
	var failed []error
	asked := 0
	more := true // parents may follow those in the queue
	for width := 1; rows(page) < size && (asked < maxParentsPerCall || len(failed) == asked); width = max(1, min(2*width, maxParallel)) {
		room := size - rows(page)
		for more && len(queue) < min(width, room) {
			var t turn
			if t.parent, t.err, more = begin(); more {
				queue = append(queue, t)
			}
		}
		if len(queue) == 0 {
			break
		}
		now := slices.Clone(queue[:min(width, room, len(queue))])
		answers := ask(ctx, all, call, req, now, room)
		if ctx.Err() != nil {
			return none, apierror.FromContext(ctx)
		}
		for i, a := range answers {
			asked++
			queue = queue[1:]
			at = position{Parent: now[i].parent}
			if a.err != nil {
				failed = append(failed, a.err)
				appendTo(page, "unreachable", at.Parent)
				continue
			}
			proto.Merge(page, a.page) // appends the rows
			if at.Token = a.page.GetNextPageToken(); at.Token != "" {
				break
			}
		}
		if at.Token != "" {
			if len(now) == 1 {
				break // it had the whole room, so this is what it gives for now
			}
			queue = slices.Insert(queue, 0, turn{parent: at.Parent, token: at.Token})
			width = 0 // alone again
		}
	}
	if asked > 0 && len(failed) == asked {
		return none, failed[0]
	}
	token := ""
	if more || at.Token != "" || len(queue) > 0 {
		if token, err = paging.Token(req, at); err != nil {
			return none, err
		}
	}
	contract.Set(page, "next_page_token", token)
	contract.Set(page, "total_size", int32(0)) // a sum of what some of the vendors tell would mislead
	return page, nil
}

type answer[Res any] struct {
	page  Res
	err   error
	panic error // what the adapter panicked with
}

// ask asks all of them at once, each for an equal share of the room in the page. A panic comes up
// in the caller's goroutine, where it is caught.
func ask[C any, Req listRequest, Res listResponse](ctx context.Context, all *vendors.Registry, call func(C, context.Context, Req) (Res, error), req Req, turns []turn, room int) []answer[Res] {
	answers := make([]answer[Res], len(turns))
	var wg sync.WaitGroup
	for i, t := range turns {
		if answers[i].err = t.err; t.err != nil {
			continue
		}
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					answers[i].panic = fmt.Errorf("%v\n%s", p, debug.Stack())
				}
			}()
			one := proto.CloneOf(req)
			contract.Set(one, "parent", t.parent)
			contract.Set(one, "page_token", t.token)
			contract.Set(one, "page_size", int32(room/len(turns)))
			answers[i].page, answers[i].err = delegate(ctx, all, t.parent, call, one)
		})
	}
	wg.Wait()
	for _, a := range answers {
		if a.panic != nil {
			panic(a.panic)
		}
	}
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

func appendTo(m proto.Message, field protoreflect.Name, v any) {
	r := m.ProtoReflect()
	r.Mutable(r.Descriptor().Fields().ByName(field)).List().Append(protoreflect.ValueOf(v))
}
