package services

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/server/internal/auth"
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

// A position is the point at which a list over many parents continues: the parent of the last rows,
// and that parent's own token if it has more. The later parents follow from the configuration and
// the vendors' sites, so the token stays small.
type position struct {
	Parent string `json:"p"`
	Token  string `json:"t,omitempty"`
	// Done are the ids of the vendors before that of Parent. The configuration may since have lost
	// the vendor of Parent, or may have another order.
	Done []string `json:"d,omitempty"`
	// Last is set if no other parent followed Parent when its token was made.
	Last bool `json:"l,omitempty"`
}

// after returns the position at a parent, whose rows come after those at p.
func (p position) after(parent string) position {
	before := vendorOf(p.Parent)
	switch {
	case parent == p.Parent:
		return position{Parent: parent, Done: p.Done, Last: p.Last}
	case before == "" || before == vendorOf(parent):
		return position{Parent: parent, Done: p.Done}
	}
	return position{Parent: parent, Done: append(slices.Clip(p.Done), before)}
}

// vendorOf returns the id of the vendor in a parent's name, or "".
func vendorOf(parent string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(parent, "vendors/"), "/")
	return id
}

// A nextParent is a parent to ask next, or the error why it cannot be asked.
type nextParent struct {
	parent, token string
	err           error
}

// list lists what a parent holds. If the parent has "-" for the vendor or the site, list asks all
// vendors that have the capability. Rows come vendor by vendor and site by site, across all pages.
//
// list asks several parents at once: the first one for the rest of the page, and each other one for
// a share of it. If one has more rows than its share, list drops the responses of the later
// parents, and asks them again in their turn. Each parent has a part of the caller's time. One that
// does not respond in it is unreachable, so that a vendor that stalls does not keep the rows of the
// others.
func list[C any, Req listRequest, Res listResponse](
	ctx context.Context, all *vendors.Registry, call func(C, context.Context, Req) (Res, error), req Req,
) (Res, error) {
	if !slices.Contains(strings.Split(req.GetParent(), "/"), names.Wildcard) {
		return delegate(ctx, all, req.GetParent(), call, req)
	}
	var none Res
	all = all.Snapshot()
	l, err := newListing[Req, Res](ctx, req)
	if err != nil {
		return none, err
	}
	capable, err := vendorsWith[C](ctx, all, req.GetParent())
	if err != nil {
		return none, err
	}
	l.at.Last = l.at.Last && len(remaining(capable, l.at)) <= 1 // The configuration may have another vendor by now.
	time := newTimeShares(ctx)
	next, stop := iter.Pull2(parents(ctx, time, capable, req.GetParent(), l.at))
	defer stop()
	for l.next, l.more = next, true; !l.full() && (l.asked == 0 || !time.over()); {
		asked := l.plan(all)
		if len(asked) == 0 {
			break
		}
		room := l.room()
		responses := begin(ctx, time, len(asked), l.alone(asked), func(ctx context.Context, i int) (Res, error) {
			return askParent(ctx, all, call, l.req, asked[i], share(room, i, len(asked)))
		})
		l.merge(asked, responses)
		responses.stop()
		if ctx.Err() != nil {
			return none, apierror.FromContext(ctx)
		}
		if l.pageEnds {
			break
		}
	}
	return l.result()
}

// A listing is the progress of a list over many parents.
type listing[Req listRequest, Res listResponse] struct {
	req   Req
	page  Res          // the rows so far
	size  int          // the rows that the page may have
	queue []nextParent // known, but not asked yet
	next  func() (parent string, err error, ok bool)
	more  bool     // next may return parents that follow those in the queue
	at    position // of the last merged response
	asked int
	// the first of the parents that were asked has more rows, and had all of the room
	pageEnds bool
	slow     map[string]int   // how many parents of a vendor were slow since one responded, by its id
	stalled  map[string]error // the vendors that did not respond in time, by id
	failed   []error
}

// newListing returns a listing at the position of the request's page token.
func newListing[Req listRequest, Res listResponse](ctx context.Context, req Req) (*listing[Req, Res], error) {
	var none Res
	l := &listing[Req, Res]{req: req, size: paging.Size(req.GetPageSize())}
	l.slow, l.stalled = map[string]int{}, map[string]error{}
	l.page = none.ProtoReflect().New().Interface().(Res)
	if _, err := paging.Resume(req, &l.at); err != nil {
		return nil, err
	}
	if l.at.Token == "" {
		return l, nil
	}
	if !auth.FromContext(ctx).Sees(contract.Lookup(method(ctx)), l.at.Parent) {
		return nil, auth.Denied() // A token of another caller, or one from before the caller was confined.
	}
	if !covers(req.GetParent(), l.at.Parent) {
		return nil, apierror.Invalid("page_token",
			"is for %s, which %s does not include: start again without page_token", l.at.Parent, req.GetParent())
	}
	l.queue = []nextParent{{parent: l.at.Parent, token: l.at.Token}}
	return l, nil
}

// room returns the number of rows that the page still lacks.
func (l *listing[Req, Res]) room() int { return l.size - rows(l.page) }

