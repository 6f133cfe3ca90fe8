package services_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/roles"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

func TestListVendorsKeepsTheOrderOfTheConfiguration(t *testing.T) {
	conn, _ := serve(t, configured("z", bare{}), newAccount("m").configured(), configured("a", everything{}))
	client := pb.NewVendorServiceClient(conn)
	var names []string
	req := &pb.ListVendorsRequest{PageSize: 2}
	for {
		page, err := client.ListVendors(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if page.GetTotalSize() != 3 {
			t.Errorf("total_size %d, want 3", page.GetTotalSize())
		}
		for _, v := range page.GetVendors() {
			names = append(names, v.GetName())
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	if want := []string{"vendors/z", "vendors/m", "vendors/a"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func BenchmarkListVendors(b *testing.B) {
	conn, _ := serve(b, newAccount("a").configured(), newAccount("b").configured(), newAccount("c").configured())
	client := pb.NewVendorServiceClient(conn)
	for b.Loop() {
		if _, err := client.ListVendors(b.Context(), &pb.ListVendorsRequest{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestGetVendorListsTheCapabilities(t *testing.T) {
	reference := memory.New(newAccount("m").Vendor)
	conn, _ := serve(t, configured("m", struct {
		adapters.Adapter
		adapters.SiteLister
		adapters.SiteGetter
	}{reference, reference, reference}))
	v, err := pb.NewVendorServiceClient(conn).GetVendor(t.Context(), &pb.GetVendorRequest{Name: "vendors/m"})
	if err != nil {
		t.Fatal(err)
	}
	if v.GetName() != "vendors/m" || v.GetKind() != "reference" || v.GetDisplayName() != "Reference" ||
		v.GetLimits().GetMaxPageSize() != 1000 {
		t.Errorf("%v", v)
	}
	support := map[string]string{}
	for _, c := range v.GetCapabilities() {
		support[c.GetMethod()] = c.GetSupport().String()
	}
	want := map[string]string{
		"drmhub.v1.SiteService/ListSites": "NATIVE", "drmhub.v1.SiteService/GetSite": "COMPOSED",
	}
	if !maps.Equal(support, want) {
		t.Errorf("capabilities %v", support)
	}
}

func TestCheckVendor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := serve(t, configured("v", checking{level: "RESELLER", takes: 3 * time.Second}))
		got, err := pb.NewVendorServiceClient(conn).CheckVendor(t.Context(), &pb.CheckVendorRequest{Name: "vendors/v"})
		want := &pb.CheckVendorResponse{Ok: true, AccessLevel: "RESELLER", Latency: durationpb.New(3 * time.Second)}
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestCheckVendorReturnsTheVendorsRefusal(t *testing.T) {
	a := newAccount("a")
	a.FailReads(adaptertest.CredentialsRejected)
	conn, _ := serve(t, a.configured())
	got, err := pb.NewVendorServiceClient(conn).CheckVendor(t.Context(), &pb.CheckVendorRequest{Name: "vendors/a"})
	if err != nil || got.GetOk() {
		t.Fatalf("%v, %v; want a response that is not ok", got, err)
	}
	err = status.ErrorProto(got.GetError())
	wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED, "a")
}

func TestCheckVendorFailsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := serve(t, configured("v", checking{takes: time.Minute}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := pb.NewVendorServiceClient(conn).CheckVendor(ctx, &pb.CheckVendorRequest{Name: "vendors/v"})
		wantError(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED, "")
	})
}

func TestVendorServiceDoesNotKnowEveryVendor(t *testing.T) {
	conn, _ := serve(t, configured("v", bare{}))
	client := pb.NewVendorServiceClient(conn)
	_, err := client.GetVendor(t.Context(), &pb.GetVendorRequest{Name: "vendors/w"})
	wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "w")
	_, err = client.CheckVendor(t.Context(), &pb.CheckVendorRequest{Name: "vendors/w"})
	wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "w")
}

// checking is an adapter whose check takes its time.
type checking struct {
	bare
	level string
	takes time.Duration
}

func (c checking) Check(ctx context.Context) (accessLevel string, err error) {
	select {
	case <-time.After(c.takes):
		return c.level, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// TestTheStatusNamesNoSiteToAConfinedCaller reads the status after a canary read that failed.
func TestTheStatusNamesNoSiteToAConfinedCaller(t *testing.T) {
	account := upstream.NewAccount("v")
	account.SetCanary(upstream.Canary{
		Interval: time.Minute, Began: time.Now(),
		Err: apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "no response to GET /sites/HIDDEN"),
	})
	all, err := vendors.New(vendors.Vendor{ID: "v", Adapter: bare{}, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	callers := auth.Directory{Roles: roles.New(nil), HasSites: func(string) bool { return true }}
	for name, c := range map[string]struct {
		auth.Identity
		sees bool
	}{
		"of a site":     {auth.Identity{Subject: "s", Sites: []string{"vendors/v/sites/A"}}, false},
		"of a customer": {auth.Identity{Subject: "s", Customers: []string{"c"}}, false},
		"of a vendor":   {auth.Identity{Subject: "s", Vendors: []string{"v"}}, true},
	} {
		identify := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			return next(auth.WithCaller(ctx, callers.Caller(c.Identity)), req)
		}
		conn := inproc.New([]grpc.UnaryServerInterceptor{identify}, nil)
		services.Register(conn, services.Parts{Vendors: all})
		req := &pb.GetVendorStatusRequest{Name: "vendors/v/status"}
		res, err := pb.NewVendorServiceClient(conn).GetVendorStatus(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		shown := res.GetCanary().GetError()
		wantError(t, status.ErrorProto(shown), codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "v")
		if sees := strings.Contains(shown.GetMessage(), "HIDDEN"); sees != c.sees {
			t.Errorf("a caller %s sees %q", name, shown.GetMessage())
		}
	}
}
