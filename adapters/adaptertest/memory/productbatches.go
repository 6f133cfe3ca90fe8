package memory

import (
	"context"
	"strconv"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	_ adapters.ProductLicenseBatchCreator = (*Adapter)(nil)
	_ adapters.ProductLicenseBatchDeleter = (*Adapter)(nil)
)

// BatchCreateProductLicenses issues licenses one after the other.
func (a *Adapter) BatchCreateProductLicenses(ctx context.Context, req *pb.BatchCreateProductLicensesRequest) (*pb.BatchCreateProductLicensesResponse, error) {
	results, err := each(ctx, req.GetRequests(), a.CreateProductLicense)
	return &pb.BatchCreateProductLicensesResponse{Results: results}, err
}

// BatchDeleteProductLicenses revokes licenses one after the other.
func (a *Adapter) BatchDeleteProductLicenses(ctx context.Context, req *pb.BatchDeleteProductLicensesRequest) (*pb.BatchDeleteProductLicensesResponse, error) {
	results, err := each(ctx, req.GetNames(), func(ctx context.Context, name string) (*pb.ProductLicense, error) {
		l, err := a.standing(ctx, name)
		if err != nil {
			return nil, err
		}
		return l, a.revoke(ctx, l)
	})
	return &pb.BatchDeleteProductLicensesResponse{Results: results}, err
}

// each carries out a batch, whose items have steps and outcomes of their own. A batch of which no
// item had an effect had none.
func each[Item any](ctx context.Context, items []Item, do func(context.Context, Item) (*pb.ProductLicense, error)) ([]*pb.ProductLicenseResult, error) {
	var results []*pb.ProductLicenseResult
	without := 0
	for i, item := range items {
		l, err := do(mutation.ItemContext(ctx, strconv.Itoa(i)), item)
		if mutation.IsNoEffect(err) {
			without++
			err = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the item was cut before it had any effect at the vendor, and was not sent again: call again")
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
