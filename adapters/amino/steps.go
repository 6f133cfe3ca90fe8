package amino

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// outcome is the result of one write.
type outcome struct {
	license *pb.ProductLicense // the license that was issued or revoked
	// doubt is an OUTCOME_UNKNOWN. It is set if AminoTV's state is known but Irdeto's is not.
	// Irdeto's state cannot be read back.
	doubt *apierror.Error
}

// do makes one write. Its record keeps the license or the doubt.
func do(ctx context.Context, w mutation.Write[*pb.ProductLicenseResult]) (outcome, error) {
	result, err := mutation.Do(ctx, w)
	if err != nil {
		return outcome{}, err
	}
	if kept := result.GetError(); kept != nil {
		doubt := apierror.Convert(status.ErrorProto(kept))
		return outcome{&pb.ProductLicense{Name: doubt.Metadata[apierror.Standing]}, doubt}, nil
	}
	return outcome{license: result.GetProductLicense()}, nil
}

// inDoubt returns the error of a method that made all of its writes, with a doubt about one of
// them.
func inDoubt(doubt *apierror.Error) error { return mutation.Unsettleable(doubt) }

func okResult(l *pb.ProductLicense) *pb.ProductLicenseResult {
	return &pb.ProductLicenseResult{Result: &pb.ProductLicenseResult_ProductLicense{ProductLicense: l}}
}

func errResult(err error) *pb.ProductLicenseResult {
	failure := apierror.Convert(err).GRPCStatus().Proto()
	return &pb.ProductLicenseResult{Result: &pb.ProductLicenseResult_Error{Error: failure}}
}

// issue creates the license of an order. An order is owed if another license was revoked for it.
// Then only AminoTV's refusal of its terms is definite. After any other failure the next run goes
// on.
func (a *Adapter) issue(ctx context.Context, step string, o order, owed bool) (outcome, error) {
	check := func(ctx context.Context) (*pb.ProductLicenseResult, bool, error) {
		found, err := a.find(ctx, o)
		if found != nil && a.config.LicenseStandsWithoutIrdeto {
			doubt := apierror.OutcomeUnknown("Outcome unknown: AminoTV holds the license %s, but its response was "+
				"lost or a failure, so Irdeto may not have its entitlement. If the user cannot play, replace the "+
				"license by one with the same terms.", found.GetName())
			return errResult(doubt.With(apierror.Standing, found.GetName())), true, nil
		}
		return okResult(found), found != nil, err
	}
	return do(ctx, mutation.Write[*pb.ProductLicenseResult]{
		Step: step,
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.ProductLicenseResult, error) {
			row, err := create(ctx, a, licensesPath, licenseBody(o.terms), func(shown licenseResource) bool {
				return shown.Attributes.OrderID.text == o.terms.GetOrderId() && a.contradiction(shown, o) == ""
			})
			if err == nil {
				return a.issued(row, o)
			}
			if owed && isOfNoTerms(err) {
				if late, took, unread := check(ctx); took && unread == nil {
					return late, nil
				}
				return nil, errReplacementIncomplete(err)
			}
			if owed && !isRefusal(err) && !apierror.IsOutcomeUnknown(err) && !mutation.IsDryRun(err) {
				return nil, mutation.MustResend(errReplacementIncomplete(err))
			}
			return nil, a.orNoProduct(ctx, o.terms.GetProduct(), err)
		},
		ReadBack: check,
		Preview:  func() *pb.ProductLicenseResult { return okResult(expected(o.terms)) },
	})
}

// issued returns the license that AminoTV issued. A license that contradicts the order is somebody
// else's.
func (a *Adapter) issued(row licenseResource, o order) (*pb.ProductLicenseResult, error) {
	l := held{a.license(row), row.Attributes, nil}
	if wrong := a.contradiction(row, o); wrong != "" {
		return nil, apierror.OutcomeUnknown("Outcome unknown: AminoTV reported success to POST %s with the license "+
			"%s, which has another %s than the one to issue"+mutation.RetryAdvice, licensesPath, l.GetName(), wrong)
	}
	return okResult(o.issued(l)), nil
}

// contradiction returns what shows that a license is not the one of an order, or "".
func (a *Adapter) contradiction(row licenseResource, o order) string {
	l := a.license(row)
	differs := func(shown, asked string) bool { return shown != "" && shown != asked }
	isOlder := func(older *pb.ProductLicense) bool { return older.GetName() == l.GetName() }
	switch {
	case differs(l.GetUser(), o.terms.GetUser()):
		return "user"
	case differs(l.GetProduct(), o.terms.GetProduct()):
		return "product"
	case differs(l.GetOrderId(), o.terms.GetOrderId()):
		return "order_id"
	case slices.ContainsFunc(o.before, isOlder):
		return "date of issue"
	}
	return ""
}

