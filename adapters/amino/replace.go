package amino

import (
	"cmp"
	"context"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ReplaceProductLicense deletes the old license and then creates the new one, since AminoTV's
// licenses are immutable. If AminoTV refuses the new terms, the old ones are issued again. Before
// the first write, it refuses everything that can be refused without a write.
//
// Once the old license is revoked, the user is owed another one. So the further steps go on without
// the caller. If one fails, and AminoTV has not refused it, the error is OUTCOME_UNKNOWN, and the
// next run goes on.
func (a *Adapter) ReplaceProductLicense(
	ctx context.Context, req *pb.ReplaceProductLicenseRequest,
) (*pb.ProductLicense, error) {
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
		if err := replacedInDoubt("AminoTV holds the new license", issued, revoked); err != nil {
			return nil, err
		}
		return a.answer(issued.license), nil
	case !isRefusal(refused):
		return nil, unfinished(refused)
	}
	return nil, a.restore(ctx, old, revoked, apierror.Convert(refused))
}

// replacement reads everything that the steps need, since no read may delay them once the old
// license is revoked. It returns the order of the new terms, and that of the old ones for a
// rollback.
func (a *Adapter) replacement(ctx context.Context, name string, terms *pb.ProductLicense) (next, old order, err error) {
	kept, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.ListProductLicensesResponse, error) {
		held, err := a.replaceable(ctx, name, terms)
		if err != nil {
			return nil, err
		}
		return a.orders(ctx, "product_license", name, terms, held)
	})
	if err != nil {
		return order{}, order{}, err
	}
	all, partly := kept.GetProductLicenses(), kept.GetNextPageToken() == partlyListed
	old = order{terms: all[1], before: all[1:], partly: partly}
	// The old license is older, too. No older one has an order id that drmhub draws.
	return order{terms: all[0], before: all[1:], partly: partly && terms.GetOrderId() != ""}, old, nil
}

// replaceable reads the old license. It refuses terms that AminoTV would refuse after the
// revocation, and a license whose terms could not be issued again.
func (a *Adapter) replaceable(ctx context.Context, name string, terms *pb.ProductLicense) (*pb.ProductLicense, error) {
	old, err := a.findLicense(ctx, "name", name)
	if err != nil {
		return nil, err
	}
	if old.GetUser() == "" || old.GetProduct() == "" {
		if err := a.askUser(ctx, old, terms.GetUser()); err != nil {
			return nil, err
		}
	}
	untold := ""
	switch {
	case terms.GetUser() != old.GetUser():
		return nil, apierror.Invalid("product_license.user", "must be the user of the license to replace. "+
			"To give another user a license, create one.")
	case old.GetProduct() == "":
		untold = "product"
	case old.GetVendorStatus() == "":
		untold = "status"
	}
	if untold != "" {
		return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"Nothing was sent: AminoTV does not show the %s of the license %s, so its terms could not be issued "+
				"again.", untold, name)
	}
	return old, a.wantProduct(ctx, terms.GetProduct())
}

// askUser adds what the list of a user's licenses shows of a license: that it is this user's, and
// its product.
func (a *Adapter) askUser(ctx context.Context, l *pb.ProductLicense, user string) error {
	if l.GetUser() != "" && l.GetUser() != user {
		return nil // The list of another user does not have it.
	}
	owned, whole, err := a.licensesOf(ctx, user)
	if err != nil {
		return err
	}
	for _, own := range owned {
		if own.GetName() == l.GetName() {
			l.User, l.Product = user, cmp.Or(l.GetProduct(), own.GetProduct())
			return nil
		}
	}
	if !whole {
		return invalidList("may be incomplete, and lacks the license "+l.GetName()+", whose user AminoTV does not "+
			"show. Nothing was sent. Check offset_parameter.", userLicensesPath(user))
	}
	return nil
}

// restore issues the old terms again, after the new ones were refused. It returns the error that
// says so.
func (a *Adapter) restore(ctx context.Context, old order, revoked outcome, refused *apierror.Error) error {
	old.terms = a.reissueTerms(old.terms)
	restored, err := a.issue(ctx, "restore", old, true)
	switch {
	case err == nil:
		const happened = "AminoTV refused the new terms and holds the old ones again"
		if err := replacedInDoubt(happened, restored, revoked); err != nil {
			return err
		}
		name := restored.license.GetName()
		said := fmt.Sprintf("%s, as %s. The refusal: %s", happened, name, refused.Message)
		return aborted(refused, pb.ErrorReason_REPLACE_ROLLED_BACK, said).With(apierror.Standing, name)
	case !isRefusal(err):
		return unfinished(err)
	}
	said := fmt.Sprintf("AminoTV refused the new terms, and then the old ones too. The user has lost %s and has no "+
		"license in its place. Create a license. The refusal of the new terms: %s. The refusal of the old ones: %s",
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

// replacedInDoubt returns the error of a replacement after which AminoTV's license is known but
// Irdeto's entitlement is not. It returns nil if both are known.
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

// unfinished returns the error of a replacement that the next run continues. Something took effect,
// so for any reason the outcome is unknown.
func unfinished(err error) error {
	if apierror.IsOutcomeUnknown(err) {
		return err
	}
	return errReplacementIncomplete(err)
}
