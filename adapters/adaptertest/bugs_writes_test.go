package adaptertest_test

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// These are what goes wrong in any write.

func doesNothing(*call) (proto.Message, error) { return nil, nil }

// dropsLog runs the call without the record of an earlier run.
func dropsLog(c *call) (proto.Message, error) { return c.good(withoutLog(c.ctx), c.req) }

// unaware does not notice that the caller goes.
func unaware(c *call) (proto.Message, error) { return c.good(context.WithoutCancel(c.ctx), c.req) }

// certain takes an unknown outcome for a failure.
func certain(c *call) (proto.Message, error) {
	return c.failing(func(err error) error {
		if apierror.IsOutcomeUnknown(err) {
			return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "cut")
		}
		return err
	})
}

// unsure takes every failure for an unknown outcome.
func unsure(c *call) (proto.Message, error) {
	return c.failing(func(err error) error { return apierror.OutcomeUnknown("%v", err) })
}

// refuses returns the vendor's refusal for each success.
func refuses(c *call) (proto.Message, error) {
	if _, err := c.run(); err != nil {
		return nil, err
	}
	return nil, apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "no")
}

// outOfCode takes each success for an unknown outcome.
func outOfCode(c *call) (proto.Message, error) {
	if _, err := c.run(); err != nil {
		return nil, err
	}
	return nil, apierror.OutcomeUnknown("no")
}

// hidesFailure takes every failure for a success.
func hidesFailure(c *call) (proto.Message, error) { return c.failing(func(error) error { return nil }) }

// quotes puts a text into what a dry run would send.
func quotes(c *call, text string) (proto.Message, error) {
	if dry := mutation.DryRunFrom(c.ctx); dry != nil {
		_ = dry.Plan("curl --header 'Authorization: " + text + "'")
	}
	return c.run()
}

// A batch is a response with a result for each item.
type batch interface {
	GetResults() []*pb.ProductLicenseResult
}

// failing makes a call and changes its error, or those of a batch's items. A nil error is a success
// without a response.
func (c *call) failing(change func(error) error) (proto.Message, error) {
	res, err := c.run()
	if err != nil {
		return nil, change(err)
	}
	if b, ok := res.(batch); ok {
		for _, r := range b.GetResults() {
			if r.GetError() == nil {
				continue
			}
			r.Result = failed(change(status.ErrorProto(r.GetError()))).Result
		}
	}
	return res, nil
}

// failed returns the result of an item with this error.
func failed(err error) *pb.ProductLicenseResult {
	none := &pb.ProductLicenseResult_ProductLicense{ProductLicense: &pb.ProductLicense{}}
	if err == nil {
		return &pb.ProductLicenseResult{Result: none}
	}
	said := apierror.Convert(err).GRPCStatus().Proto()
	return &pb.ProductLicenseResult{Result: &pb.ProductLicenseResult_Error{Error: said}}
}

// hooksOfWrites are the bugs that every write can have, by its promises.
var hooksOfWrites = map[string]map[string]hook{
	"takes effect once, and returns the outcome":                    {"does nothing": doesNothing},
	"that has succeeded returns its record, which holds no secrets": {"keeps no record": dropsLog},
	"for a caller who has gone sends nothing":                       {"does not notice": unaware},
	"outside of a mutation sends nothing":                           {"makes a mutation of its own": dropsLog},
	"whose response is lost has an unknown outcome, and settles with one effect": {
		"says that nothing happened": certain, "keeps no record": dropsLog,
	},
	"whose response cannot be read has an unknown outcome, and settles with one effect": {
		"says that nothing happened": certain, "takes it for done": hidesFailure,
	},
	"that is cut before its effect has an unknown outcome, and settles with one effect": {
		"takes it for done": hidesFailure,
	},
	"that meets a proxy's 404 has an unknown outcome, and settles with one effect": {
		"takes it for done": hidesFailure, "takes it for a refusal": certain,
	},
	"that meets the success of another program has an unknown outcome, and settles with one effect": {
		"takes it for done": hidesFailure,
	},
	"whose outcome cannot be read back stays unknown":                  {"takes it for done": hidesFailure},
	"is not settled by what a proxy sends":                             {"takes it for done": hidesFailure},
	"that took effect is settled without a caller and without secrets": {"takes it for done": hidesFailure},
	"that had no effect is not sent without a caller":                  {"keeps no record": dropsLog},
	"that the vendor refuses has a definite outcome": {
		"does not know what a refusal is": unsure, "takes it for a success": hidesFailure,
	},
	"in a dry run sends nothing, and shows what it would send": {
		"sends": dropsLog, "shows a secret": func(c *call) (proto.Message, error) { return quotes(c, vendorKey) },
	},
}

