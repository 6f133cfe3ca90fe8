package memory

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// GetIntegration shows the values of credentials in view FULL only.
func (a *Adapter) GetIntegration(ctx context.Context, req *pb.GetIntegrationRequest) (*pb.Integration, error) {
	if req.GetView() == pb.Integration_FULL {
		return a.vendor.Integrations.Get(ctx, req.GetName())
	}
	return a.redacted(req.GetName())(ctx)
}

// redacted returns a read of an integration without the values of its credentials.
func (a *Adapter) redacted(name string) func(context.Context) (*pb.Integration, error) {
	return func(ctx context.Context) (*pb.Integration, error) {
		integration, err := a.vendor.Integrations.Get(ctx, name)
		for _, c := range integration.GetCredentials() {
			c.Redacted, c.Value = c.GetValue() != "", ""
		}
		return integration, err
	}
}

// UpdateIntegration changes what the mask names.
func (a *Adapter) UpdateIntegration(
	ctx context.Context, req *pb.UpdateIntegrationRequest,
) (*pb.Integration, error) {
	wanted, mask := req.GetIntegration(), req.GetUpdateMask().GetPaths()
	if slices.Contains(mask, "token_duration") && wanted.GetTokenDuration().GetNanos() != 0 {
		return nil, apierror.Invalid("integration.token_duration", "must be whole seconds")
	}
	return update(ctx, a.vendor.Integrations, a.redacted(wanted.GetName()), fields(wanted, mask))
}

// Integration returns the integration of a site, without a call.
func (v *Vendor) Integration(siteID string) *pb.Integration {
	v.mu.Lock()
	defer v.mu.Unlock()
	held, err := v.Integrations.find(names.Integration.Name(v.id, siteID))
	if err != nil {
		panic(err)
	}
	return proto.CloneOf(held)
}
