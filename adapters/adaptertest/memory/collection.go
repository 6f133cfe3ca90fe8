package memory

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/paging"
)

// A Collection holds the vendor's things of one kind, in the order in which they came.
type Collection[M mutation.Resource] struct {
	vendor *Vendor
	name   func(M) string // names a thing that has no name
	// complete adds what the vendor decides itself, or refuses a new thing. It may be nil.
	complete func(M) error
	held     []M
}

// Put adds things at the vendor, without a call.
func (c *Collection[M]) Put(things ...M) {
	c.vendor.mu.Lock()
	defer c.vendor.mu.Unlock()
	for _, m := range things {
		if _, err := c.insert(m); err != nil {
			panic(err)
		}
	}
}

// insert adds a thing. The caller holds the lock.
func (c *Collection[M]) insert(m M) (M, error) {
	m = proto.CloneOf(m)
	if m.GetName() == "" {
		setText(m, "name", c.name(m))
	}
	if c.complete != nil {
		if err := c.complete(m); err != nil {
			return m, err
		}
	}
	c.held = append(c.held, m)
	return proto.CloneOf(m), nil
}

// find returns the vendor's own copy of a thing. The caller holds the lock.
func (c *Collection[M]) find(name string) (held M, err error) {
	i := c.index(name)
	if i < 0 {
		return held, c.vendor.explain(notFound)
	}
	return c.held[i], nil
}

func (c *Collection[M]) index(name string) int {
	return slices.IndexFunc(c.held, func(m M) bool { return m.GetName() == name })
}

// List reads all things.
func (c *Collection[M]) List(ctx context.Context) ([]M, error) {
	return c.Where(func(M) bool { return true })(ctx)
}

// Where returns a read of the things that match.
func (c *Collection[M]) Where(match func(M) bool) func(context.Context) ([]M, error) {
	return func(ctx context.Context) ([]M, error) {
		if err := c.vendor.read(ctx); err != nil {
			return nil, err
		}
		c.vendor.mu.Lock()
		defer c.vendor.mu.Unlock()
		var matching []M
		for _, m := range c.held {
			if match(m) {
				matching = append(matching, proto.CloneOf(m))
			}
		}
		return matching, nil
	}
}

// Get reads the thing of this name.
func (c *Collection[M]) Get(ctx context.Context, name string) (none M, err error) {
	matching, err := c.Where(func(m M) bool { return m.GetName() == name })(ctx)
	switch {
	case err != nil:
		return none, err
	case len(matching) == 0:
		return none, c.vendor.explain(notFound)
	}
	return matching[0], nil
}

// Named returns a read of the thing of this name.
func (c *Collection[M]) Named(name string) func(context.Context) (M, error) {
	return func(ctx context.Context) (M, error) { return c.Get(ctx, name) }
}

// Add creates a thing, which the vendor names.
func (c *Collection[M]) Add(ctx context.Context, m M) (added M, err error) {
	err = c.vendor.write(ctx, func() (err error) {
		added, err = c.insert(m)
		return err
	})
	return added, err
}

// Change changes the thing of this name.
func (c *Collection[M]) Change(ctx context.Context, name string, change func(M) error) error {
	return c.vendor.write(ctx, func() error {
		held, err := c.find(name)
		if err != nil {
			return err
		}
		return change(held)
	})
}

// Remove takes the thing of this name away.
func (c *Collection[M]) Remove(ctx context.Context, name string) error {
	return c.vendor.write(ctx, func() error {
		i := c.index(name)
		if i < 0 {
			return c.vendor.explain(notFound)
		}
		c.held = slices.Delete(c.held, i, i+1)
		return nil
	})
}

// A pageRequest is a request for one page of a list.
type pageRequest interface {
	paging.Request
	GetPageSize() int32
}

// page returns one page of what read reads, the token of the next page, and how many rows there
// are.
func page[M any](
	ctx context.Context, req pageRequest, read func(context.Context) ([]M, error),
) (page []M, next string, total int32, err error) {
	all, err := read(ctx)
	if err != nil {
		return nil, "", 0, err
	}
	page, next, err = paging.Slice(req, all)
	return page, next, int32(len(all)), err
}

// Rows holds rows of sites, in the order in which they arrived. They do not change.
type Rows[M proto.Message] struct {
	vendor *Vendor
	bySite map[string][]M
}

// Put adds rows of a site.
func (r *Rows[M]) Put(siteID string, rows ...M) {
	r.vendor.mu.Lock()
	defer r.vendor.mu.Unlock()
	site := r.vendor.siteName(siteID)
	for _, row := range rows {
		row = proto.CloneOf(row)
		setText(row, "site", site)
		r.bySite[site] = append(r.bySite[site], row)
	}
}

// of reads all rows of a site. They belong to the vendor.
func (r *Rows[M]) of(ctx context.Context, site string) ([]M, error) {
	if _, err := r.vendor.Sites.Get(ctx, site); err != nil {
		return nil, err
	}
	r.vendor.mu.Lock()
	defer r.vendor.mu.Unlock()
	return slices.Clone(r.bySite[site]), nil
}

func setText(m proto.Message, field protoreflect.Name, value string) {
	m.ProtoReflect().Set(m.ProtoReflect().Descriptor().Fields().ByName(field), protoreflect.ValueOfString(value))
}
