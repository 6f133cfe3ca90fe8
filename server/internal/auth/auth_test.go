package auth_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/roles"
	"github.com/drmhub/drmhub/server/internal/contract"
)

func TestWithoutAuthenticationACallerMayDoAll(t *testing.T) {
	info := &grpc.UnaryServerInfo{}
	_, _ = auth.None().Unary(t.Context(), nil, info, func(ctx context.Context, _ any) (any, error) {
		if c := auth.FromContext(ctx); c.Subject != "anonymous" || !c.Has("sites:write") || !c.Has("secrets:read") {
			t.Errorf("%+v", c)
		}
		return nil, nil
	})
	streamInfo := &grpc.StreamServerInfo{}
	_ = auth.None().Stream(nil, stream{ctx: t.Context()}, streamInfo, func(_ any, s grpc.ServerStream) error {
		if c := auth.FromContext(s.Context()); !c.Has("licenses:read") {
			t.Errorf("%+v", c)
		}
		return nil
	})
}

func TestACallThatPassedNoInterceptorMayDoNothing(t *testing.T) {
	c := auth.FromContext(t.Context())
	if c.Has("sites:read") || c.Has(contract.AnyCaller) || c.SeesVendor("ncp") || c.Records().Includes("", "", "") {
		t.Error("nobody may read")
	}
}

// TestAnIdentityThatHasEndedGetsNoMessage has a service that does not look at its context.
func TestAnIdentityThatHasEndedGetsNoMessage(t *testing.T) {
	ended := &auth.Authenticator{Identify: func(context.Context) (*auth.Caller, error) {
		return &auth.Caller{Identity: auth.Identity{Subject: "s", Expires: time.Now().Add(-time.Second)}}, nil
	}}
	for name, use := range map[string]func(grpc.ServerStream) error{
		"sends":    func(s grpc.ServerStream) error { return s.SendMsg(nil) },
		"receives": func(s grpc.ServerStream) error { return s.RecvMsg(nil) },
	} {
		info := &grpc.StreamServerInfo{}
		err := ended.Stream(nil, stream{ctx: t.Context()}, info, func(_ any, s grpc.ServerStream) error {
			if err := use(s); status.Code(err) != codes.Unauthenticated {
				t.Errorf("it %s: %v", name, err)
			}
			return context.Canceled
		})
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("it %s, and then ends with %v", name, err)
		}
	}
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s stream) SendMsg(any) error { return nil }
func (s stream) RecvMsg(any) error { return nil }

func (s stream) Context() context.Context { return s.ctx }

// directory knows the vendors pc, with sites, and am, without.
var directory = auth.Directory{
	Roles:    roles.New(map[string][]string{"billing": {"licenses:read"}}),
	HasSites: func(vendor string) bool { return vendor != "am" },
}

// TestACallerSeesTheVendorsOfTheMoment has a reload add a vendor without sites while the caller is
// remembered.
func TestACallerSeesTheVendorsOfTheMoment(t *testing.T) {
	hasSites := true
	changing := auth.Directory{HasSites: func(string) bool { return hasSites }}
	c := changing.Caller(auth.Identity{Subject: "s", Sites: []string{"vendors/am/sites/default"}})
	for _, hasSites = range []bool{true, false, true} {
		if c.SeesAccount("am") == hasSites {
			t.Errorf("am has sites: %t, and the caller sees its account: %t", hasSites, hasSites)
		}
	}
}

// TestASessionIsNoClient has a reload name a client whose name a person with a session has.
func TestASessionIsNoClient(t *testing.T) {
	k := &auth.Credentials{
		Directory: directory, Clients: map[string]auth.Identity{}, Holds: func(string) bool { return true },
	}
	ctx := auth.WithSession(t.Context(), auth.Identity{Subject: "billing", Scopes: []string{"sites:read"}})
	if c, err := k.Identify(ctx); err != nil || c.Subject != "billing" {
		t.Errorf("before: %+v, %v", c, err)
	}
	k.Clients["billing"] = auth.Identity{}
	if c, err := k.Identify(ctx); err == nil || auth.CauseOf(err) == "" {
		t.Errorf("after: %+v, %v", c, err)
	}
}

