package memory

import (
	"context"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var _ adapters.ProductLicenseReplacer = (*Adapter)(nil)

// ReplaceProductLicense revokes a license and issues another one.
func (a *Adapter) ReplaceProductLicense(ctx context.Context, req *pb.ReplaceProductLicenseRequest) (*pb.ProductLicense, error) {
	old, err := a.standing(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if req.GetProductLicense().GetUser() != old.GetUser() {
		return nil, apierror.Invalid("product_license.user", "must be the user of the license that is replaced, %q", old.GetUser())
	}
	terms, err := a.issuing(ctx, "issue", req.GetProductLicense())
	if err != nil {
		return nil, err
	}
	again, err := a.issuing(ctx, "restore", old)
	if err != nil {
		return nil, err
	}
	if err := a.revoke(ctx, old); err != nil {
		return nil, err
	}
	// a user whose license is revoked is not left without one because the caller went away
	ctx = context.WithoutCancel(ctx)
	issued, refusal := terms.issue(ctx)
	if refusal == nil || apierror.IsOutcomeUnknown(refusal) {
		return issued, refusal
	}
	restored, err := again.issue(ctx)
	switch {
	case err == nil:
		return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK, "the vendor refuses the new terms, and the old ones stand again: %v", refusal).
			With(apierror.Standing, restored.GetName())
	case apierror.IsOutcomeUnknown(err):
		return nil, err
	}
	return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_INCOMPLETE, "the vendor refuses the new terms, and the old ones too, so that the user has neither: issue a license. It says: %v; %v", refusal, err)
}
