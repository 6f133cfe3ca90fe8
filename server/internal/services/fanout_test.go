package services_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// bare is an adapter without a capability.
type bare struct{}

func (bare) Describe() adapters.Description                { return adapters.Description{} }
func (bare) Check(context.Context) (level string, _ error) { return "", nil }

// listing is an adapter that lists licenses in a way of its own, and has no sites.
type listing func(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error)

func (listing) Describe() adapters.Description                { return adapters.Description{} }
func (listing) Check(context.Context) (level string, _ error) { return "", nil }

func (l listing) ListLicenses(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	return l(ctx, req)
}

func repeated(n int, a adapters.Adapter) []vendors.Vendor {
	var all []vendors.Vendor
	for i := range n {
		all = append(all, configured(fmt.Sprintf("v%03d", i), a))
	}
	return all
}

func TestManyVendorsAreAskedAtOnceButNotAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		slow := listing(func(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return &pb.ListLicensesResponse{}, nil
		})
		conn, _ := serve(t, repeated(1+2+4+8+8, slow)...)
		began := time.Now()
		if _, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 5*time.Second || most.Load() != 8 {
			t.Errorf("took %v with %d at once, want 5 rounds with at most 8", took, most.Load())
		}
	})
}

func TestALongListAsksOneVendorAPage(t *testing.T) {
	var asked atomic.Int32
	full := listing(func(_ context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		asked.Add(1)
		return &pb.ListLicensesResponse{Licenses: make([]*pb.License, req.GetPageSize()), NextPageToken: "more"}, nil
	})
	conn, _ := serve(t, repeated(5, full)...)
	page, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/-/sites/-", PageSize: 40})
	if err != nil || len(page.GetLicenses()) != 40 || asked.Load() != 1 {
		t.Errorf("%d rows out of %d calls, %v; want 40 out of one", len(page.GetLicenses()), asked.Load(), err)
	}
}

func TestOneCallIsBounded(t *testing.T) {
	var asked atomic.Int32
	count := func(token string) listing {
		return func(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			asked.Add(1)
			return &pb.ListLicensesResponse{NextPageToken: token}, nil
		}
	}
	for name, c := range map[string]struct {
		all  []vendors.Vendor
		most int32
	}{
		"a vendor that finds nothing and has more": {repeated(3, count("more")), 1},
		"hundreds of vendors that hold nothing":    {repeated(500, count("")), 208},
	} {
		asked.Store(0)
		conn, _ := serve(t, c.all...)
		page, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
		if err != nil || page.GetNextPageToken() == "" || asked.Load() > c.most {
			t.Errorf("%s: %d calls, token %q, %v; want a token after at most %d", name, asked.Load(), page.GetNextPageToken(), err, c.most)
		}
	}
}

func TestTheCallersDeadlineIsNoVendorsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		well, stalled := newAccount("a"), newAccount("b")
		well.put("s", 1)
		stalled.FailReads(adaptertest.Stalled)
		conn, _ := serve(t, well.configured(), stalled.configured())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := pb.NewLicenseServiceClient(conn).ListLicenses(ctx, &pb.ListLicensesRequest{Parent: "vendors/-/sites/s"})
		wantError(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = pb.NewLicenseServiceClient(conn).ListLicenses(ctx, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
		wantError(t, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	})
}

func TestAnAdapterThatPanicsFailsOneCall(t *testing.T) {
	conn, log := serve(t, configured("v", listing(func(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		panic("boo")
	})))
	_, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
	wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)
	if got := log.String(); !strings.Contains(got, "boo") || !strings.Contains(got, "fanout_test.go") {
		t.Errorf("the log does not say what happened and where: %s", got)
	}
}
