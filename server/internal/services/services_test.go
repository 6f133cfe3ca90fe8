package services_test

import (
	"bytes"
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
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// serve answers a connection to the services over these vendors, and their log.
func serve(t *testing.T, all ...vendors.Vendor) (*inproc.Conn, *bytes.Buffer) {
	t.Helper()
	registry, err := vendors.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	shape := rpcerror.Errors{Log: slog.New(slog.NewTextHandler(log, nil))}
	conn := inproc.New([]grpc.UnaryServerInterceptor{shape.Unary}, []grpc.StreamServerInterceptor{shape.Stream})
	services.Register(conn, registry)
	return conn, log
}

func configured(id string, a adapters.Adapter) vendors.Vendor {
	return vendors.Vendor{ID: id, Kind: "reference", Adapter: a}
}

// account is a vendor in memory, with an adapter to it.
type account struct {
	*memory.Vendor
	id string
}

func newAccount(id string) account {
	return account{memory.NewVendor(id, secret.New("the key of "+id)), id}
}

func (a account) configured() vendors.Vendor {
	return configured(a.id, memory.New(a.Vendor))
}

// put lets the vendor hold a site with this many licenses, whose contents are named "{site}-{n}", 0
// being the newest.
func (a account) put(site string, rows int) {
	a.PutSites(&pb.Site{SiteId: site, DisplayName: site, Enabled: true})
	for n := range rows {
		a.Licenses.Put(site, &pb.License{
			ContentId:  fmt.Sprintf("%s-%d", site, rows-1-n),
			CreateTime: timestamppb.New(time.Date(2026, 5, 1, 0, 0, n, 0, time.UTC)),
		})
	}
}

func wantError(t *testing.T, err error, code codes.Code, reason pb.ErrorReason) *apierror.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s %s", code, reason)
	}
	e := apierror.Convert(err)
	if e.Code != code || e.Reason != reason {
		t.Errorf("%s %s %q, want %s %s", e.Code, e.Reason, e.Message, code, reason)
	}
	return e
}

func wantVendor(t *testing.T, e *apierror.Error, id string) {
	t.Helper()
	if got := e.Metadata[apierror.Vendor]; got != id {
		t.Errorf("the error says vendor %q, want %q: %s", got, id, e.Message)
	}
}
