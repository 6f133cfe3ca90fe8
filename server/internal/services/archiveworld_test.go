package services_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// historical is an adapter with a license history. It names these sites, or fails.
type historical struct {
	sites []string
	err   error
}

func (historical) Describe() adapters.Description {
	return adapters.Description{History: &adapters.History{TimeZone: time.UTC}}
}
func (historical) Check(context.Context) (level string, _ error) { return "", nil }
func (h historical) SiteNames(context.Context) ([]string, error) { return slices.Clone(h.sites), h.err }

var errDown = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "down")

// archiveOf returns the client of a service over an archive, for a caller.
func archiveOf(
	t *testing.T, engine archive.Engine, caller auth.Identity, all ...vendors.Vendor,
) pb.ArchiveServiceClient {
	t.Helper()
	registry, err := vendors.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	caller.Subject, caller.Scopes = "s", []string{"licenses:read"}
	a := &auth.Authenticator{Identify: func(context.Context) (*auth.Caller, error) {
		return auth.Directory{}.Caller(caller), nil
	}}
	conn := inproc.New([]grpc.UnaryServerInterceptor{a.Unary, (&auth.Confinement{}).Unary},
		[]grpc.StreamServerInterceptor{a.Stream, (&auth.Confinement{}).Stream})
	services.Register(conn, services.Parts{Vendors: registry, Archive: engine})
	return pb.NewArchiveServiceClient(conn)
}

// begin is the second of the first row of fill.
const begin = 1_790_000_000

// fill puts a row a second into each of these sites, which are complete up to the last row. The
// contents are named "{last segment of the site}{n}", and the newest is the greatest n.
func fill(t *testing.T, m *archivetest.Memory, rows int, sites ...string) {
	t.Helper()
	for _, site := range sites {
		r := archive.Replacement{Site: site, Span: archive.Span{From: begin, To: begin + int64(rows)}, Final: true}
		for n := range rows {
			row := archive.Row{Site: site, Second: begin + int64(n), Status: pb.License_SUCCESS}
			row.Content, row.User = fmt.Sprintf("%s%d", site[strings.LastIndex(site, "/")+1:], n), fmt.Sprint("u", n%2)
			r.Rows = append(r.Rows, row)
		}
		if err := m.SetZone(t.Context(), site, time.UTC); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Replace(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// world has a vendor that does not respond, one whose second site the archive does not know yet,
// one without a history, and one that is not configured any more.
func world(t *testing.T) (*archivetest.Memory, []vendors.Vendor) {
	m := archivetest.NewMemory()
	fill(t, m, 2, "vendors/down/sites/A", "vendors/up/sites/A", "vendors/up/sites/gone", "vendors/left/sites/A")
	return m, []vendors.Vendor{
		configured("up", historical{sites: []string{"vendors/up/sites/A", "vendors/up/sites/new"}}),
		configured("bare", bare{}),
		configured("down", historical{err: errDown}),
	}
}

// orNil keeps a nil error from Convert.
func orNil(err error) error {
	if err == nil {
		return &apierror.Error{}
	}
	return err
}

func sitesOnly(names ...string) auth.Identity {
	for i := range names {
		names[i] = "vendors/" + names[i]
	}
	return auth.Identity{Sites: names}
}
