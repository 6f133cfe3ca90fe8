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

// BatchCreateProductLicenses makes one POST /licenses for each item. It does not use AminoTV's
// batch_create, whose response does not show the result of each item. After a lost response or a
// failure, nothing would show which items to send again.
func (a *Adapter) BatchCreateProductLicenses(
	ctx context.Context, req *pb.BatchCreateProductLicensesRequest,
) (*pb.BatchCreateProductLicensesResponse, error) {
	if err := checkItems(req); err != nil {
		return nil, err
	}
	type key struct{ user, order string }
	of := func(l *pb.ProductLicense) key { return key{l.GetUser(), l.GetOrderId()} }
	orders := map[key]int{}
	for _, item := range req.GetRequests() {
		orders[of(item.GetProductLicense())]++
	}
	results, err := a.each(ctx, len(req.GetRequests()), func(ctx context.Context, i int) (*pb.ProductLicense, error) {
		field, wanted := fmt.Sprintf("requests[%d].product_license", i), req.GetRequests()[i].GetProductLicense()
		shared := wanted.GetOrderId() != "" && orders[of(wanted)] > 1
		return a.createLicense(ctx, field, wanted, shared)
	})
	if err != nil {
		return nil, err
	}
	return &pb.BatchCreateProductLicensesResponse{Results: results}, nil
}

// checkItems refuses a batch with items that do not belong to it. A mistake in one license fails
// only its item.
func checkItems(req *pb.BatchCreateProductLicensesRequest) error {
	type key struct{ user, product, order string }
	orders := map[key]int{}
	var violations []*errdetails.BadRequest_FieldViolation
	for i, item := range req.GetRequests() {
		refuse := func(member, why string) {
			violations = append(violations, violation(fmt.Sprintf("requests[%d].%s", i, member), why))
		}
		if item.GetParent() != "" && item.GetParent() != req.GetParent() {
			refuse("parent", "must be empty or the parent of the batch, "+req.GetParent())
		}
		if item.GetRequestId() != "" {
			refuse("request_id", "must be empty: set the request_id of the batch")
		}
		if item.GetValidateOnly() {
			refuse("validate_only", "must be empty: set validate_only of the batch")
		}
		l := item.GetProductLicense()
		k := key{l.GetUser(), l.GetProduct(), l.GetOrderId()}
		if first, twice := orders[k]; twice && k.order != "" {
			refuse("product_license.order_id", fmt.Sprintf("must differ from that of requests[%d], which has the "+
				"same user and product: after a lost response the two licenses would look the same", first))
		}
		orders[k] = i
	}
	if violations != nil {
		return apierror.InvalidRequest(violations...)
	}
	return nil
}

func violation(field, why string) *errdetails.BadRequest_FieldViolation {
	return &errdetails.BadRequest_FieldViolation{Field: field, Description: why}
}

// BatchDeleteProductLicenses makes one DELETE /licenses/{license_id} for each item. It does not use
// AminoTV's batch_delete, whose response does not show the result of each item.
func (a *Adapter) BatchDeleteProductLicenses(
	ctx context.Context, req *pb.BatchDeleteProductLicensesRequest,
) (*pb.BatchDeleteProductLicensesResponse, error) {
	var violations []*errdetails.BadRequest_FieldViolation
	for i, name := range req.GetNames() {
		field := fmt.Sprintf("names[%d]", i)
		if _, err := a.licenseID(field, name); err != nil {
			violations = append(violations, apierror.Convert(err).Violations...)
		} else if names.Vendor.Name(a.id) != req.GetParent() {
			violations = append(violations, violation("parent", "must be "+names.Vendor.Name(a.id)))
		}
	}
	if violations != nil {
		return nil, apierror.InvalidRequest(violations...)
	}
	unread, err := a.snapshotLicenses(ctx, req.GetNames())
	if err != nil {
		return nil, err
	}
	results, err := a.each(ctx, len(req.GetNames()), func(ctx context.Context, i int) (*pb.ProductLicense, error) {
		if unread[i] != nil {
			return nil, unread[i]
		}
		return a.deleteLicense(ctx, fmt.Sprintf("names[%d]", i), req.GetNames()[i])
	})
	if err != nil {
		return nil, err
	}
	return &pb.BatchDeleteProductLicensesResponse{Results: results}, nil
}

// snapshotLicenses reads all licenses of a batch before the first one is deleted. If one cannot be
// read now, or its creation stays in doubt, nothing is sent, and the caller can retry the whole
// batch. Other errors, such as that of a missing license, are returned by item. A dry run reads
// nothing here.
func (a *Adapter) snapshotLicenses(ctx context.Context, licenses []string) (unread []error, err error) {
	unread = make([]error, len(licenses))
	if mutation.DryRunFrom(ctx) != nil {
		return unread, nil
	}
	reading, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	a.parts(reading, len(licenses), func(ctx context.Context, i int) {
		_, err := a.snapshotLicense(ctx, fmt.Sprintf("names[%d]", i), licenses[i])
		if e := apierror.Convert(err); err != nil && apierror.Retryable(e.Code) {
			giveUp(err) // The others need not wait.
		}
		unread[i] = err
	})
	if ctx.Err() != nil {
		return nil, apierror.FromContext(ctx)
	}
	return unread, context.Cause(reading)
}

// An itemFunc carries out the item of a batch with this index.
type itemFunc func(ctx context.Context, i int) (*pb.ProductLicense, error)

// each carries out the items of a batch, and each is settled by itself. The batch goes on without
// its caller. A caller who retries with the same request_id gets all results.
func (a *Adapter) each(ctx context.Context, n int, item itemFunc) ([]*pb.ProductLicenseResult, error) {
	if ctx.Err() != nil {
		return nil, apierror.FromContext(ctx)
	}
	licenses, errs := make([]*pb.ProductLicense, n), make([]error, n)
	a.parts(context.WithoutCancel(ctx), n, func(ctx context.Context, i int) {
		licenses[i], errs[i] = item(ctx, i)
	})
	return resultsOf(licenses, errs)
}

// parts calls do for all items of a batch, with some at once. Each is a part of the mutation.
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

// atOnce returns how many items are carried out at once, at most as many as the account's lane lets
// through. A dry run keeps its requests in order.
func (a *Adapter) atOnce(ctx context.Context) int {
	if mutation.DryRunFrom(ctx) != nil {
		return 1
	}
	return min(a.config.BatchConcurrency, a.vendor.WritePlaces())
}

// resultsOf returns the results of all items. If no item had an effect and each may succeed later,
// the batch as a whole fails.
func resultsOf(licenses []*pb.ProductLicense, errs []error) ([]*pb.ProductLicenseResult, error) {
	results, retryable := make([]*pb.ProductLicenseResult, len(errs)), 0
	for i, err := range errs {
		switch {
		case err == nil:
			results[i] = okResult(licenses[i])
			continue
		case mutation.IsNoEffect(err):
			retryable++
			err = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
				"The batch ended before this item had an effect. Send the item in a new request.")
		case apierror.Retryable(apierror.Convert(err).Code):
			retryable++
		}
		results[i] = errResult(err)
	}
	if retryable == len(errs) && retryable > 0 {
		return nil, errs[0]
	}
	return results, nil
}
