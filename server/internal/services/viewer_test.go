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
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// connect returns a connection to the services for a caller, who has these scopes.
func connect(
	t *testing.T, engine archive.Engine, caller auth.Identity, scopes string, all ...vendors.Vendor,
) *inproc.Conn {
	t.Helper()
	registry, err := vendors.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	caller.Subject, caller.Scopes = "s", strings.Fields(scopes)
	a := &auth.Authenticator{Identify: func(context.Context) (*auth.Caller, error) {
		return auth.Directory{}.Caller(caller), nil
	}}
	confinement := &auth.Confinement{SeesAccounts: services.SeesAccounts(registry)}
	conn := inproc.New([]grpc.UnaryServerInterceptor{a.Unary, confinement.Unary}, nil)
	services.Register(conn, services.Parts{Vendors: registry, Archive: engine})
	return conn
}

// person is the MD5 of "alice-1".
const person = "bb2e8d1d878189003d4d99a2571bb6ce"

// aliceWorld has a vendor with product licenses and a DRM account of alice-1, and two vendors with
// license histories, of which the second shows only MD5s.
func aliceWorld(t *testing.T) (*archivetest.Memory, account, []vendors.Vendor) {
	t.Helper()
	owner := newAccount("owner")
	owner.Accounts.Put(
		&pb.DrmAccount{Username: "alice-1", Password: "hunter2", Customer: "acme"},
		&pb.DrmAccount{Username: "alice-11"})
	owner.Products.Put(&pb.Product{DisplayName: "p"})
	for _, l := range []*pb.ProductLicense{
		{User: "alice-1", OrderId: "plays", Status: pb.ProductLicense_ACTIVE},
		{
			User: "alice-1", OrderId: "ended", Status: pb.ProductLicense_ACTIVE,
			StopTime: &timestamppb.Timestamp{Seconds: 9},
		},
		{User: "alice-1", OrderId: "suspended", Status: pb.ProductLicense_SUSPENDED},
		{User: "bob", OrderId: "another", Status: pb.ProductLicense_ACTIVE},
	} {
		l.Product = "vendors/owner/products/1"
		owner.ProductLicenses.Put(l)
	}
	m, now := archivetest.NewMemory(), time.Now().Unix()
	put := func(site string, rows ...archive.Row) {
		for i := range rows {
			rows[i].Site, rows[i].Second = site, now-rows[i].Second
		}
		span := archive.Span{From: now - 30*86400, To: now}
		err := m.SetZone(t.Context(), site, time.UTC)
		if err == nil {
			_, err = m.Replace(t.Context(), archive.Replacement{Site: site, Span: span, Rows: rows, Final: true})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const ok, failed = pb.License_SUCCESS, pb.License_FAILURE
	put("vendors/ids/sites/A",
		archive.Row{Second: 300, User: "alice-1", Device: "tv", Model: "TV", Status: failed, Code: "7011"},
		archive.Row{Second: 200, User: "alice-1", Device: "tv", Model: "TV", Status: failed, Code: "7011"},
		archive.Row{Second: 100, User: "alice-1", Device: "tv", Model: "TV", Status: ok, Code: "0000"},
		archive.Row{Second: 90, User: "bob", Device: "tv", Model: "TV", Status: failed, Code: "1004"},
		archive.Row{Second: 8 * 86400, User: "alice-1", Device: "old", Status: failed, Code: "7001"})
	put("vendors/md5s/sites/B", archive.Row{Second: 50, UserMD5: person, Device: "phone", Model: "P", Status: failed})
	put("vendors/left/sites/C", archive.Row{Second: 60, User: "alice-1", Device: "tv", Status: ok})
	history := func(id, kind, site string) vendors.Vendor {
		return vendors.Vendor{ID: id, Kind: kind, Adapter: historical{sites: []string{site}}}
	}
	return m, owner, []vendors.Vendor{
		history("ids", "pallycon", "vendors/ids/sites/A"), owner.configured(),
		history("md5s", "ncp", "vendors/md5s/sites/B"),
	}
}

// picture writes a viewer in short.
func picture(v *pb.Viewer) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	for _, l := range v.GetProductLicenses() {
		add("license %s", l.GetOrderId())
	}
	for _, a := range v.GetDrmAccounts() {
		add("account %s%s", a.GetUsername(), a.GetPassword())
	}
	for _, s := range v.GetSites() {
		add("%s %d/%d of %d", s.GetSite()[8:], s.GetSummary().GetFailureCount(), s.GetSummary().GetLicenseCount(),
			len(s.GetLicenses()))
	}
	for _, d := range v.GetDevices() {
		add("device %s %d/%d", d.GetDeviceId(), d.GetFailureCount(), d.GetLicenseCount())
	}
	for _, f := range v.GetFailures() {
		add("%d of %s %s", f.GetCount(), f.GetLicense().GetErrorCode(), f.GetExplanation().GetClass())
	}
	for _, c := range v.GetCoverage() {
		add("covered %s", c.GetSite()[8:])
	}
	for _, u := range v.GetUnreachable() {
		add("no %s of %s: %s", u.GetPart(), u.GetVendor()[8:], codes.Code(u.GetError().GetCode()))
	}
	return strings.Join(parts, ", ")
}

const (
	owned    = "license plays, account alice-1, "
	activity = "md5s/sites/B 1/1 of 1, ids/sites/A 2/3 of 3, device phone 1/1, device tv 2/3, " +
		"1 of  UNKNOWN, 2 of 7011 TOKEN_EXPIRED, covered ids/sites/A, covered md5s/sites/B"
)

func TestAViewersPicture(t *testing.T) {
	engine, owner, all := aliceWorld(t)
	for name, c := range map[string]struct {
		name    string
		vendors []string
		since   time.Duration
		caller  auth.Identity
		engine  archive.Engine
		down    adaptertest.Fault
		want    string
		code    codes.Code
	}{
		"all": {engine: engine, want: owned + activity},
		"another viewer": {name: "viewers/bob", engine: engine, want: "license another, ids/sites/A 1/1 of 1, " +
			"device tv 1/1, 1 of 1004 SITE_STOPPED, covered ids/sites/A, covered md5s/sites/B"},
		"nobody":         {name: "viewers/nobody", engine: engine, want: "covered ids/sites/A, covered md5s/sites/B"},
		"a vendor":       {vendors: []string{"owner"}, engine: engine, want: strings.TrimSuffix(owned, ", ")},
		"an unknown one": {vendors: []string{"none"}, engine: engine, code: codes.NotFound},
		"since last month": {vendors: []string{"ids"}, since: 20 * 24 * time.Hour, engine: engine,
			want: "ids/sites/A 3/4 of 4, device tv 2/3, device old 1/1, 2 of 7011 TOKEN_EXPIRED, " +
				"1 of 7001 CONTENT_NOT_PACKAGED, covered ids/sites/A"},
		"the archive is off": {want: owned[:len(owned)-2] + ", no sites of ids: FailedPrecondition, " +
			"no sites of md5s: FailedPrecondition"},
		"a vendor that is down": {engine: engine, down: adaptertest.CredentialsRejected, want: activity +
			", no product_licenses of owner: FailedPrecondition, no drm_accounts of owner: FailedPrecondition"},
		"one vendor's": {caller: auth.Identity{Vendors: []string{"md5s"}}, engine: engine,
			want: "md5s/sites/B 1/1 of 1, device phone 1/1, 1 of  UNKNOWN, covered md5s/sites/B"},
		"another vendor's": {
			vendors: []string{"owner"}, caller: auth.Identity{Vendors: []string{"md5s"}}, engine: engine,
			code: codes.PermissionDenied,
		},
		"no vendor's": {caller: auth.Identity{Vendors: []string{"ghost"}}, engine: engine,
			code: codes.PermissionDenied},
		"one site's": {caller: auth.Identity{Sites: []string{"vendors/ids/sites/A"}}, engine: engine,
			want: "ids/sites/A 2/3 of 3, device tv 2/3, 2 of 7011 TOKEN_EXPIRED, covered ids/sites/A"},
		"a customer's": {caller: auth.Identity{Customers: []string{"acme"}}, engine: engine,
			want: owned + activity},
		"another's": {caller: auth.Identity{Customers: []string{"c-2"}}, engine: engine, code: codes.PermissionDenied},
		"not a customer": {name: "viewers/bob", caller: auth.Identity{Customers: []string{"acme"}}, engine: engine,
			code: codes.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			owner.FailReads(c.down)
			req := &pb.GetViewerRequest{Name: "viewers/alice-1", Vendors: c.vendors}
			if c.name != "" {
				req.Name = c.name
			}
			if c.since > 0 {
				req.StartTime = timestamppb.New(time.Now().Add(-c.since))
			}
			conn := connect(t, c.engine, c.caller, "viewers:read", all...)
			v, err := pb.NewViewerServiceClient(conn).GetViewer(t.Context(), req)
			if got := apierror.Convert(err); err != nil && got.Code != c.code || picture(v) != c.want {
				t.Errorf("%s, %v\nwant %s %v", picture(v), err, c.want, c.code)
			}
			if c.name == "" && err == nil && v.GetUserIdMd5() != person {
				t.Errorf("MD5 %s", v.GetUserIdMd5())
			}
		})
	}
}

