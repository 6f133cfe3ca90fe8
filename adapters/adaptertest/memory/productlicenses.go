package memory

import (
	"context"
	"crypto/rand"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListProductLicenses returns a page of the vendor's product licenses.
func (a *Adapter) ListProductLicenses(
	ctx context.Context, req *pb.ListProductLicensesRequest,
) (*pb.ListProductLicensesResponse, error) {
	f := req.GetFilter()
	ofID := names.Product.Name(a.vendor.id, f.GetProduct())
	licenses, next, total, err := page(ctx, req, a.vendor.ProductLicenses.Where(func(l *pb.ProductLicense) bool {
		return unsetOr(f.GetUser(), l.GetUser()) && unsetOr(f.GetStatus(), l.GetStatus()) &&
			(unsetOr(f.GetProduct(), l.GetProduct()) || l.GetProduct() == ofID)
	}))
	for _, l := range licenses {
		playable(l)
	}
	return &pb.ListProductLicensesResponse{ProductLicenses: licenses, NextPageToken: next, TotalSize: total}, err
}

// playable works out whether a license can be played now.
func playable(l *pb.ProductLicense) *pb.ProductLicense {
	now := time.Now()
	l.Playable = l.GetStatus() == pb.ProductLicense_ACTIVE && !l.GetStartTime().AsTime().After(now) &&
		(l.GetStopTime() == nil || l.GetStopTime().AsTime().After(now))
	return l
}

// GetProductLicense looks the license up in the vendor's list.
func (a *Adapter) GetProductLicense(
	ctx context.Context, req *pb.GetProductLicenseRequest,
) (*pb.ProductLicense, error) {
	return a.productLicense(req.GetName())(ctx)
}

// productLicense returns a read of a license.
func (a *Adapter) productLicense(name string) func(context.Context) (*pb.ProductLicense, error) {
	return func(ctx context.Context) (*pb.ProductLicense, error) {
		l, err := a.vendor.ProductLicenses.Get(ctx, name)
		if err != nil {
			return nil, err
		}
		return playable(l), nil
	}
}

// CreateProductLicense issues a license.
func (a *Adapter) CreateProductLicense(
	ctx context.Context, req *pb.CreateProductLicenseRequest,
) (*pb.ProductLicense, error) {
	issue, err := a.issue(ctx, "issue", req.GetProductLicense())
	if err != nil {
		return nil, err
	}
	return issued(mutation.DoCreate(ctx, issue))
}

// issue prepares a license to be issued. It reads all that it needs, so that nothing is read after
// the first write. It makes an order_id if the terms have none, by which the license is found
// again.
func (a *Adapter) issue(
	ctx context.Context, step string, terms *pb.ProductLicense,
) (none mutation.Create[*pb.ProductLicense], _ error) {
	terms, err := mutation.Snapshot(ctx, step+": terms", func(ctx context.Context) (*pb.ProductLicense, error) {
		terms := proto.CloneOf(terms)
		terms.Name, terms.VendorStatus, terms.Playable = "", "", false
		if terms.GetOrderId() == "" {
			terms.OrderId = "drmhub-" + rand.Text()
		}
		_, err := a.vendor.Products.Get(ctx, terms.GetProduct())
		return terms, err
	})
	if err != nil {
		return none, err
	}
	return creation(ctx, a.vendor.ProductLicenses, step, terms, func(l *pb.ProductLicense) bool {
		return l.GetUser() == terms.GetUser() && l.GetProduct() == terms.GetProduct() &&
			l.GetOrderId() == terms.GetOrderId()
	})
}

func issued(l *pb.ProductLicense, err error) (*pb.ProductLicense, error) {
	if err != nil {
		return nil, err
	}
	return playable(l), nil
}

// DeleteProductLicense revokes a license.
func (a *Adapter) DeleteProductLicense(
	ctx context.Context, req *pb.DeleteProductLicenseRequest,
) (*emptypb.Empty, error) {
	if _, err := a.revoke(ctx, req.GetName()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// standing returns the license as it was before the mutation.
func (a *Adapter) standing(ctx context.Context, name string) (*pb.ProductLicense, error) {
	return mutation.SnapshotExisting(ctx, "standing", a.productLicense(name))
}

func (a *Adapter) revoke(ctx context.Context, name string) (*pb.ProductLicense, error) {
	standing, err := a.standing(ctx, name)
	if err != nil {
		return nil, err
	}
	return remove(ctx, "revoke", standing, a.productLicense(name), func(ctx context.Context) error {
		return a.vendor.ProductLicenses.Remove(ctx, name)
	})
}

// ReplaceProductLicense revokes a license and issues another one.
func (a *Adapter) ReplaceProductLicense(
	ctx context.Context, req *pb.ReplaceProductLicenseRequest,
) (*pb.ProductLicense, error) {
	old, err := a.standing(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if user := old.GetUser(); req.GetProductLicense().GetUser() != user {
		return nil, apierror.Invalid("product_license.user", "must be %q, the user of the replaced license", user)
	}
	issue, err := a.issue(ctx, "issue", req.GetProductLicense())
	if err != nil {
		return nil, err
	}
	restore, err := a.issue(ctx, "restore", old)
	if err != nil {
		return nil, err
	}
	if _, err := a.revoke(ctx, req.GetName()); err != nil {
		return nil, err
	}
	// A user whose license is revoked gets another one, although the caller has gone.
	ctx = context.WithoutCancel(ctx)
	l, refusal := issued(mutation.DoCreate(ctx, issue))
	if refusal == nil || apierror.IsOutcomeUnknown(refusal) {
		return l, refusal
	}
	restored, err := mutation.DoCreate(ctx, restore)
	switch {
	case err == nil:
		return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK,
			"the vendor refuses the new terms, so the old terms were issued again: %v", refusal).
			With(apierror.Standing, restored.GetName())
	case apierror.IsOutcomeUnknown(err):
		return nil, err
	}
	return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_INCOMPLETE,
		"the old license is revoked, and the vendor refuses both the new and the old terms; issue a license: %v; %v",
		refusal, err)
}

// BatchCreateProductLicenses issues licenses one after the other.
func (a *Adapter) BatchCreateProductLicenses(
	ctx context.Context, req *pb.BatchCreateProductLicensesRequest,
) (*pb.BatchCreateProductLicensesResponse, error) {
	results, err := each(ctx, req.GetRequests(), a.CreateProductLicense)
	return &pb.BatchCreateProductLicensesResponse{Results: results}, err
}

// BatchDeleteProductLicenses revokes licenses one after the other.
func (a *Adapter) BatchDeleteProductLicenses(
	ctx context.Context, req *pb.BatchDeleteProductLicensesRequest,
) (*pb.BatchDeleteProductLicensesResponse, error) {
	results, err := each(ctx, req.GetNames(), a.revoke)
	return &pb.BatchDeleteProductLicensesResponse{Results: results}, err
}

// each runs a batch. Each item has steps and an outcome of its own. The batch had no effect if no
// item had one.
func each[Item any](
	ctx context.Context, items []Item, do func(context.Context, Item) (*pb.ProductLicense, error),
) ([]*pb.ProductLicenseResult, error) {
	var results []*pb.ProductLicenseResult
	without := 0
	for i, item := range items {
		l, err := do(mutation.ItemContext(ctx, strconv.Itoa(i)), item)
		if mutation.IsNoEffect(err) {
			without++
			err = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
				"the item had no effect, and was not sent again; call again")
		}
		result := &pb.ProductLicenseResult{Result: &pb.ProductLicenseResult_ProductLicense{ProductLicense: l}}
		if err != nil {
			result.Result = &pb.ProductLicenseResult_Error{Error: apierror.Convert(err).GRPCStatus().Proto()}
		}
		results = append(results, result)
	}
	if without == len(items) {
		return nil, mutation.NoEffect()
	}
	return results, nil
}
