package adaptertest_test

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	otherCreated = "BatchCreateProductLicenses with an item that is refused issues the others, and has its error in its place"
	otherDeleted = "BatchDeleteProductLicenses with an item that is refused revokes the others, and has its error in its place"
)

// results changes the results of every batch of a kind.
func results[Req proto.Message](change func([]*pb.ProductLicenseResult) []*pb.ProductLicenseResult) func(*bugged) {
	return around(func(ctx context.Context, _ Req, _ *bugged, call callOf) (proto.Message, error) {
		res, err := call(ctx)
		switch res := res.(type) {
		case *pb.BatchCreateProductLicensesResponse:
			res.Results = change(res.GetResults())
		case *pb.BatchDeleteProductLicensesResponse:
			res.Results = change(res.GetResults())
		}
		return res, err
	})
}

func backwards(all []*pb.ProductLicenseResult) []*pb.ProductLicenseResult {
	slices.Reverse(all)
	return all
}

// errorsLast puts what failed after what succeeded.
func errorsLast(all []*pb.ProductLicenseResult) []*pb.ProductLicenseResult {
	slices.SortStableFunc(all, func(a, b *pb.ProductLicenseResult) int {
		return int(min(1, a.GetError().GetCode())) - int(min(1, b.GetError().GetCode()))
	})
	return all
}

// onlyLicenses leaves out what failed.
func onlyLicenses(all []*pb.ProductLicenseResult) []*pb.ProductLicenseResult {
	return slices.DeleteFunc(all, func(r *pb.ProductLicenseResult) bool { return r.GetError() != nil })
}

// firstErrorForAll answers the first item's error for the whole batch.
func firstErrorForAll[Req proto.Message](ctx context.Context, _ Req, _ *bugged, call callOf) (proto.Message, error) {
	res, err := call(ctx)
	if batch, ok := res.(interface {
		GetResults() []*pb.ProductLicenseResult
	}); ok && err == nil {
		for _, r := range batch.GetResults() {
			if r.GetError() != nil {
				return nil, status.ErrorProto(r.GetError())
			}
		}
	}
	return res, err
}

// batchBugs are the bugs that a batch can have beside those of every write.
func batchBugs[Req proto.Message](rpc, refused string) []bug {
	return []bug{
		{rpc + " takes effect once, and says what became of it", "answers in another order", results[Req](backwards)},
		{refused, "puts errors last", results[Req](errorsLast)},
		{refused, "leaves errors out", results[Req](onlyLicenses)},
		{refused, "takes a refusal for a success", around(hidesFailure[Req])},
		{refused, "answers an item's error for all", around(firstErrorForAll[Req])},
		{rpc + " settles each item on its own where answers are lost", "says that nothing happened", around(certain[Req])},
		{rpc + " settles each item on its own where answers are lost", "keeps no record", around(dropsLog[Req])},
		{rpc + " settles each item on its own where answers are lost", "answers an item's error for all", around(firstErrorForAll[Req])},
		{rpc + " settles each item on its own where some are cut before their effect", "takes them for done", around(hidesFailure[Req])},
		{rpc + " settles each item on its own where some are cut before their effect", "keeps no record", around(dropsLog[Req])},
	}
}

var productBatchBugs = slices.Concat(
	batchBugs[*pb.BatchCreateProductLicensesRequest]("BatchCreateProductLicenses", otherCreated),
	batchBugs[*pb.BatchDeleteProductLicensesRequest]("BatchDeleteProductLicenses", otherDeleted),
)

// replacingBy makes a ReplaceProductLicense of another kind.
func replacingBy(replace func(ctx context.Context, req *pb.ReplaceProductLicenseRequest, b *bugged) (proto.Message, error)) func(*bugged) {
	return around(func(ctx context.Context, req *pb.ReplaceProductLicenseRequest, b *bugged, _ callOf) (proto.Message, error) {
		return replace(ctx, req, b)
	})
}

// twoCalls revokes and issues, and does not look back.
func twoCalls(ctx context.Context, req *pb.ReplaceProductLicenseRequest, b *bugged) (proto.Message, error) {
	if _, err := b.good.DeleteProductLicense(ctx, &pb.DeleteProductLicenseRequest{Name: req.GetName()}); err != nil {
		return nil, err
	}
	return b.good.CreateProductLicense(ctx, &pb.CreateProductLicenseRequest{ProductLicense: req.GetProductLicense()})
}

// onlyIssues leaves the old license as it stands.
func onlyIssues(ctx context.Context, req *pb.ReplaceProductLicenseRequest, b *bugged) (proto.Message, error) {
	return b.good.CreateProductLicense(ctx, &pb.CreateProductLicenseRequest{ProductLicense: req.GetProductLicense()})
}