// writeBugs are the bugs that every write can have.
func writeBugs() bugs {
	all := bugs{}
	for _, w := range []struct {
		rpc, as string
		of      string // what it is about, if that can be unknown
		waits   bool   // for a creation
	}{
		{"DisableSite", "", "site", false},
		{"EnableSite", "", "site", false},
		{"ExtendTrial", "", "site", false},
		{"CancelStatusChange", "", "status change", false},
		{"CreateSiteOrder", "", "", false},
		{"UpdateIntegration", "", "site", false},
		{"RegisterFairPlayCertificate", "", "site", false},
		{"CreateMember", "", "", false},
		{"UpdateMember", "", "member", false},
		{"ResetMemberPassword", "", "member", false},
		{"UpdateSite", "", "site", true},
		{"CreateDrmAccount", "", "", false},
		{"CreateDrmAccount", " without a username", "", false},
		{"DeleteDrmAccountDevice", "", "device", false},
		{"CreateProduct", "", "", false},
		{"UpdateProduct", "", "product", true},
		{"CreateProductLicense", "", "product", false},
		{"CreateProductLicense", " without an order_id", "", false},
		{"DeleteProductLicense", "", "license", true},
		{"BatchCreateProductLicenses", "", "", false},
		{"BatchDeleteProductLicenses", "", "", true},
		{"ReplaceProductLicense", "", "license", false},
	} {
		for promise, byName := range hooksOfWrites {
			all.add(w.rpc, w.as+" "+promise, byName)
		}
		if w.rpc != "RegisterFairPlayCertificate" && w.rpc != "ResetMemberPassword" { // no read shows these
			all.add(w.rpc, w.as+" that took effect is a success, though the vendor returns an unknown code",
				map[string]hook{"takes it for a refusal": refuses, "does not know a code": outOfCode})
		}
		if w.of != "" {
			all.add(w.rpc, " of an unknown "+w.of+" is NOT_FOUND", map[string]hook{
				"takes any failure for a success": hidesFailure,
			})
		}
		if w.waits {
			all.add(w.rpc, " waits for the mutation that may have created it", map[string]hook{
				"does not wait": dropsLog,
			})
		}
	}
	return all
}

// add adds bugs of a call that break a promise.
func (b bugs) add(rpc, promise string, byName map[string]hook) {
	b[rpc+promise] = map[string]bug{}
	for name, h := range byName {
		b[rpc+promise][name] = on(rpc, h)
	}
}

// readsBackInVain has a ReadBack that always fails.
func readsBackInVain(c *call, req *pb.ResetMemberPasswordRequest) (proto.Message, error) {
	return mutation.Do(c.ctx, mutation.Write[*pb.ResetMemberPasswordResponse]{
		Step: "reset",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.ResetMemberPasswordResponse, error) {
			err := c.vendor.Members.Change(ctx, req.GetName(), func(*pb.Member) error { return nil })
			return &pb.ResetMemberPasswordResponse{}, err
		},
		ReadBack: func(context.Context) (*pb.ResetMemberPasswordResponse, bool, error) {
			return nil, false, errors.New("the vendor does not tell")
		},
	})
}

// These are what goes wrong in a batch.

// reorders is a hook that changes the results of a batch.
func reorders(change func([]*pb.ProductLicenseResult) []*pb.ProductLicenseResult) hook {
	return func(c *call) (proto.Message, error) {
		res, err := c.run()
		switch res := res.(type) {
		case *pb.BatchCreateProductLicensesResponse:
			res.Results = change(res.GetResults())
		case *pb.BatchDeleteProductLicensesResponse:
			res.Results = change(res.GetResults())
		}
		return res, err
	}
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

// firstErrorForAll returns the first item's error for the whole batch.
func firstErrorForAll(c *call) (proto.Message, error) {
	res, err := c.run()
	if b, ok := res.(batch); ok && err == nil {
		for _, r := range b.GetResults() {
			if r.GetError() != nil {
				return nil, status.ErrorProto(r.GetError())
			}
		}
	}
	return res, err
}

// batchBugs are the bugs that a batch can have beside those of every write.
func batchBugs() bugs {
	all := bugs{}
	for rpc, does := range map[string]string{
		"BatchCreateProductLicenses": "issues", "BatchDeleteProductLicenses": "revokes",
	} {
		all.add(rpc, " takes effect once, and returns the outcome", map[string]hook{
			"returns results in another order": reorders(backwards),
		})
		refused := " with an item that is refused " + does + " the others, and has its error in its place"
		all.add(rpc, refused, map[string]hook{
			"puts errors last": reorders(errorsLast), "leaves errors out": reorders(onlyLicenses),
			"takes a refusal for a success": hidesFailure, "returns an item's error for all": firstErrorForAll,
		})
		all.add(rpc, " settles each item on its own if responses are lost", map[string]hook{
			"says that nothing happened": certain, "keeps no record": dropsLog,
			"returns an item's error for all": firstErrorForAll,
		})
		all.add(rpc, " settles each item on its own if some are cut before their effect", map[string]hook{
			"takes them for done": hidesFailure, "keeps no record": dropsLog,
		})
	}
	return all
}
