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

// A fault is how a vendor write goes wrong.
type fault = faultplan.Fault

const (
	fine    fault = ""
	lost    fault = "lost"    // the write takes effect, and the response is lost
	cut     fault = "cut"     // the write has no effect, and there is no response
	refused fault = "refused" // the vendor refuses the write
)

// A fakeVendor is a vendor in memory, with a ledger of what took effect.
type fakeVendor struct {
	pb.UnimplementedSiteServiceServer
	pb.UnimplementedProductLicenseServiceServer
	pb.UnimplementedDrmAccountServiceServer

	// These functions run, unless they are nil:
	enter  func(context.Context) error                  // when a site's method begins
	leaves func() error                                 // before a write leaves; an error keeps it from leaving
	before func(ctx context.Context, what string) error // after a write left, before its effect; an error is definite
	read   func(what string) error                      // before a write is read back
	after  func(ctx context.Context) error              // at the end of a method

	within time.Duration // how long the call of a write may take; 0 is a second
	// BatchCreateProductLicenses makes all items at once, each in two writes with a snapshot
	// between them.
	parallel      bool
	blindItems    bool // BatchCreateProductLicenses cannot read anything back
	blank         bool // CreateDrmAccount accepts an account without a password
	plainReadBack bool // CreateDrmAccount reads back without the password
	blindRestore  bool // ReplaceProductLicense cannot read back whether the old terms are in force again

	runs   atomic.Int32 // how often a site's method ran
	mu     sync.Mutex
	calls  int             // writes that reached the vendor
	faults map[int]fault   // by the number of the write
	plan   *faultplan.Plan // of the other writes; nil: they have no fault
	ledger map[string]int  // how often something took effect
	notes  int             // how many snapshots were taken
}

func (v *fakeVendor) register(to grpc.ServiceRegistrar) {
	pb.RegisterSiteServiceServer(to, v)
	pb.RegisterProductLicenseServiceServer(to, v)
	pb.RegisterDrmAccountServiceServer(to, v)
}

// write is a request that changes something, as the client of a vendor makes it.
func (v *fakeVendor) write(ctx context.Context, what string) error {
	end, err := mutation.BeginRequest(ctx)
	if err != nil {
		return err
	}
	defer end()
	if v.leaves != nil {
		if err := v.leaves(); err != nil {
			return err
		}
	}
	if err := mutation.RecordSend(ctx, cmp.Or(v.within, time.Second)); err != nil {
		return err
	}
	if v.before != nil {
		if err := v.before(ctx, what); err != nil {
			return err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	failure, scripted := v.faults[v.calls]
	if v.plan != nil && !scripted {
		failure = v.plan.At(what, lost, cut, refused)
	}
	switch failure {
	case cut:
		return apierror.OutcomeUnknown("cut before %s", what)
	case refused:
		mutation.RecordStatus(ctx, 409)
		no := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "no %s", what)
		return no.With(apierror.VendorCode, "E409")
	}
	if v.ledger == nil {
		v.ledger = map[string]int{}
	}
	v.ledger[what]++
	if failure == lost {
		return apierror.OutcomeUnknown("cut after %s", what)
	}
	mutation.RecordStatus(ctx, 200)
	return nil
}

// happened returns how often something took effect.
func (v *fakeVendor) happened(what string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ledger[what]
}

// wantCalls demands that so many writes reached the vendor.
func (v *fakeVendor) wantCalls(t *testing.T, want int) {
	t.Helper()
	if v.calls != want {
		t.Errorf("%d writes reached the vendor, want %d", v.calls, want)
	}
}

// wantRuns demands that a site's methods ran so often, and that so many writes reached the vendor.
func (v *fakeVendor) wantRuns(t *testing.T, runs, writes int) {
	t.Helper()
	if n := int(v.runs.Load()); n != runs || v.calls != writes {
		t.Errorf("%d runs and %d writes, want %d and %d", n, v.calls, runs, writes)
	}
}

func (v *fakeVendor) want(t *testing.T, what string, times int) {
	t.Helper()
	if n := v.happened(what); n != times {
		t.Errorf("%s took effect %d times, want %d", what, n, times)
	}
}

// do makes one step of a method. A blind step cannot be read back.
func (v *fakeVendor) do(ctx context.Context, step, what string, blind bool) error {
	write := mutation.Write[*wrapperspb.StringValue]{
		Step: step,
		Send: func(ctx context.Context, _ mutation.Attempt) (*wrapperspb.StringValue, error) {
			if dryRun := mutation.DryRunFrom(ctx); dryRun != nil {
				return nil, dryRun.Plan("curl " + what)
			}
			return wrapperspb.String(what), v.write(ctx, what)
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
			if v.read != nil {
				if err := v.read(what); err != nil {
					return nil, false, err
				}
			}
			return wrapperspb.String(what), v.happened(what) > 0, nil
		}
	}
	_, err := mutation.Do(ctx, write)
	if err == nil && v.after != nil {
		err = v.after(ctx)
	}
	return err
}

// switchSite makes one write.
func (v *fakeVendor) switchSite(ctx context.Context, name, step string, blind bool) error {
	v.runs.Add(1)
	if v.enter != nil {
		if err := v.enter(ctx); err != nil {
			return err
		}
	}
	return v.do(ctx, step, step+" "+name, blind)
}

func (v *fakeVendor) GetSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error) {
	v.runs.Add(1)
	return &pb.Site{}, nil
}

func (v *fakeVendor) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	err := v.switchSite(ctx, req.GetName(), "disable", false)
	return &pb.StatusChange{Site: req.GetName(), Message: req.GetMessage()}, err
}

