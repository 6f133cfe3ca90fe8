package journal_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// fault is what befalls a vendor write.
type fault int

const (
	fine    fault = iota
	lost          // it takes effect, and the answer is lost
	cut           // it has no effect, which nobody tells
	refused       // the vendor says no
)

// world is a vendor in memory, with a ledger of what took effect.
type world struct {
	pb.UnimplementedSiteServiceServer
	pb.UnimplementedProductLicenseServiceServer
	pb.UnimplementedDrmAccountServiceServer

	before func(ctx context.Context, what string) error // happens before a write, if it is set; its error is definite
	read   func(what string) error                      // happens before a write is read back, if it is set
	after  func(ctx context.Context) error              // happens at the end of a method, if it is set

	blindRestore bool // ReplaceProductLicense cannot read back whether the old terms stand again

	mu     sync.Mutex
	calls  int // writes that reached the vendor
	faults map[int]fault
	ledger map[string]int // how often something took effect
	reads  int
}

func (w *world) register(to grpc.ServiceRegistrar) {
	pb.RegisterSiteServiceServer(to, w)
	pb.RegisterProductLicenseServiceServer(to, w)
	pb.RegisterDrmAccountServiceServer(to, w)
}

func (w *world) write(ctx context.Context, what string) error {
	if w.before != nil {
		if err := w.before(ctx, what); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	befalls := w.faults[w.calls]
	switch befalls {
	case cut:
		return apierror.OutcomeUnknown("cut before %s", what)
	case refused:
		mutation.Heard(ctx, 409)
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "no %s", what).With(apierror.VendorCode, "E409")
	}
	if w.ledger == nil {
		w.ledger = map[string]int{}
	}
	w.ledger[what]++
	if befalls == lost {
		return apierror.OutcomeUnknown("cut after %s", what)
	}
	mutation.Heard(ctx, 200)
	return nil
}

// happened is how often something took effect.
func (w *world) happened(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger[what]
}

func (w *world) want(t *testing.T, what string, times int) {
	t.Helper()
	if n := w.happened(what); n != times {
		t.Errorf("%s took effect %d times, want %d", what, n, times)
	}
}

// do is a step of a method. What is blind cannot be read back.
func (w *world) do(ctx context.Context, step, what string, blind bool) error {
	write := mutation.Write[*wrapperspb.StringValue]{
		Step: step,
		Send: func(ctx context.Context) (*wrapperspb.StringValue, error) {
			if trial := mutation.Trying(ctx); trial != nil {
				return nil, trial.Keep("curl " + what)
			}
			return wrapperspb.String(what), w.write(ctx, what)
		},
		Expect: func() *wrapperspb.StringValue { return wrapperspb.String(what) },
	}
	if !blind {
		write.Check = func(context.Context) (*wrapperspb.StringValue, bool, error) {
			w.mu.Lock()
			w.reads++
			w.mu.Unlock()
			if w.read != nil {
				if err := w.read(what); err != nil {
					return nil, false, err
				}
			}
			return wrapperspb.String(what), w.happened(what) > 0, nil
		}
	}
	_, err := mutation.Do(ctx, write)
	if err == nil && w.after != nil {
		err = w.after(ctx)
	}
	return err
}

// DisableSite is one write.
func (w *world) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	return &pb.StatusChange{Site: req.GetName(), Message: req.GetMessage()}, w.do(ctx, "disable", "disable "+req.GetName(), false)
}

// EnableSite is one write that cannot be read back.
func (w *world) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	return &pb.StatusChange{Site: req.GetName(), Message: req.GetMessage()}, w.do(ctx, "enable", "enable "+req.GetName(), true)
}

// ReplaceProductLicense is two writes that depend on each other, and a third one that undoes the first where the second is refused.
func (w *world) ReplaceProductLicense(ctx context.Context, req *pb.ReplaceProductLicenseRequest) (*pb.ProductLicense, error) {
	next := req.GetProductLicense().GetProduct()
	old, err := mutation.Note(ctx, "before", func(context.Context) (*wrapperspb.StringValue, error) {
		if w.happened("revoke "+req.GetName()) > 0 {
			return nil, apierror.NotFound("%s is gone", req.GetName())
		}
		return wrapperspb.String("old"), nil
	})
	if err != nil {
		return nil, err
	}
	if err := w.do(ctx, "revoke", "revoke "+req.GetName(), false); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	failure := w.do(ctx, "issue", "issue "+next, false)
	switch {
	case failure == nil:
		return &pb.ProductLicense{Name: req.GetName() + "-2", Product: next}, nil
	case !isRefusal(failure):
		return nil, failure
	}
	if err := w.do(ctx, "restore", "restore "+old.GetValue()+" "+req.GetName(), w.blindRestore); err == nil {
		return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK, "the new terms were refused, and the old ones stand again")
	} else if !isRefusal(err) {
		return nil, err
	}
	return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_INCOMPLETE, "both terms were refused")
}

// isRefusal tells whether the vendor has refused, and that is kept: a refusal that could not be kept is joined with the reason why.
func isRefusal(err error) bool {
	_, plain := err.(interface{ GRPCStatus() *status.Status })
	return plain && apierror.Convert(err).Reason == pb.ErrorReason_VENDOR_STATE
}

// BatchCreateProductLicenses is one write for each item, each for itself.
func (w *world) BatchCreateProductLicenses(ctx context.Context, req *pb.BatchCreateProductLicensesRequest) (*pb.BatchCreateProductLicensesResponse, error) {
	res := &pb.BatchCreateProductLicensesResponse{}
	for i, item := range req.GetRequests() {
		result := &pb.ProductLicenseResult{}
		err := w.do(mutation.Part(ctx, fmt.Sprintf("item %d", i)), "create", "create "+item.GetProductLicense().GetUser(), false)
		if err == nil {
			result.Result = &pb.ProductLicenseResult_ProductLicense{ProductLicense: item.GetProductLicense()}
		} else {
			result.Result = &pb.ProductLicenseResult_Error{Error: apierror.Convert(err).GRPCStatus().Proto()}
		}
		res.Results = append(res.Results, result)
	}
	return res, nil
}

// BatchDeleteProductLicenses is one write for all, for the sake of its names.
func (w *world) BatchDeleteProductLicenses(ctx context.Context, req *pb.BatchDeleteProductLicensesRequest) (*pb.BatchDeleteProductLicensesResponse, error) {
	return &pb.BatchDeleteProductLicensesResponse{}, w.do(ctx, "delete", fmt.Sprint("delete ", req.GetNames()), false)
}

// DeleteProductLicense is one write.
func (w *world) DeleteProductLicense(ctx context.Context, req *pb.DeleteProductLicenseRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, w.do(ctx, "delete", "delete "+req.GetName(), false)
}

// CreateDrmAccount is two writes whose request, and whose answer, hold a secret.
func (w *world) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	account := req.GetDrmAccount()
	if account.GetPassword() == "" {
		return nil, apierror.Invalid("drm_account.password", "must be set")
	}
	_, err := mutation.Note(ctx, "before", func(context.Context) (*pb.DrmAccount, error) { return account, nil })
	if err != nil {
		return nil, err
	}
	if err := w.do(ctx, "create", "create "+account.GetUsername(), false); err != nil {
		return nil, err
	}
	return account, w.do(ctx, "activate", "activate "+account.GetUsername()+" with "+account.GetPassword(), false)
}
