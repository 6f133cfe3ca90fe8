package memory

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// GetIntegration shows the values of credentials to view FULL alone.
func (a *Adapter) GetIntegration(ctx context.Context, req *pb.GetIntegrationRequest) (*pb.Integration, error) {
	integration, err := a.integration(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if req.GetView() != pb.Integration_FULL {
		redact(integration)
	}
	return integration, nil
}

func redact(integration *pb.Integration) {
	for _, c := range integration.GetCredentials() {
		c.Redacted, c.Value = c.GetValue() != "", ""
	}
}

// UpdateIntegration changes what the mask names.
func (a *Adapter) UpdateIntegration(ctx context.Context, req *pb.UpdateIntegrationRequest) (*pb.Integration, error) {
	wanted, mask := req.GetIntegration(), req.GetUpdateMask().GetPaths()
	ids, err := names.Integration.IDs(wanted.GetName())
	if err != nil {
		return nil, apierror.Invalid("integration.name", "%v", err)
	}
	if slices.Contains(mask, "token_duration") && wanted.GetTokenDuration().GetNanos() != 0 {
		return nil, apierror.Invalid("integration.token_duration", "must be whole seconds")
	}
	set := func(i *pb.Integration) {
		for _, field := range mask {
			f := i.ProtoReflect().Descriptor().Fields().ByTextName(field)
			i.ProtoReflect().Set(f, proto.CloneOf(wanted).ProtoReflect().Get(f))
		}
	}
	before, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.Integration, error) {
		held, err := a.integration(ctx, wanted.GetName())
		redact(held)
		return held, err
	})
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.Integration, error) {
		changed, err := a.vendor.ChangeSettings(ctx, ids[1], set)
		if err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		changed.Name = wanted.GetName()
		redact(changed)
		return changed, nil
	}
	check := func(ctx context.Context) (*pb.Integration, bool, error) {
		now, err := a.integration(ctx, wanted.GetName())
		if err != nil {
			return nil, false, err
		}
		redact(now)
		as := proto.CloneOf(now)
		set(as)
		return now, proto.Equal(now, as), nil
	}
	expect := func() *pb.Integration {
		set(before)
		return before
	}
	return mutation.Do(ctx, mutation.Write[*pb.Integration]{Step: "update", Send: send, ReadBack: check, Preview: expect})
}

func (a *Adapter) integration(ctx context.Context, name string) (*pb.Integration, error) {
	ids, err := names.Integration.IDs(name)
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	held, err := a.vendor.Settings(ctx, ids[1])
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	held.Name = name
	return held, nil
}

// Settings are how a site is integrated.
func (v *Vendor) Settings(ctx context.Context, siteID string) (*pb.Integration, error) {
	return readingOf(ctx, v, siteID, func() *pb.Integration { return proto.CloneOf(v.settingsOfSite(siteID)) })
}

// ChangeSettings changes how a site is integrated.
func (v *Vendor) ChangeSettings(ctx context.Context, siteID string, change func(*pb.Integration)) (changed *pb.Integration, err error) {
	return changed, v.write(ctx, func() error {
		if v.site(siteID) == nil {
			return &Failure{Code: noSuchSite}
		}
		held := v.settingsOfSite(siteID)
		change(held)
		changed = proto.CloneOf(held)
		return nil
	})
}

// Integration is how a site is integrated, by a look at the vendor's own books.
func (v *Vendor) Integration(siteID string) *pb.Integration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return proto.CloneOf(v.settingsOfSite(siteID))
}

// settingsOfSite are there from the first time that anybody looks. The caller holds the lock.
func (v *Vendor) settingsOfSite(siteID string) *pb.Integration {
	if v.settings[siteID] == nil {
		v.settings[siteID] = &pb.Integration{
			Credentials:   []*pb.Integration_Credential{{Id: "key", Value: "the key of " + siteID}, {Id: "spare_key"}},
			Iv:            "0123456789abcdef",
			TokenDuration: durationpb.New(10 * time.Minute),
		}
	}
	return v.settings[siteID]
}
