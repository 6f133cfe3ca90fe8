package memory

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var _ adapters.SiteUpdater = (*Adapter)(nil)

// UpdateSite changes what the mask names.
func (a *Adapter) UpdateSite(ctx context.Context, req *pb.UpdateSiteRequest) (*pb.Site, error) {
	wanted := req.GetSite()
	ids, err := names.Site.IDs(wanted.GetName())
	if err != nil {
		return nil, apierror.Invalid("site.name", "%v", err)
	}
	set := func(s *pb.Site) { copyFields(s, wanted, req.GetUpdateMask().GetPaths()) }
	read := func(ctx context.Context) (*pb.Site, error) {
		return a.GetSite(ctx, &pb.GetSiteRequest{Name: wanted.GetName()})
	}
	before, err := mutation.SnapshotExisting(ctx, "before", read, wanted)
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.Site, error) {
		changed, err := a.vendor.ChangeSite(ctx, ids[1], set)
		if err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		changed.Name = wanted.GetName()
		return changed, nil
	}
	check := func(ctx context.Context) (*pb.Site, bool, error) {
		now, err := read(ctx)
		return now, isAs(now, set), err
	}
	expect := func() *pb.Site {
		set(before)
		return before
	}
	return mutation.Do(ctx, mutation.Write[*pb.Site]{Step: "update", Send: send, ReadBack: check, Preview: expect})
}

// copyFields copies these fields of a message to another one of its kind.
func copyFields(to, from proto.Message, fields []string) {
	from = proto.CloneOf(from)
	for _, field := range fields {
		f := to.ProtoReflect().Descriptor().Fields().ByTextName(field)
		if from.ProtoReflect().Has(f) {
			to.ProtoReflect().Set(f, from.ProtoReflect().Get(f))
		} else {
			to.ProtoReflect().Clear(f)
		}
	}
}

// isAs reports whether setting would change nothing any more.
func isAs[M proto.Message](now M, set func(M)) bool {
	if !now.ProtoReflect().IsValid() {
		return false
	}
	as := proto.CloneOf(now)
	set(as)
	return proto.Equal(now, as)
}

// ChangeSite changes a site.
func (v *Vendor) ChangeSite(ctx context.Context, siteID string, change func(*pb.Site)) (changed *pb.Site, err error) {
	return changed, v.write(ctx, func() error {
		held := v.site(siteID)
		if held == nil {
			return &Failure{Code: noSuchSite}
		}
		change(held)
		changed = proto.CloneOf(held)
		return nil
	})
}
