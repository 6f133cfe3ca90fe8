package amino

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
)

// BatchCreateProductLicenses makes one POST /licenses for each item. AminoTV's batch_create is not
// used: its answer does not tell what became of each item, and once it is lost or a failure, nobody
// could say which of them to send again.
func (a *Adapter) BatchCreateProductLicenses(ctx context.Context, req *pb.BatchCreateProductLicensesRequest) (*pb.BatchCreateProductLicensesResponse, error) {
	if err := checkItems(req); err != nil {
		return nil, err
	}
	results, err := a.each(ctx, len(req.GetRequests()), func(ctx context.Context, i int) (*pb.ProductLicense, error) {
		return a.createLicense(ctx, fmt.Sprintf("requests[%d].product_license", i), req.GetRequests()[i].GetProductLicense())
	})
	if err != nil {
		return nil, err
	}
	return &pb.BatchCreateProductLicensesResponse{Results: results}, nil
}

// checkItems refuses a batch whose items are not parts of it. What is wrong with one license is
// that item's own failure.
func checkItems(req *pb.BatchCreateProductLicensesRequest) error {
	type key struct{ user, product, order string }
	orders := map[key]int{}
	var violations []*errdetails.BadRequest_FieldViolation
	for i, item := range req.GetRequests() {
		refuse := func(member, why string) {
			violations = append(violations, &errdetails.BadRequest_FieldViolation{Field: fmt.Sprintf("requests[%d].%s", i, member), Description: why})
		}
		if item.GetParent() != "" && item.GetParent() != req.GetParent() {
			refuse("parent", "must be empty, or the batch's: "+req.GetParent())
		}
		if item.GetRequestId() != "" {
			refuse("request_id", "must be empty: the batch has its own")
		}
		if item.GetValidateOnly() {
			refuse("validate_only", "must be empty: the batch has its own")
		}
		l := item.GetProductLicense()
		k := key{l.GetUser(), l.GetProduct(), l.GetOrderId()}
		if first, twice := orders[k]; twice && k.order != "" {
			refuse("product_license.order_id", fmt.Sprintf("is that of requests[%d], for the same user and product, so that the two could not be told apart if an answer was lost", first))
		}
		orders[k] = i
	}
	if violations != nil {
		return apierror.InvalidRequest(violations...)
	}
	return nil
}

// BatchDeleteProductLicenses makes one DELETE /licenses/{license_id} for each item, and not
// AminoTV's batch_delete, for the reason above.
func (a *Adapter) BatchDeleteProductLicenses(ctx context.Context, req *pb.BatchDeleteProductLicensesRequest) (*pb.BatchDeleteProductLicensesResponse, error) {
	var violations []*errdetails.BadRequest_FieldViolation
	for i, name := range req.GetNames() {
		field := fmt.Sprintf("names[%d]", i)
		if _, err := a.licenseID(field, name); err != nil {
			violations = append(violations, apierror.Convert(err).Violations...)
		} else if names.Vendor.Name(a.id) != req.GetParent() {
			violations = append(violations, &errdetails.BadRequest_FieldViolation{Field: "parent", Description: "must be " + names.Vendor.Name(a.id)})
		}
	}
	if violations != nil {
		return nil, apierror.InvalidRequest(violations...)
	}
	unnoted, err := a.noteLicenses(ctx, req.GetNames())
	if err != nil {
		return nil, err
	}
	results, err := a.each(ctx, len(req.GetNames()), func(ctx context.Context, i int) (*pb.ProductLicense, error) {
		if unnoted[i] != nil {
			return nil, unnoted[i]
		}
		return a.deleteLicense(ctx, fmt.Sprintf("names[%d]", i), req.GetNames()[i])
	})
	if err != nil {
		return nil, err
	}
	return &pb.BatchDeleteProductLicensesResponse{Results: results}, nil
}

// noteLicenses notes all licenses that are to be deleted, before the first of them is: where the
// creation of one is in doubt for too long, or one cannot be read just now, nothing is sent, and
// the whole batch can be called again. That one is not there is its item's own failure. A trial
// notes nothing.
func (a *Adapter) noteLicenses(ctx context.Context, licenses []string) (unnoted []error, err error) {
	unnoted = make([]error, len(licenses))
	if mutation.DryRunFrom(ctx) != nil {
		return unnoted, nil
	}
	noting, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	a.parts(noting, len(licenses), func(ctx context.Context, i int) {
		_, err := a.noteLicense(ctx, fmt.Sprintf("names[%d]", i), licenses[i])
		if e := apierror.Convert(err); err != nil && apierror.Retryable(e.Code) {
			giveUp(err) // nor need the others wait
		}
		unnoted[i] = err
	})
	if ctx.Err() != nil {
		return nil, apierror.FromContext(ctx)
	}
	return unnoted, context.Cause(noting)
}

// each carries out the items of a batch, each settled on its own. Once begun, the batch no longer
// ends with its caller: who calls again with the same request_id gets all results.
func (a *Adapter) each(ctx context.Context, n int, item func(ctx context.Context, i int) (*pb.ProductLicense, error)) ([]*pb.ProductLicenseResult, error) {
	if ctx.Err() != nil {
		return nil, apierror.FromContext(ctx)
	}
	licenses, errs := make([]*pb.ProductLicense, n), make([]error, n)
	a.parts(context.WithoutCancel(ctx), n, func(ctx context.Context, i int) { licenses[i], errs[i] = item(ctx, i) })
	return resultsOf(licenses, errs)
}

// parts does something for all items of a batch, some at once, each as a part of the mutation.
func (a *Adapter) parts(ctx context.Context, n int, do func(ctx context.Context, i int)) {
	var items panics.Group
	running := make(chan struct{}, a.atOnce(ctx))
	for i := range n {
		running <- struct{}{}
		items.Go(func() {
			defer func() { <-running }()
			do(mutation.ItemContext(ctx, fmt.Sprintf("item %d", i)), i)
		})
	}
	items.Wait()
}

// atOnce is how many items are carried out at once. A trial keeps its requests in their order.
func (a *Adapter) atOnce(ctx context.Context) int {
	if mutation.DryRunFrom(ctx) != nil {
		return 1
	}
	return a.config.BatchConcurrency
}

// resultsOf are the results of all items. Where none of them came as far as the vendor, for a
// reason of drmhub's own, that is the batch's.
func resultsOf(licenses []*pb.ProductLicense, errs []error) ([]*pb.ProductLicenseResult, error) {
	results, stuck := make([]*pb.ProductLicenseResult, len(errs)), 0
	for i, err := range errs {
		switch {
		case err == nil:
			results[i] = okResult(licenses[i])
			continue
		case mutation.IsNoEffect(err):
			stuck++
			err = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the batch was cut before this item had any effect at the vendor, and it was not sent again: send it anew")
		case apierror.Retryable(apierror.Convert(err).Code):
			stuck++
		}
		results[i] = errResult(err)
	}
	if stuck == len(errs) && stuck > 0 {
		return nil, errs[0]
	}
	return results, nil
}
