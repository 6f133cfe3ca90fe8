package memory

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// reading makes one read of the vendor. get runs under the vendor's lock.
func reading[R any](ctx context.Context, v *Vendor, get func() (R, error)) (none R, err error) {
	if err := v.read(ctx); err != nil {
		return none, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return get()
}

// readingAll reads copies of all things of one kind.
func readingAll[M proto.Message](ctx context.Context, v *Vendor, held *[]M) ([]M, error) {
	return reading(ctx, v, func() ([]M, error) { return clones(*held), nil })
}

// readingOf reads what the vendor has of one site.
func readingOf[R any](ctx context.Context, v *Vendor, siteID string, get func() R) (R, error) {
	return reading(ctx, v, func() (none R, err error) {
		if v.site(siteID) == nil {
			return none, &Failure{Code: noSuchSite}
		}
		return get(), nil
	})
}

// named returns the thing of this name in a list that was read, or the error of that read.
func named[M interface{ GetName() string }](held []M, err error, name, kind string) (none M, _ error) {
	if err != nil {
		return none, err
	}
	for _, m := range held {
		if m.GetName() == name {
			return m, nil
		}
	}
	return none, apierror.NotFound("the vendor holds no %s %q; list what it holds", kind, name)
}
