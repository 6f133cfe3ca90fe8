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
		slow := listing(func(*pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return &pb.ListLicensesResponse{}, nil
		})
		conn, _ := serve(t, repeated(1+2+4+8+8, slow)...)
		began := time.Now()
		if _, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 5*time.Second || most.Load() != 8 {
			t.Errorf("took %v with %d at once, want 5 rounds with at most 8", took, most.Load())
		}
	})
}

func TestOneCallIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		vendors int
		full    bool   // each returns a full page
		token   string // of each vendor's page
		calls   int32  // at most
	}{
		"a vendor that fills the page":             {5, true, "more", 1},
		"a vendor that finds nothing and has more": {3, false, "more", 1},
		"hundreds of vendors that hold nothing":    {500, false, "", 208},
	} {
		var asked atomic.Int32
		vendor := listing(func(req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			asked.Add(1)
			page := &pb.ListLicensesResponse{NextPageToken: c.token}
			if c.full {
				page.Licenses = make([]*pb.License, req.GetPageSize())
			}
			return page, nil
		})
		conn, _ := serve(t, repeated(c.vendors, vendor)...)
		page, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-", PageSize: 40})
		if err != nil || page.GetNextPageToken() == "" || asked.Load() > c.calls {
			t.Errorf("%s: %d calls, token %q, %v", name, asked.Load(), page.GetNextPageToken(), err)
		}
		if full := len(page.GetLicenses()) == 40; full != c.full {
			t.Errorf("%s: %d rows", name, len(page.GetLicenses()))
		}
	}
}

func TestTheCallersDeadlineIsNoVendorsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalled := newAccount("b")
		stalled.FailReads(adaptertest.Stalled)
		conn, _ := serve(t, holding("a", "s", 1).configured(), stalled.configured())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := list(ctx, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/s"})
		wantError(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED, "")

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = list(ctx, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
		wantError(t, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED, "")
	})
}

func TestAnAdapterThatPanicsFailsOneCall(t *testing.T) {
	conn, log := serve(t, configured("v", listing(func(*pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		panic("boo")
	})))
	_, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
	wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, "")
	if got := log.String(); !strings.Contains(got, "boo") || !strings.Contains(got, "fanout_test.go") {
		t.Errorf("the log does not say what happened and where: %s", got)
	}
}
