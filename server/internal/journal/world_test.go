package journal_test

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
)

// fault is what befalls a vendor write.
type fault = faultplan.Fault

const (
	fine    fault = ""
	lost    fault = "lost"    // it takes effect, and the answer is lost
	cut     fault = "cut"     // it has no effect, which nobody tells
	refused fault = "refused" // the vendor says no
)

// world is a vendor in memory, with a ledger of what took effect.
type world struct {
	pb.UnimplementedSiteServiceServer
	pb.UnimplementedProductLicenseServiceServer
	pb.UnimplementedDrmAccountServiceServer

	// happens as a site's method begins, if it is set
	enter func(context.Context) error
	// happens before a write leaves, if it is set; with its error it does not
	leaves func() error
	// happens before a write that has left takes effect, if it is set; its error is definite
	before func(ctx context.Context, what string) error
	// happens before a write is read back, if it is set
	read func(what string) error
	// happens at the end of a method, if it is set
	after func(ctx context.Context) error

	within time.Duration // how long the call of a write may take; 0 is a second
	// BatchCreateProductLicenses makes all items at once, each in two writes with a note between
	// them
	parallel   bool
	blindItems bool // BatchCreateProductLicenses cannot read anything back
	blank      bool // CreateDrmAccount takes an account without a password
	// CreateDrmAccount reads back without the password
	plainReadBack bool
	// ReplaceProductLicense cannot read back whether the old terms stand again
	blindRestore bool

	runs   atomic.Int32 // how often a site's method ran
	mu     sync.Mutex
	calls  int             // writes that reached the vendor
	faults map[int]fault   // by the number of the write
	plan   *faultplan.Plan // of the other writes, if it is set
	ledger map[string]int  // how often something took effect
	notes  int             // how often something was noted
}

func (w *world) register(to grpc.ServiceRegistrar) {
	pb.RegisterSiteServiceServer(to, w)
	pb.RegisterProductLicenseServiceServer(to, w)
	pb.RegisterDrmAccountServiceServer(to, w)
}

// write is a request that changes something, as the client of a vendor makes it.
func (w *world) write(ctx context.Context, what string) error {
	end, err := mutation.BeginRequest(ctx)
	if err != nil {
		return err
	}
	defer end()
	if w.leaves != nil {
		if err := w.leaves(); err != nil {
			return err
		}
	}
	if err := mutation.RecordSend(ctx, cmp.Or(w.within, time.Second)); err != nil {
		return err
	}
	if w.before != nil {
		if err := w.before(ctx, what); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	befalls, scripted := w.faults[w.calls]
	if w.plan != nil && !scripted {
		befalls = w.plan.At(what, lost, cut, refused)
	}
	switch befalls {
	case cut:
		return apierror.OutcomeUnknown("cut before %s", what)
	case refused:
		mutation.RecordStatus(ctx, 409)
		no := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "no %s", what)
		return no.With(apierror.VendorCode, "E409")
	}
	if w.ledger == nil {
		w.ledger = map[string]int{}
	}
	w.ledger[what]++
	if befalls == lost {
		return apierror.OutcomeUnknown("cut after %s", what)
	}
	mutation.RecordStatus(ctx, 200)
	return nil
}

// happened returns how often something took effect.
func (w *world) happened(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger[what]
}

// wantCalls demands that so many writes reached the vendor.
func (w *world) wantCalls(t *testing.T, want int) {
	t.Helper()
	if w.calls != want {
		t.Errorf("%d writes reached the vendor, want %d", w.calls, want)
	}
}

// wantRuns demands that a site's methods ran so often, and that so many writes reached the vendor.
func (w *world) wantRuns(t *testing.T, runs, writes int) {
	t.Helper()
	if n := int(w.runs.Load()); n != runs || w.calls != writes {
		t.Errorf("%d runs and %d writes, want %d and %d", n, w.calls, runs, writes)
	}
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
		Send: func(ctx context.Context, _ mutation.Attempt) (*wrapperspb.StringValue, error) {
			if trial := mutation.DryRunFrom(ctx); trial != nil {
				return nil, trial.Plan("curl " + what)
			}
			return wrapperspb.String(what), w.write(ctx, what)
		},
		Preview: func() *wrapperspb.StringValue { return wrapperspb.String(what) },
	}
	if !blind {
		write.ReadBack = func(ctx context.Context) (*wrapperspb.StringValue, bool, error) {
			end, err := mutation.BeginRequest(ctx)
			if err != nil {
				return nil, false, err
			}
			defer end()
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

// switchSite is one write.
func (w *world) switchSite(ctx context.Context, name, step string, blind bool) error {
	w.runs.Add(1)
	if w.enter != nil {
		if err := w.enter(ctx); err != nil {
			return err
		}
	}
	return w.do(ctx, step, step+" "+name, blind)
}

func (w *world) GetSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error) {
	w.runs.Add(1)
	return &pb.Site{}, nil
}

func (w *world) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	err := w.switchSite(ctx, req.GetName(), "disable", false)
	return &pb.StatusChange{Site: req.GetName(), Message: req.GetMessage()}, err
}