// full reports whether the page ends here: it has all its rows, or enough parents were asked. The
// page does not end as long as all of them failed.
func (l *listing[Req, Res]) full() bool {
	return l.room() <= 0 || l.asked >= maxParentsPerCall && len(l.failed) < l.asked
}

// plan returns the parents to ask next, at once. It returns none if the list has ended. Each of a
// vendor's sites needs a place in the vendor's lane, so that it has its part of the time.
func (l *listing[Req, Res]) plan(all *vendors.Registry) []nextParent {
	n, resumed := min(maxParallel, l.room()), len(l.queue) > 0 && l.queue[0].token != ""
	if resumed {
		n = 1 // It has more rows, and gets the rest of the page alone.
	}
	ahead := max(n, 2) // So it is known whether the first is alone.
	if resumed && listsSites(l.req.GetParent()) {
		ahead = n // The vendors would have to list their sites again. The page token says whether it was alone.
	}
	for l.more && len(l.queue) < ahead {
		var t nextParent
		if t.parent, t.err, l.more = l.next(); l.more {
			l.queue = append(l.queue, t)
		}
	}
	next := slices.Clone(withinLanes(all, l.queue[:min(n, len(l.queue))]))
	for i, t := range next { // A vendor that stalls is not asked for its other sites.
		next[i].err = cmp.Or(t.err, l.stalled[vendorOf(t.parent)])
	}
	return next
}

// withinLanes returns the first of the parents, and of no vendor more than its lane has places.
func withinLanes(all *vendors.Registry, parents []nextParent) []nextParent {
	asked := map[string]int{}
	for i, t := range parents {
		v, err := all.Lookup(t.parent)
		if asked[v.ID]++; err == nil && v.Account != nil && asked[v.ID] > v.Account.ReadPlaces() {
			return parents[:i]
		}
	}
	return parents
}

// alone reports whether there is no other parent than those to ask.
func (l *listing[Req, Res]) alone(asked []nextParent) bool {
	return len(asked) == 1 && l.asked == 0 && l.last()
}

// last reports whether no parent is known to follow the first one of the queue.
func (l *listing[Req, Res]) last() bool {
	resumedLast := l.at.Last && len(l.queue) > 0 && l.queue[0].parent == l.at.Parent
	return len(l.queue) == 1 && (!l.more || resumedLast)
}

// merge adds the responses to the page as they arrive, in the order of their parents, up to the
// first that has more rows than its share.
func (l *listing[Req, Res]) merge(asked []nextParent, responses *asking[Res]) {
	responded, slow := map[string]bool{}, map[string]error{}
	defer func() {
		for vendor := range responded {
			l.slow[vendor] = 0
		}
		for vendor, err := range slow {
			if l.slow[vendor] > 1 { // One site may be odd.
				l.stalled[vendor] = err
			}
		}
	}()
	for i := range asked {
		a := responses.next(i)
		vendor := vendorOf(asked[i].parent)
		if a.slow && asked[i].err == nil {
			l.slow[vendor]++
			a.err = errSlow(vendor, a.part)
			slow[vendor] = a.err
		} else {
			responded[vendor] = true
		}
		if a.err == nil && rows(a.value) > l.room() {
			return // It is asked again, for fewer rows.
		}
		l.asked++
		l.queue = l.queue[1:]
		l.at = l.at.after(asked[i].parent)
		if a.err != nil {
			l.failed = append(l.failed, a.err)
			appendTo(l.page, "unreachable", l.at.Parent)
			continue
		}
		proto.Merge(l.page, a.value) // appends the rows
		if l.at.Token = a.value.GetNextPageToken(); l.at.Token != "" {
			l.queue = slices.Insert(l.queue, 0, nextParent{parent: l.at.Parent, token: l.at.Token})
			l.pageEnds = i == 0
			return
		}
		if l.room() <= 0 {
			return
		}
	}
}

// result returns the page with the token of the next one. If all parents failed, it returns the
// first error.
func (l *listing[Req, Res]) result() (Res, error) {
	var none Res
	if l.asked > 0 && len(l.failed) == l.asked {
		return none, l.failed[0]
	}
	token := ""
	if l.more || len(l.queue) > 0 {
		l.at.Last = l.at.Token != "" && l.last()
		var err error
		if token, err = paging.Token(l.req, l.at); err != nil {
			return none, err
		}
	}
	contract.Set(l.page, "next_page_token", token)
	contract.Set(l.page, "total_size", int32(0)) // A sum over some of the vendors would mislead.
	return l.page, nil
}

// share returns how many rows to ask of parent i of n. The first may fill the page.
func share(room, i, n int) int32 {
	if i == 0 {
		return int32(room)
	}
	return int32(room / n)
}

// askParent asks one parent for the next rows.
func askParent[C any, Req listRequest, Res listResponse](
	ctx context.Context, all *vendors.Registry, call func(C, context.Context, Req) (Res, error), req Req,
	t nextParent, size int32,
) (Res, error) {
	var none Res
	if t.err != nil {
		return none, t.err
	}
	one := proto.CloneOf(req)
	contract.Set(one, "parent", t.parent)
	contract.Set(one, "page_token", t.token)
	contract.Set(one, "page_size", size)
	return delegate(ctx, all, t.parent, call, one)
}

// rows returns the number of rows of a page. They are its only list of messages.
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
