package adaptertest_test

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

type callOf func(context.Context) (proto.Message, error)

// around is what happens around one kind of write.
func around[Req proto.Message](hook func(ctx context.Context, req Req, b *bugged, call callOf) (proto.Message, error)) func(*bugged) {
	return func(b *bugged) {
		b.writing = func(ctx context.Context, req proto.Message, call func(context.Context) (proto.Message, error)) (proto.Message, error) {
			if r, ok := req.(Req); ok {
				return hook(ctx, r, b, call)
			}
			return call(ctx)
		}
	}
}

// Ways in which any write can go wrong.

func doesNothing[Req proto.Message](context.Context, Req, *bugged, callOf) (proto.Message, error) {
	return nil, nil
}

// dropsLog runs the call without the record of an earlier run.
func dropsLog[Req proto.Message](ctx context.Context, _ Req, _ *bugged, call callOf) (proto.Message, error) {
	return call(mutation.NewContext(ctx, mutation.NewMemory()))
}

// bypassesLog makes vendor writes that the log of the mutation does not record.
func bypassesLog(ctx context.Context, write func(context.Context) error) error {
	_, err := mutation.Do(mutation.NewContext(ctx, mutation.NewMemory()), mutation.Write[*emptypb.Empty]{Send: func(ctx context.Context, _ mutation.Attempt) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, write(ctx)
	}})
	return err
}

func unaware[Req proto.Message](ctx context.Context, _ Req, _ *bugged, call callOf) (proto.Message, error) {
	return call(context.WithoutCancel(ctx))
}

// certain takes an unknown outcome for a failure.
func certain[Req proto.Message](ctx context.Context, _ Req, _ *bugged, call callOf) (proto.Message, error) {
	return failing(ctx, call, func(err error) error {
		if apierror.IsOutcomeUnknown(err) {
			return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "cut")
		}
		return err
	})
}

// hidesFailure takes every failure for a success.
func hidesFailure[Req proto.Message](ctx context.Context, _ Req, _ *bugged, call callOf) (proto.Message, error) {
	return failing(ctx, call, func(error) error { return nil })
}

// tellsAll quotes the vendor's key in what it would send.
func tellsAll[Req proto.Message](ctx context.Context, _ Req, _ *bugged, call callOf) (proto.Message, error) {
	if trial := mutation.DryRunFrom(ctx); trial != nil {
		_ = trial.Plan("curl --header 'Authorization: " + vendorKey + "'")
	}
	return call(ctx)
}

// unsure takes every failure for an unknown outcome.
func unsure[Req proto.Message](ctx context.Context, _ Req, _ *bugged, call callOf) (proto.Message, error) {
	return failing(ctx, call, func(err error) error { return apierror.OutcomeUnknown("%v", err) })
}

// failing makes a call and changes its error, or those of a batch's items; nil makes it a success
// without an answer.
func failing(ctx context.Context, call callOf, change func(error) error) (proto.Message, error) {
	res, err := call(ctx)
	if err != nil {
		return nil, change(err)
	}
	if batch, ok := res.(interface {
		GetResults() []*pb.ProductLicenseResult
	}); ok {
		for _, r := range batch.GetResults() {
			if r.GetError() == nil {
				continue
			}
			if err := change(status.ErrorProto(r.GetError())); err != nil {
				r.Result = &pb.ProductLicenseResult_Error{Error: apierror.Convert(err).GRPCStatus().Proto()}
			} else {
				r.Result = &pb.ProductLicenseResult_ProductLicense{ProductLicense: &pb.ProductLicense{}}
			}
		}
	}
	return res, nil
}

// bugsOf are the bugs that every write can have, for one whose requests are of this type; what it
// is about, where that can be missing.
func bugsOf[Req proto.Message](rpc, about string) []bug {
	bugs := []bug{
		{rpc + " takes effect once, and says what became of it", "does nothing", around(doesNothing[Req])},
		{rpc + " that has succeeded is answered from its record, which keeps no secrets", "keeps no record", around(dropsLog[Req])},
		{rpc + " for a caller who has gone sends nothing", "does not notice", around(unaware[Req])},
		{rpc + " outside of a mutation sends nothing", "makes a mutation of its own", around(dropsLog[Req])},
		{rpc + " whose answer is lost has an unknown outcome, and settles with one effect", "says that nothing happened", around(certain[Req])},
		{rpc + " whose answer is lost has an unknown outcome, and settles with one effect", "keeps no record", around(dropsLog[Req])},
		{rpc + " whose answer cannot be read has an unknown outcome, and settles with one effect", "says that nothing happened", around(certain[Req])},
		{rpc + " that is cut before its effect has an unknown outcome, and settles with one effect", "takes it for done", around(hidesFailure[Req])},
		{rpc + " whose outcome cannot be read back stays unknown", "takes it for done", around(hidesFailure[Req])},
		{rpc + " that took effect is settled by nobody, who has no secrets", "takes it for done", around(hidesFailure[Req])},
		{rpc + " that had no effect is not sent when nobody asks again", "keeps no record", around(dropsLog[Req])},
		{rpc + " that the vendor refuses has a definite outcome", "does not know what a refusal is", around(unsure[Req])},
		{rpc + " that the vendor refuses has a definite outcome", "takes it for a success", around(hidesFailure[Req])},
		{rpc + " that is tried sends nothing, and tells what it would send", "sends", around(dropsLog[Req])},
		{rpc + " that is tried sends nothing, and tells what it would send", "shows a secret", around(tellsAll[Req])},
	}
	if about != "" {
		bugs = append(bugs, bug{rpc + " of an unknown " + about + " is NOT_FOUND", "takes any failure for a success", around(hidesFailure[Req])})
	}
	return bugs
}