func TestAnErasedViewerIsNoLongerNamed(t *testing.T) {
	const late = "vendors/late/sites/D" // the archive reads it after the erasure
	for name, c := range map[string]struct {
		caller auth.Identity
		off    bool
		want   int32
		down   string   // the vendor that did not list its sites
		left   []string // the sites that still name the viewer
		code   codes.Code
	}{
		"everywhere": {want: 6, down: "vendors/down"},
		"at one site": {caller: auth.Identity{Sites: []string{"vendors/md5s/sites/B"}}, want: 1,
			left: []string{"vendors/ids/sites/A", late, "vendors/left/sites/C"}},
		"without a right": {caller: auth.Identity{Vendors: []string{"ghost"}}, code: codes.PermissionDenied,
			left: []string{"vendors/ids/sites/A", late, "vendors/left/sites/C", "vendors/md5s/sites/B"}},
		"of another customer": {caller: auth.Identity{Customers: []string{"c-2"}}, code: codes.PermissionDenied,
			left: []string{"vendors/ids/sites/A", late, "vendors/left/sites/C", "vendors/md5s/sites/B"}},
		"without an archive": {off: true, code: codes.FailedPrecondition,
			left: []string{"vendors/ids/sites/A", late, "vendors/left/sites/C", "vendors/md5s/sites/B"}},
	} {
		t.Run(name, func(t *testing.T) {
			memory, _, all := aliceWorld(t)
			all = append(all, configured("down", historical{err: errDown}),
				configured("late", historical{sites: []string{late}}))
			var engine archive.Engine = memory
			if c.off {
				engine = nil
			}
			client := pb.NewViewerServiceClient(connect(t, engine, c.caller, "viewers:write viewers:read", all...))
			res, err := client.EraseViewer(t.Context(), &pb.EraseViewerRequest{Name: "viewers/alice-1"})
			if e := apierror.Convert(err); err != nil && e.Code != c.code || res.GetLicenseCount() != c.want ||
				strings.Join(res.GetUnreachable(), " ") != c.down {
				t.Errorf("%v, %v; want %d without %q, %v", res, err, c.want, c.down, c.code)
			}
			fill(t, memory, 1, late)
			span := archive.Span{From: archive.MinSecond, To: archive.MinSecond + 1}
			if _, err := memory.Replace(t.Context(), archive.Replacement{Site: late, Span: span, Rows: []archive.Row{
				{Site: late, Second: span.From, User: "alice-1"},
			}}); err != nil {
				t.Fatal(err)
			}
			var left []string
			known, _ := memory.Sites(t.Context())
			for _, site := range known {
				n, err := memory.Count(t.Context(), archive.Question{Sites: []string{site.Name}, Person: person})
				if err != nil {
					t.Fatal(err)
				}
				if n > 0 {
					left = append(left, site.Name)
				}
			}
			if !slices.Equal(left, c.left) {
				t.Errorf("still named at %q, want %q", left, c.left)
			}
		})
	}
}
