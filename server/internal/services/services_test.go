package services_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// serve returns a connection to the services over these vendors, and their log.
func serve(t testing.TB, all ...vendors.Vendor) (*inproc.Conn, *bytes.Buffer) {
	t.Helper()
	registry, err := vendors.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	shape := rpcerror.Errors{Log: slog.New(slog.NewTextHandler(log, nil))}
	conn := inproc.New([]grpc.UnaryServerInterceptor{shape.Unary, auth.None().Unary},
		[]grpc.StreamServerInterceptor{shape.Stream, auth.None().Stream})
	services.Register(conn, services.Parts{Vendors: registry})
	return conn, log
}

func configured(id string, a adapters.Adapter) vendors.Vendor {
	return vendors.Vendor{ID: id, Kind: "reference", Adapter: a}
}

// bare is an adapter without a capability.
type bare struct{}

func (bare) Describe() adapters.Description                { return adapters.Description{} }
func (bare) Check(context.Context) (level string, _ error) { return "", nil }

// listing is an adapter that has no sites, and lists licenses by this function.
type listing func(*pb.ListLicensesRequest) (*pb.ListLicensesResponse, error)

func (listing) Describe() adapters.Description                { return adapters.Description{} }
func (listing) Check(context.Context) (level string, _ error) { return "", nil }

func (l listing) ListLicenses(_ context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	return l(req)
}

// list makes one call of ListLicenses.
func list(
	ctx context.Context, conn grpc.ClientConnInterface, req *pb.ListLicensesRequest,
) (*pb.ListLicensesResponse, error) {
	return pb.NewLicenseServiceClient(conn).ListLicenses(ctx, req)
}

// account is a vendor in memory, with an adapter to it.
type account struct {
	*memory.Vendor
	id string
}

func newAccount(id string) account {
	return account{memory.NewVendor(id, secret.New("the key of "+id)), id}
}

// holding returns an account with a site and its licenses.
func holding(id, site string, rows int) account {
	a := newAccount(id)
	a.put(site, rows)
	return a
}

func (a account) configured() vendors.Vendor {
	return configured(a.id, memory.New(a.Vendor))
}

// put adds a site with this many licenses, whose contents are named "{site}-{n}". The newest is 0.
func (a account) put(site string, rows int) {
	a.PutSites(&pb.Site{SiteId: site, DisplayName: site, Enabled: true})
	for n := range rows {
		a.Licenses.Put(site, &pb.License{
			ContentId:  fmt.Sprintf("%s-%d", site, rows-1-n),
			CreateTime: timestamppb.New(time.Date(2026, 5, 1, 0, 0, n, 0, time.UTC)),
		})
	}
}

// wantError checks an error, and which vendor it names.
func wantError(t *testing.T, err error, code codes.Code, reason pb.ErrorReason, vendor string) *apierror.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s %s", code, reason)
	}
	e := apierror.Convert(err)
	if e.Code != code || e.Reason != reason || e.Metadata[apierror.Vendor] != vendor {
		t.Errorf("%s %s of %q: %q; want %s %s of %q",
			e.Code, e.Reason, e.Metadata[apierror.Vendor], e.Message, code, reason, vendor)
	}
	return e
}