// orNoProduct returns NOT_FOUND if AminoTV refused a license because it has no such product, and
// err otherwise. Its pages give no code for that.
func (a *Adapter) orNoProduct(ctx context.Context, name string, err error) error {
	return mutation.ExplainRefusal(ctx, err, name, func(ctx context.Context) error {
		err := a.wantProduct(ctx, name)
		if isNotFound(err) {
			return withMessage(err, apierror.Convert(err).Message+". ListProducts lists the products.")
		}
		return err
	})
}

// revoke deletes a license that was read before.
func (a *Adapter) revoke(ctx context.Context, step string, l *pb.ProductLicense) (outcome, error) {
	id, err := a.licenseID("name", l.GetName())
	if err != nil {
		return outcome{}, err
	}
	missed := func() *pb.ProductLicenseResult { // it is gone, but no response said so
		if !a.config.LicenseStandsWithoutIrdeto {
			return okResult(l)
		}
		return errResult(apierror.OutcomeUnknown("Outcome unknown: AminoTV no longer holds the license %s, but "+
			"its response was lost or a failure, so Irdeto may still have its entitlement. Check it at Irdeto.",
			l.GetName()))
	}
	return do(ctx, mutation.Write[*pb.ProductLicenseResult]{
		Step: step,
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.ProductLicenseResult, error) {
			path := licensesPath + upstream.Path(id)
			res, err := a.change(ctx, upstream.Request{Method: http.MethodDelete, Path: path})
			switch {
			case err == nil && res.Status == http.StatusNoContent:
				return okResult(l), nil
			case err == nil: // A proxy may have sent it.
				if err := a.wantGone(ctx, id, strconv.Itoa(res.Status)); err != nil {
					return nil, res.Complete(err)
				}
				return okResult(l), nil
			case isNotFound(err): // An earlier attempt came late, or a proxy sent this one twice.
				said := apierror.Convert(err).Metadata
				if held := a.wantGone(ctx, id, said[apierror.VendorHTTPStatus]); held != nil {
					held.Metadata = said
					return nil, held
				}
				return missed(), nil
			}
			return nil, err
		},
		ReadBack: func(ctx context.Context) (*pb.ProductLicenseResult, bool, error) {
			err := a.wantLicense(ctx, id)
			if !isNotFound(err) {
				return nil, false, err
			}
			return missed(), true, nil
		},
		Preview: func() *pb.ProductLicenseResult { return okResult(l) },
	})
}

// wantGone returns OUTCOME_UNKNOWN unless AminoTV no longer holds a license. status is the HTTP
// status of the response to the revocation.
func (a *Adapter) wantGone(ctx context.Context, id, status string) *apierror.Error {
	err := a.wantLicense(ctx, id)
	if isNotFound(err) {
		return nil
	}
	why := "AminoTV still holds it"
	if err != nil {
		why = "reading it failed: " + err.Error()
	}
	return apierror.OutcomeUnknown("Outcome unknown: AminoTV returned HTTP %s to the revocation of the license %s, "+
		"and %s"+mutation.RetryAdvice, status, a.licenseName(id), why)
}

// wantLicense fails unless AminoTV holds the license with this id.
func (a *Adapter) wantLicense(ctx context.Context, id string) error {
	_, err := one[resource[licenseIdentity, struct{}]](ctx, a, licensesPath, id)
	return err
}

// refusals are the reasons with which AminoTV refuses terms. Other reasons may pass, or concern
// drmhub's credentials or the network.
var refusals = map[pb.ErrorReason]bool{
	pb.ErrorReason_VENDOR_INPUT_REFUSED:     true,
	pb.ErrorReason_VENDOR_ALREADY_EXISTS:    true,
	pb.ErrorReason_VENDOR_REJECTED:          true,
	pb.ErrorReason_VENDOR_PERMISSION_DENIED: true,
	pb.ErrorReason_RESOURCE_NOT_FOUND:       true,
}

// isRefusal reports whether err is AminoTV's refusal of a write, and is recorded. A refusal without
// a record does not count, because the next run would not know of it.
func isRefusal(err error) bool {
	return mutation.IsPlain(err) && refusals[apierror.Convert(err).Reason]
}

// isOfNoTerms reports whether a refusal of a write says nothing about its terms: it concerns the
// credentials, or a proxy sent it. The next run reads the write back.
func isOfNoTerms(err error) bool {
	e := apierror.Convert(err)
	return e.Reason == pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED || strings.HasPrefix(e.Message, proxyForbids)
}

// errReplacementIncomplete returns the error of a half-done replacement, for a reason that may
// pass.
func errReplacementIncomplete(err error) *apierror.Error {
	e := withMessage(err, "Outcome unknown: the old license is revoked, and the next one is not issued yet. "+
		"Retry with the same request_id to continue. The reason: "+apierror.Convert(err).Message)
	e.Code, e.Reason, e.Violations, e.Unproven = codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, nil, false
	return e
}
