package amino

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ReplaceProductLicense deletes the old license, then creates the new one: AminoTV's licenses are
// immutable. Where it refuses the new terms, the old ones are issued again. What can be refused
// without a write is refused before the first one.
//
// From the moment that the old license is revoked, the user is owed another one, whether or not the
// caller still waits: the steps that follow no longer end with the caller, and what keeps them from
// being made, other than AminoTV's refusal, is an OUTCOME_UNKNOWN with which the next run goes on.
func (a *Adapter) ReplaceProductLicense(ctx context.Context, req *pb.ReplaceProductLicenseRequest) (*pb.ProductLicense, error) {
	terms, err := a.terms("product_license", req.GetProductLicense())
	if err != nil {
		return nil, err
	}
	next, old, err := a.replacement(ctx, req.GetName(), terms)
	if err != nil {
		return nil, err
	}
	revoked, err := a.revoke(ctx, "revoke", old.terms)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	issued, refused := a.issue(ctx, "issue", next, true)
	switch {
	case refused == nil:
		if err := replacedInDoubt("the new license stands", issued, revoked); err != nil {
			return nil, err
		}
		return a.answer(issued.license), nil
	case !isRefusal(refused):
		return nil, unfinished(refused)
	}
	return nil, a.restore(ctx, old, revoked, apierror.Convert(refused))
}

// replacement reads all that the steps need, since nothing may keep the user waiting once the old
// license is revoked: the order of the new terms, and that of the old ones, should they have to be
// issued again.
func (a *Adapter) replacement(ctx context.Context, name string, terms *pb.ProductLicense) (next, old order, err error) {
	noted, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.ListProductLicensesResponse, error) {
		held, err := a.replaceable(ctx, name, terms)
		if err != nil {
			return nil, err
		}
		before, err := a.licensesOfOrder(ctx, terms, held)
		for _, l := range before {
			if a.config.UniqueOrders && l.GetName() != name && ofOrder(l, terms) {
				return nil, orderTaken("product_license", l)
			}
		}
		return &pb.ListProductLicensesResponse{ProductLicenses: append([]*pb.ProductLicense{withOrderID(terms), withOrderID(held)}, before...)}, err
	})
	if err != nil {
		return order{}, order{}, err
	}
	all := noted.GetProductLicenses()
	return order{all[0], all[2:]}, order{all[1], all[2:]}, nil
}

// replaceable reads the old license, and refuses what AminoTV would only refuse once that is gone.
func (a *Adapter) replaceable(ctx context.Context, name string, terms *pb.ProductLicense) (*pb.ProductLicense, error) {
	old, err := a.findLicense(ctx, "name", name)
	if err != nil {
		return nil, err
	}
	if terms.GetUser() != old.GetUser() {
		return nil, apierror.Invalid("product_license.user", "must be the user of the license to replace: create another license for another user")
	}
	if old.GetProduct() == "" {
		return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "AminoTV does not tell the product of the license %s, so its terms could not be issued again: nothing was sent", name)
	}
	_, err = a.findProduct(ctx, terms.GetProduct())
	return old, err
}

// restore issues the old terms again, as they read by now, since the new ones were refused, and
// answers the error that says so.
func (a *Adapter) restore(ctx context.Context, old order, revoked outcome, refused *apierror.Error) error {
	old.terms = a.reissueTerms(old.terms)
	restored, err := a.issue(ctx, "restore", old, true)
	switch {
	case err == nil:
		if err := replacedInDoubt("AminoTV refused the new terms, and the old ones stand again", restored, revoked); err != nil {
			return err
		}
		said := fmt.Sprintf("AminoTV refused the new terms, and the old ones stand again, as %s: %s", restored.license.GetName(), refused.Message)
		return aborted(refused, pb.ErrorReason_REPLACE_ROLLED_BACK, said).With(apierror.Standing, restored.license.GetName())
	case !isRefusal(err):
		return unfinished(err)
	}
	said := fmt.Sprintf("AminoTV refused the new terms, and the old ones too: no license stands, and the user has lost %s. Create a license. The new terms: %s. The old ones: %s",
		old.terms.GetName(), refused.Message, apierror.Convert(err).Message)
	if revoked.doubt != nil {
		said += ". " + revoked.doubt.Message
	}
	return aborted(refused, pb.ErrorReason_REPLACE_INCOMPLETE, said)
}

func aborted(refused *apierror.Error, reason pb.ErrorReason, said string) *apierror.Error {
	e := withMessage(refused, said)
	e.Code, e.Reason, e.Violations = codes.Aborted, reason, nil
	return e
}

// replacedInDoubt is the error of a replacement of which it is known what stands, and not what
// Irdeto has; nil where that is known too.
func replacedInDoubt(said string, standing, revoked outcome) error {
	if standing.doubt == nil && revoked.doubt == nil {
		return nil
	}
	said += ", as " + standing.license.GetName()
	for _, o := range []outcome{standing, revoked} {
		if o.doubt != nil {
			said += "; " + o.doubt.Message
		}
	}
	return inDoubt(apierror.OutcomeUnknown("%s", said).With(apierror.Standing, standing.license.GetName()))
}

// unfinished is the error of a replacement that is to go on: whatever the reason is, something took
// effect.
func unfinished(err error) error {
	if apierror.IsOutcomeUnknown(err) {
		return err
	}
	return errReplacementIncomplete(err)
}