// EnableSite cannot be read back.
func (v *fakeVendor) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	err := v.switchSite(ctx, req.GetName(), "enable", true)
	return &pb.StatusChange{Site: req.GetName(), Message: req.GetMessage()}, err
}

const rolledBack = "the new terms were refused, and the old ones are in force again"

// ReplaceProductLicense makes two writes that depend on each other. If the second is refused, a
// third one undoes the first.
func (v *fakeVendor) ReplaceProductLicense(
	ctx context.Context, req *pb.ReplaceProductLicenseRequest,
) (*pb.ProductLicense, error) {
	next := req.GetProductLicense().GetProduct()
	old, err := mutation.Snapshot(ctx, "before", func(context.Context) (*wrapperspb.StringValue, error) {
		v.notes++
		if v.happened("revoke "+req.GetName()) > 0 {
			return nil, apierror.NotFound("%s is gone", req.GetName())
		}
		return wrapperspb.String("old"), nil
	})
	if err != nil {
		return nil, err
	}
	if err := v.do(ctx, "revoke", "revoke "+req.GetName(), false); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	failure := v.do(ctx, "issue", "issue "+next, false)
	switch {
	case failure == nil:
		return &pb.ProductLicense{Name: req.GetName() + "-2", Product: next}, nil
	case !isRefusal(failure):
		return nil, failure
	}
	if err := v.do(ctx, "restore", "restore "+old.GetValue()+" "+req.GetName(), v.blindRestore); err == nil {
		return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK, rolledBack)
	} else if !isRefusal(err) {
		return nil, err
	}
	return nil, apierror.New(codes.Aborted, pb.ErrorReason_REPLACE_INCOMPLETE, "both terms were refused")
}

// isRefusal reports whether err is a refusal of the vendor that was recorded. A refusal that could
// not be recorded is joined with the reason.
func isRefusal(err error) bool {
	_, plain := err.(interface{ GRPCStatus() *status.Status })
	return plain && apierror.Convert(err).Reason == pb.ErrorReason_VENDOR_STATE
}

// BatchCreateProductLicenses makes the writes of each item, independent of the other items.
func (v *fakeVendor) BatchCreateProductLicenses(
	ctx context.Context, req *pb.BatchCreateProductLicensesRequest,
) (*pb.BatchCreateProductLicensesResponse, error) {
	results := make([]*pb.ProductLicenseResult, len(req.GetRequests()))
	var items sync.WaitGroup
	for i, item := range req.GetRequests() {
		one := func() {
			results[i] = v.createOne(mutation.ItemContext(ctx, fmt.Sprintf("item %d", i)), item.GetProductLicense())
		}
		if v.parallel {
			items.Go(one)
		} else {
			one()
		}
	}
	items.Wait()
	return &pb.BatchCreateProductLicensesResponse{Results: results}, nil
}

func (v *fakeVendor) createOne(ctx context.Context, l *pb.ProductLicense) *pb.ProductLicenseResult {
	err := v.do(ctx, "create", "create "+l.GetUser(), v.blindItems)
	if v.parallel && err == nil {
		_, err = mutation.Snapshot(ctx, "between", func(context.Context) (*pb.ProductLicense, error) { return l, nil })
		if err == nil {
			err = v.do(ctx, "activate", "activate "+l.GetUser(), false)
		}
	}
	if err != nil {
		failure := &pb.ProductLicenseResult_Error{Error: apierror.Convert(err).GRPCStatus().Proto()}
		return &pb.ProductLicenseResult{Result: failure}
	}
	return &pb.ProductLicenseResult{Result: &pb.ProductLicenseResult_ProductLicense{ProductLicense: l}}
}

// CreateProduct makes one write.
func (v *fakeVendor) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	return req.GetProduct(), v.do(ctx, "create", "create "+req.GetProduct().GetDisplayName(), false)
}

// UpdateProduct makes one write, to a product that exists.
func (v *fakeVendor) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	get := func(context.Context) (*pb.Product, error) { return req.GetProduct(), nil }
	product, err := mutation.SnapshotExisting(ctx, "before", get)
	if err != nil {
		return nil, err
	}
	return product, v.do(ctx, "update", "update "+product.GetName(), false)
}

// BatchDeleteProductLicenses makes one write for all names. The tests only need its locks.
func (v *fakeVendor) BatchDeleteProductLicenses(
	ctx context.Context, req *pb.BatchDeleteProductLicensesRequest,
) (*pb.BatchDeleteProductLicensesResponse, error) {
	return &pb.BatchDeleteProductLicensesResponse{}, v.do(ctx, "delete", fmt.Sprint("delete ", req.GetNames()), false)
}

// DeleteProductLicense makes one write.
func (v *fakeVendor) DeleteProductLicense(
	ctx context.Context, req *pb.DeleteProductLicenseRequest,
) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, v.do(ctx, "delete", "delete "+req.GetName(), false)
}

// CreateDrmAccount makes two writes. Its request and its response hold a secret.
func (v *fakeVendor) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	account := req.GetDrmAccount()
	if account.GetPassword() == "" && !v.blank {
		return nil, apierror.Invalid("drm_account.password", "must be set")
	}
	_, err := mutation.Snapshot(ctx, "before", func(context.Context) (*pb.DrmAccount, error) { return account, nil })
	if err != nil {
		return nil, err
	}
	if err := v.do(ctx, "create", "create "+account.GetUsername(), false); err != nil {
		return nil, err
	}
	what := "activate " + account.GetUsername()
	if account.GetPassword() == "" && !v.plainReadBack {
		what += " without a password"
	}
	return account, v.do(ctx, "activate", what, false)
}