// EnableSite cannot be read back.
func (w *world) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	err := w.switchSite(ctx, req.GetName(), "enable", true)
	return &pb.StatusChange{Site: req.GetName(), Message: req.GetMessage()}, err
}

const rolledBack = "the new terms were refused, and the old ones stand again"

// ReplaceProductLicense is two writes that depend on each other, and a third one that undoes the
// first where the second is refused.
func (w *world) ReplaceProductLicense(
	ctx context.Context, req *pb.ReplaceProductLicenseRequest,
) (*pb.ProductLicense, error) {
	next := req.GetProductLicense().GetProduct()
	old, err := mutation.Snapshot(ctx, "before", func(context.Context) (*wrapperspb.StringValue, error) {
		w.notes++
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
		return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK, rolledBack)
	} else if !isRefusal(err) {
		return nil, err
	}
	return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_INCOMPLETE, "both terms were refused")
}

// isRefusal reports whether err is a refusal of the vendor that was recorded. A refusal that could not
// be recorded is joined with the reason.
func isRefusal(err error) bool {
	_, plain := err.(interface{ GRPCStatus() *status.Status })
	return plain && apierror.Convert(err).Reason == pb.ErrorReason_VENDOR_STATE
}

// BatchCreateProductLicenses is one write for each item, each for itself.
func (w *world) BatchCreateProductLicenses(
	ctx context.Context, req *pb.BatchCreateProductLicensesRequest,
) (*pb.BatchCreateProductLicensesResponse, error) {
	results := make([]*pb.ProductLicenseResult, len(req.GetRequests()))
	var items sync.WaitGroup
	for i, item := range req.GetRequests() {
		one := func() {
			results[i] = w.createOne(mutation.ItemContext(ctx, fmt.Sprintf("item %d", i)), item.GetProductLicense())
		}
		if w.parallel {
			items.Go(one)
		} else {
			one()
		}
	}
	items.Wait()
	return &pb.BatchCreateProductLicensesResponse{Results: results}, nil
}

func (w *world) createOne(ctx context.Context, l *pb.ProductLicense) *pb.ProductLicenseResult {
	err := w.do(ctx, "create", "create "+l.GetUser(), w.blindItems)
	if w.parallel && err == nil {
		_, err = mutation.Snapshot(ctx, "between", func(context.Context) (*pb.ProductLicense, error) { return l, nil })
		if err == nil {
			err = w.do(ctx, "activate", "activate "+l.GetUser(), false)
		}
	}
	if err != nil {
		failure := &pb.ProductLicenseResult_Error{Error: apierror.Convert(err).GRPCStatus().Proto()}
		return &pb.ProductLicenseResult{Result: failure}
	}
	return &pb.ProductLicenseResult{Result: &pb.ProductLicenseResult_ProductLicense{ProductLicense: l}}
}

// CreateProduct is one write.
func (w *world) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	return req.GetProduct(), w.do(ctx, "create", "create "+req.GetProduct().GetDisplayName(), false)
}

// UpdateProduct is one write, of a product that stands.
func (w *world) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	get := func(context.Context) (*pb.Product, error) { return req.GetProduct(), nil }
	product, err := mutation.SnapshotExisting(ctx, "before", get)
	if err != nil {
		return nil, err
	}
	return product, w.do(ctx, "update", "update "+product.GetName(), false)
}

// BatchDeleteProductLicenses is one write for all, for the sake of its names.
func (w *world) BatchDeleteProductLicenses(
	ctx context.Context, req *pb.BatchDeleteProductLicensesRequest,
) (*pb.BatchDeleteProductLicensesResponse, error) {
	return &pb.BatchDeleteProductLicensesResponse{}, w.do(ctx, "delete", fmt.Sprint("delete ", req.GetNames()), false)
}

// DeleteProductLicense is one write.
func (w *world) DeleteProductLicense(ctx context.Context, req *pb.DeleteProductLicenseRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, w.do(ctx, "delete", "delete "+req.GetName(), false)
}

// CreateDrmAccount is two writes whose request, and whose answer, hold a secret.
func (w *world) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	account := req.GetDrmAccount()
	if account.GetPassword() == "" && !w.blank {
		return nil, apierror.Invalid("drm_account.password", "must be set")
	}
	_, err := mutation.Snapshot(ctx, "before", func(context.Context) (*pb.DrmAccount, error) { return account, nil })
	if err != nil {
		return nil, err
	}
	if err := w.do(ctx, "create", "create "+account.GetUsername(), false); err != nil {
		return nil, err
	}
	what := "activate " + account.GetUsername()
	if account.GetPassword() == "" && !w.plainReadBack {
		what += " without a password"
	}
	return account, w.do(ctx, "activate", what, false)
}