// hiding is the bug of a write that pays no heed to what is being created.
func hiding[Req proto.Message](rpc string) bug {
	return bug{rpc + " waits for the mutation that may have created it", "does not wait", around(dropsLog[Req])}
}

// readsBackForEver has a way to read back that never tells.
func readsBackForEver(ctx context.Context, req *pb.ResetMemberPasswordRequest, b *bugged, _ callOf) (proto.Message, error) {
	return mutation.Do(ctx, mutation.Write[*pb.ResetMemberPasswordResponse]{
		Step: "reset",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.ResetMemberPasswordResponse, error) {
			err := b.vendor.Members.Change(ctx, req.GetName(), func(*pb.Member) error { return nil })
			if err != nil {
				return nil, apierror.OutcomeUnknown("%v", err)
			}
			return &pb.ResetMemberPasswordResponse{}, nil
		},
		ReadBack: func(context.Context) (*pb.ResetMemberPasswordResponse, bool, error) {
			return nil, false, errors.New("the vendor does not tell")
		},
	})
}

var writeBugs = [][]bug{
	{{"ResetMemberPassword whose answer is lost has an unknown outcome, and settles with one effect", "reads back forever", around(readsBackForEver)}},
	{
		hiding[*pb.UpdateSiteRequest]("UpdateSite"), hiding[*pb.UpdateProductRequest]("UpdateProduct"),
		hiding[*pb.DeleteProductLicenseRequest]("DeleteProductLicense"), hiding[*pb.BatchDeleteProductLicensesRequest]("BatchDeleteProductLicenses"),
	},
	bugsOf[*pb.EnableSiteRequest]("EnableSite", "site"),
	bugsOf[*pb.ExtendTrialRequest]("ExtendTrial", "site"),
	bugsOf[*pb.CancelStatusChangeRequest]("CancelStatusChange", "status change"),
	bugsOf[*pb.CreateSiteOrderRequest]("CreateSiteOrder", ""),
	bugsOf[*pb.UpdateIntegrationRequest]("UpdateIntegration", "site"),
	bugsOf[*pb.RegisterFairPlayCertificateRequest]("RegisterFairPlayCertificate", "site"),
	bugsOf[*pb.CreateMemberRequest]("CreateMember", ""),
	bugsOf[*pb.UpdateMemberRequest]("UpdateMember", "member"),
	bugsOf[*pb.ResetMemberPasswordRequest]("ResetMemberPassword", "member"),
	bugsOf[*pb.UpdateSiteRequest]("UpdateSite", "site"),
	bugsOf[*pb.CreateDrmAccountRequest]("CreateDrmAccount", ""),
	bugsOf[*pb.CreateDrmAccountRequest]("CreateDrmAccount without a username", ""),
	bugsOf[*pb.DeleteDrmAccountDeviceRequest]("DeleteDrmAccountDevice", "device"),
	bugsOf[*pb.CreateProductRequest]("CreateProduct", ""),
	bugsOf[*pb.UpdateProductRequest]("UpdateProduct", "product"),
	bugsOf[*pb.CreateProductLicenseRequest]("CreateProductLicense", "product"),
	bugsOf[*pb.CreateProductLicenseRequest]("CreateProductLicense without an order_id", ""),
	bugsOf[*pb.DeleteProductLicenseRequest]("DeleteProductLicense", "license"),
	bugsOf[*pb.BatchCreateProductLicensesRequest]("BatchCreateProductLicenses", ""),
	bugsOf[*pb.BatchDeleteProductLicensesRequest]("BatchDeleteProductLicenses", ""),
	bugsOf[*pb.ReplaceProductLicenseRequest]("ReplaceProductLicense", "license"),
}