func TestRoles(t *testing.T) {
	for name, c := range map[string]struct {
		roles, scopes []string
		has, lacks    []string
	}{
		"viewer": {
			[]string{"viewer"}, nil, []string{"sites:read", "vendors:read", "mutations:read"},
			[]string{"audit:read", "secrets:read", "sites:write"},
		},
		"operator": {
			[]string{"operator"}, nil,
			[]string{"sites:read", "sites:write", "product-licenses:write", "drm-accounts:write", "mutations:write",
				"archive:write"},
			[]string{"members:write", "audit:read", "secrets:read"},
		},
		"admin":      {[]string{"admin"}, nil, []string{"audit:read", "members:write"}, []string{"secrets:read"}},
		"secrets":    {[]string{"secrets"}, nil, []string{"secrets:read"}, []string{"sites:read"}},
		"configured": {[]string{"billing"}, nil, []string{"licenses:read"}, []string{"sites:read"}},
		"unknown":    {[]string{"root"}, nil, []string{contract.AnyCaller}, []string{"sites:read"}},
		"both":       {[]string{"secrets"}, []string{"sites:read"}, []string{"secrets:read", "sites:read"}, nil},
		"neither":    {nil, nil, []string{contract.AnyCaller}, []string{"sites:read", "secrets:read"}},
	} {
		caller := directory.Caller(auth.Identity{Subject: "s", Roles: c.roles, Scopes: c.scopes})
		for _, scope := range c.has {
			if !caller.Has(scope) {
				t.Errorf("%s lacks %s", name, scope)
			}
		}
		for _, scope := range c.lacks {
			if caller.Has(scope) {
				t.Errorf("%s has %s", name, scope)
			}
		}
	}
}

// confinements are callers by their confinement.
var confinements = map[string]auth.Identity{
	"free":       {Subject: "s"},
	"vendor":     {Subject: "s", Vendors: []string{"pc"}},
	"no vendor":  {Subject: "s", Vendors: []string{}},
	"site":       {Subject: "s", Sites: []string{"vendors/pc/sites/A"}},
	"siteless":   {Subject: "s", Sites: []string{"vendors/am/sites/default"}},
	"no default": {Subject: "s", Sites: []string{"vendors/pc/sites/default"}},
	"no site":    {Subject: "s", Sites: []string{}},
	"crossed":    {Subject: "s", Vendors: []string{"am"}, Sites: []string{"vendors/pc/sites/A"}},
	"customer":   {Subject: "s", Customers: []string{"c1"}},
}

func TestWhatAConfinedCallerMayCall(t *testing.T) {
	for _, c := range []struct {
		method, name string
		callers      []string // beside "free"
	}{
		{pb.VendorService_GetVendor_FullMethodName, "vendors/pc", []string{"vendor", "site", "no default", "customer"}},
		{pb.VendorService_GetVendor_FullMethodName, "vendors/am", []string{"siteless", "customer"}},
		{pb.VendorService_GetVendorStatus_FullMethodName, "vendors/pc/status",
			[]string{"vendor", "site", "no default", "customer"}},
		{pb.VendorService_GetVendorStatus_FullMethodName, "vendors/am/status", []string{"siteless", "customer"}},
		{pb.SiteService_ListSites_FullMethodName, "vendors/pc", []string{"vendor", "site", "no default", "customer"}},
		{pb.SiteService_ListSiteOrders_FullMethodName, "vendors/pc", []string{"vendor", "customer"}},
		{pb.MemberService_ListMembers_FullMethodName, "vendors/am", []string{"siteless", "customer"}},
		{pb.MemberService_UpdateMember_FullMethodName, "vendors/pc/members/1", []string{"vendor", "customer"}},
		{pb.SiteService_GetSite_FullMethodName, "vendors/pc/sites/A", []string{"vendor", "site", "customer"}},
		{pb.SiteService_GetSite_FullMethodName, "vendors/pc/sites/AB", []string{"vendor", "customer"}},
		{pb.LicenseService_GetUsage_FullMethodName, "vendors/pc/sites/A/usage", []string{"vendor", "site", "customer"}},
		{pb.LicenseService_ListLicenses_FullMethodName, "vendors/pc/sites/B", []string{"vendor", "customer"}},
	} {
		for name, i := range confinements {
			want := name == "free"
			for _, allowed := range c.callers {
				want = want || name == allowed
			}
			if got := directory.Caller(i).Sees(contract.Lookup(c.method), c.name); got != want {
				t.Errorf("the caller %q may call %s for %s: %t", name, c.method, c.name, got)
			}
		}
	}
}