// forThisUser takes whatever user is asked for as the old one's.
func forThisUser(ctx context.Context, req *pb.ReplaceProductLicenseRequest, b *bugged, call callOf) (proto.Message, error) {
	old, err := b.good.GetProductLicense(ctx, &pb.GetProductLicenseRequest{Name: req.GetName()})
	if err != nil {
		return nil, err
	}
	req.GetProductLicense().User = old.GetUser()
	return call(ctx)
}

// revokesAll revokes all licenses of the user first.
func revokesAll(ctx context.Context, req *pb.ReplaceProductLicenseRequest, b *bugged, call callOf) (proto.Message, error) {
	held, err := b.vendor.ProductLicenses.List(ctx)
	if err != nil {
		return nil, err
	}
	old, err := b.good.GetProductLicense(ctx, &pb.GetProductLicenseRequest{Name: req.GetName()})
	if err != nil {
		return nil, err
	}
	for _, l := range held {
		if l.GetUser() == old.GetUser() && l.GetProduct() != old.GetProduct() {
			if err := bypassesLog(ctx, func(ctx context.Context) error { return b.vendor.ProductLicenses.Remove(ctx, l.GetName()) }); err != nil {
				return nil, err
			}
		}
	}
	return call(ctx)
}

// failingReplace changes the error of a replacement.
func failingReplace(change func(*apierror.Error) error) func(*bugged) {
	return around(func(ctx context.Context, _ *pb.ReplaceProductLicenseRequest, _ *bugged, call callOf) (proto.Message, error) {
		return failing(ctx, call, func(err error) error { return change(apierror.Convert(err)) })
	})
}

// forgetsHalf has no record of an earlier run that was half done.
var forgetsHalf = around(dropsLog[*pb.ReplaceProductLicenseRequest])

var replaceBugs = []bug{
	{replaced, "only issues", replacingBy(onlyIssues)},
	{replaced, "keeps the old terms", requesting(func(req *pb.ReplaceProductLicenseRequest) { req.GetProductLicense().StopTime = nil })},
	{replaced, "revokes the user's other licenses too", around(revokesAll)},
	{"ReplaceProductLicense with another user is INVALID_ARGUMENT, and sends nothing", "takes any user for the old one", around(forThisUser)},
	{"ReplaceProductLicense with another user is INVALID_ARGUMENT, and sends nothing", "gives the license to another user", replacingBy(twoCalls)},
	{rolledBack, "does not look back", replacingBy(twoCalls)},
	{rolledBack, "names the old license", failingReplace(func(e *apierror.Error) error { return e.With(apierror.Standing, "vendors/acme/productLicenses/none") })},
	{rolledBack, "shows the key", failingReplace(func(e *apierror.Error) error { return e.With(apierror.VendorMessage, "not with "+vendorKey) })},
	{incomplete, "does not look back", replacingBy(twoCalls)},
	{incomplete, "says that the old terms stand", failingReplace(func(e *apierror.Error) error {
		return apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK, "%s", e.Message)
	})},
	{"ReplaceProductLicense whose second answer is lost settles with the new terms", "keeps no record", forgetsHalf},
	{"ReplaceProductLicense whose second answer is lost settles with the new terms", "says that nothing happened", around(certain[*pb.ReplaceProductLicenseRequest])},
	{"ReplaceProductLicense whose second write is cut settles with the new terms", "keeps no record", forgetsHalf},
	{"ReplaceProductLicense whose second write is cut settles with the new terms", "takes it for done", around(hidesFailure[*pb.ReplaceProductLicenseRequest])},
	{"ReplaceProductLicense that is half done is finished when nobody asks again", "keeps no record", forgetsHalf},
	{"ReplaceProductLicense whose second write is cut is finished when nobody asks again", "takes each write for a mutation of its own", replacingBy(func(ctx context.Context, req *pb.ReplaceProductLicenseRequest, b *bugged) (proto.Message, error) {
		if _, err := b.good.DeleteProductLicense(mutation.ItemContext(ctx, "1"), &pb.DeleteProductLicenseRequest{Name: req.GetName()}); err != nil {
			return nil, err
		}
		return b.good.CreateProductLicense(mutation.ItemContext(ctx, "2"), &pb.CreateProductLicenseRequest{ProductLicense: req.GetProductLicense()})
	})},
	{"ReplaceProductLicense that loses the answer while it rolls back settles with the old terms", "says that nothing stands", around(certain[*pb.ReplaceProductLicenseRequest])},
	{"ReplaceProductLicense whose caller goes when it is half done is finished all the same", "goes with its caller", replacingBy(twoCalls)},
	{"ReplaceProductLicense at a vendor that cannot be read when it is half done comes to the new terms", "reads between its writes", replacingBy(twoCalls)},
}

const (
	replaced   = "ReplaceProductLicense leaves one license of the user to the product, with the new terms"
	rolledBack = "ReplaceProductLicense whose new terms are refused is ABORTED, and the old terms stand again"
	incomplete = "ReplaceProductLicense whose old terms are refused too is ABORTED, and says that nothing stands"
)
