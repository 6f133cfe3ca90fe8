package services_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/services"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// streaming is a historical adapter that streams what a vendor in this process shows.
type streaming struct {
	historical
	*archivetest.Vendor
}

func streamingOf(h historical) streaming {
	return streaming{h, &archivetest.Vendor{Now: time.Now, Sites: h.sites, Source: new(archivetest.History).Source}}
}

// keeping returns the client of a service whose archive is kept up to date.
func keeping(t *testing.T, engine archive.Engine, caller auth.Identity, all ...vendors.Vendor) pb.ArchiveServiceClient {
	t.Helper()
	registry, err := vendors.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	caller.Subject, caller.Scopes = "s", []string{"licenses:read", "archive:write"}
	a := &auth.Authenticator{Identify: func(context.Context) (*auth.Caller, error) {
		return auth.Directory{}.Caller(caller), nil
	}}
	conn := inproc.New([]grpc.UnaryServerInterceptor{a.Unary, (&auth.Confinement{}).Unary}, nil)
	services.Register(conn, services.Parts{Vendors: registry, Archive: engine, Syncer: syncer.New(syncer.Options{
		Vendors: registry, Sites: services.SiteNames, Engine: engine, Log: slog.New(slog.DiscardHandler),
		Settings: syncer.Settings{Interval: time.Minute, Backfill: 48 * time.Hour, Keep: 96 * time.Hour},
	})})
	return pb.NewArchiveServiceClient(conn)
}

func TestArchivesThatACallerSees(t *testing.T) {
	const a, b = "vendors/a/sites/", "vendors/b/sites/"
	m := archivetest.NewMemory()
	fill(t, m, 3, a+"gone", b+"kept")
	up := streamingOf(historical{sites: []string{a + "s", a + "t"}})
	down := streamingOf(historical{err: errDown})
	all := []vendors.Vendor{configured("b", down), configured("a", up), configured("plain", bare{})}
	for name, c := range map[string]struct {
		caller      auth.Identity
		parent      string
		want        string
		unreachable []string
		code        codes.Code
	}{
		"all": {parent: "vendors/-", want: b + "kept " + a + "gone " + a + "s " + a + "t vendors/plain/sites/default",
			unreachable: []string{"vendors/b"}},
		"one vendor": {parent: "vendors/a", want: a + "gone " + a + "s " + a + "t"},
		"without":    {parent: "vendors/plain", want: "vendors/plain/sites/default"},
		"a vendor": {caller: auth.Identity{Vendors: []string{"a"}}, parent: "vendors/-",
			want: a + "gone " + a + "s " + a + "t"},
		"a site":      {caller: auth.Identity{Sites: []string{a + "t"}}, parent: "vendors/-", want: a + "t"},
		"a kept site": {caller: auth.Identity{Sites: []string{b + "kept"}}, parent: "vendors/-", want: b + "kept"},
		"a site that does not exist": {caller: auth.Identity{Sites: []string{a + "x", a + "t"}}, parent: "vendors/-",
			want: a + "t"},
		"nothing": {caller: auth.Identity{Sites: []string{}}, parent: "vendors/-"},
		"another": {
			caller: auth.Identity{Vendors: []string{"a"}}, parent: "vendors/b", code: codes.PermissionDenied,
		},
	} {
		var names []string
		req := &pb.ListArchivesRequest{Parent: c.parent, PageSize: 2}
		for more := true; more; more = req.GetPageToken() != "" {
			page, err := keeping(t, m, c.caller, all...).ListArchives(t.Context(), req)
			if apierror.Convert(err).Code != c.code && (err != nil || c.code != codes.OK) {
				t.Fatalf("%s: %v", name, err)
			}
			for _, shown := range page.GetArchives() {
				names = append(names, strings.TrimSuffix(shown.GetName(), "/archive"))
			}
			if err == nil && !slices.Equal(page.GetUnreachable(), c.unreachable) {
				t.Errorf("%s: unreachable %q", name, page.GetUnreachable())
			}
			req.PageToken = page.GetNextPageToken()
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Sites and vendors come and go while a caller reads pages.
func TestArchivesWhileSitesChange(t *testing.T) {
	const a, b = "vendors/a/sites/", "vendors/b/sites/"
	of := func(id string, sites ...string) vendors.Vendor {
		return configured(id, streamingOf(historical{sites: sites}))
	}
	before := []vendors.Vendor{of("b", b+"1", b+"2"), of("a", a+"1", a+"3")}
	for name, c := range map[string]struct {
		size int32 // of the first page
		then []vendors.Vendor
		want string // on the second page
	}{
		"nothing changes":           {3, before, a + "3"},
		"a site before is added":    {3, []vendors.Vendor{of("b", b+"0", b+"1", b+"2"), before[1]}, a + "3"},
		"a site before is dropped":  {3, []vendors.Vendor{of("b", b+"2"), of("a", a+"1", a+"3")}, a + "3"},
		"the last site is dropped":  {3, []vendors.Vendor{of("b", b+"1", b+"2"), of("a", a+"3")}, a + "3"},
		"a site behind is added":    {3, []vendors.Vendor{before[0], of("a", a+"1", a+"2", a+"3")}, a + "2 " + a + "3"},
		"the vendors change places": {3, []vendors.Vendor{before[1], before[0]}, a + "3"},
		"a vendor is dropped":       {3, before[1:], a + "3"},
		"the last vendor goes":      {1, before[1:], a + "1 " + a + "3"},
	} {
		req := &pb.ListArchivesRequest{Parent: "vendors/-", PageSize: c.size}
		first, err := keeping(t, archivetest.NewMemory(), auth.Identity{}, before...).ListArchives(t.Context(), req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		req.PageToken, req.PageSize = first.GetNextPageToken(), 0
		second, err := keeping(t, archivetest.NewMemory(), auth.Identity{}, c.then...).ListArchives(t.Context(), req)
		var names []string
		for _, shown := range second.GetArchives() {
			names = append(names, strings.TrimSuffix(shown.GetName(), "/archive"))
		}
		if got := strings.Join(names, " "); got != c.want || err != nil || second.GetNextPageToken() != "" {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

// Tokens had a number of archives instead of a position.
func TestAnOldTokenOfArchivesIsRefused(t *testing.T) {
	req := &pb.ListArchivesRequest{Parent: "vendors/-", PageSize: 1}
	var err error
	if req.PageToken, err = paging.Token(req, struct{ Offset int }{1}); err != nil {
		t.Fatal(err)
	}
	all := configured("a", streamingOf(historical{sites: []string{"vendors/a/sites/1", "vendors/a/sites/2"}}))
	page, err := keeping(t, archivetest.NewMemory(), auth.Identity{}, all).ListArchives(t.Context(), req)
	if e := apierror.Convert(err); err == nil || e.Code != codes.InvalidArgument ||
		!strings.Contains(e.Message, "start again without page_token") {
		t.Errorf("%v, %v", page, err)
	}
}

// A site is counted in the zone of its last pass. The setting may have another one since.
func TestTheRuleOfAnInvoiceNamesTheZoneThatCounts(t *testing.T) {
	const site = "vendors/a/sites/s"
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	m := archivetest.NewMemory()
	if err := m.SetZone(t.Context(), site, seoul); err != nil {
		t.Fatal(err)
	}
	client := keeping(t, m, auth.Identity{}, configured("a", streamingOf(historical{sites: []string{site}})))
	res, err := client.ReconcileInvoice(t.Context(), &pb.ReconcileInvoiceRequest{
		Parent: "vendors/a", Month: "2026-10", Lines: []*pb.InvoiceLine{{Site: site, Metric: pb.InvoiceLine_LICENSES}},
	})
	if got := res.GetCountingRule().GetTimeZone(); got != "Asia/Seoul" || err != nil {
		t.Errorf("the rule names the zone %q, %v", got, err)
	}
}

// A vendor that cannot name all of its sites still names this one.
func TestASiteThatIsNamedIsThere(t *testing.T) {
	const named, other = "vendors/a/sites/s", "vendors/a/sites/t"
	all := configured("a", streamingOf(historical{sites: []string{named}, err: errDown}))
	client := keeping(t, archivetest.NewMemory(), auth.Identity{}, all)
	for site, code := range map[string]codes.Code{named: codes.OK, other: codes.Unavailable} {
		_, err := client.GetArchive(t.Context(), &pb.GetArchiveRequest{Name: site + "/archive"})
		if (err != nil || code != codes.OK) && apierror.Convert(err).Code != code {
			t.Errorf("GetArchive of %s: %v, want %v", site, err, code)
		}
		line := &pb.InvoiceLine{Site: site, Metric: pb.InvoiceLine_LICENSES}
		_, err = client.ReconcileInvoice(t.Context(), &pb.ReconcileInvoiceRequest{
			Parent: "vendors/a", Month: "2026-10", Lines: []*pb.InvoiceLine{line},
		})
		if (err != nil || code != codes.OK) && apierror.Convert(err).Code != code {
			t.Errorf("ReconcileInvoice of %s: %v, want %v", site, err, code)
		}
	}
}

// The error of a list that cannot be read may tell of the sites of others.
func TestTheErrorOfAListDoesNotTellACallerOfOtherSites(t *testing.T) {
	unreadable := apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "there are 7 sites")
	all := configured("a", streamingOf(historical{err: unreadable}))
	const site = "vendors/a/sites/s"
	client := keeping(t, archivetest.NewMemory(), auth.Identity{Sites: []string{site}}, all)
	_, err := client.GetArchive(t.Context(), &pb.GetArchiveRequest{Name: site + "/archive"})
	if err != nil {
		t.Errorf("GetArchive: %v", err)
	}
	line := &pb.InvoiceLine{Site: site, Metric: pb.InvoiceLine_LICENSES}
	_, err = client.ReconcileInvoice(t.Context(), &pb.ReconcileInvoiceRequest{
		Parent: "vendors/a", Month: "2026-10", Lines: []*pb.InvoiceLine{line},
	})
	if err != nil {
		t.Errorf("ReconcileInvoice: %v", err)
	}
}

func TestTheStateOfAnArchive(t *testing.T) {
	const site = "vendors/a/sites/s"
	now := time.Now()
	covered := archive.Span{From: now.Unix() - 50*3600, To: now.Unix() - 60}
	part := archive.Span{From: covered.From + 9*3600, To: covered.To}
	read := archive.State{Head: now.Unix() - 60, LastSync: now, Next: now}
	with := func(change func(*archive.State)) archive.State {
		s := read
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		state archive.State
		span  archive.Span
		want  pb.Archive_State
	}{
		"before the first pass": {archive.State{}, archive.Span{}, pb.Archive_STATE_UNSPECIFIED},
		"complete":              {read, covered, pb.Archive_CURRENT},
		"a part is missing":     {read, part, pb.Archive_BACKFILLING},
		"the vendor shows no more": {
			with(func(s *archive.State) { s.Oldest = covered.From + 9*3600 }),
			part, pb.Archive_CURRENT,
		},
		"no pass for long": {
			with(func(s *archive.State) { s.LastSync = now.Add(-time.Hour) }), covered, pb.Archive_STALE,
		},
		"the last pass failed": {with(func(s *archive.State) {
			s.Failure = &archive.Failure{Code: 14, Reason: "VENDOR_UNAVAILABLE", Message: "down"}
		}), covered, pb.Archive_FAILING},
	} {
		m := archivetest.NewMemory()
		if err := m.SetZone(t.Context(), site, time.UTC); err != nil {
			t.Fatal(err)
		}
		if c.span != (archive.Span{}) {
			final := archive.Replacement{Site: site, Span: c.span, Final: true}
			if _, err := m.Replace(t.Context(), final); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.SetState(t.Context(), site, c.state); err != nil {
			t.Fatal(err)
		}
		client := keeping(t, m, auth.Identity{}, configured("a", streamingOf(historical{sites: []string{site}})))
		got, err := client.GetArchive(t.Context(), &pb.GetArchiveRequest{Name: site + "/archive"})
		if err != nil || got.GetState() != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if (got.GetError() == nil) != (c.want != pb.Archive_FAILING) ||
			(got.GetBackfill() == nil) != (c.want != pb.Archive_BACKFILLING) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAPassAndABackfillOnDemand(t *testing.T) {
	const site = "vendors/a/sites/s"
	vendor := streamingOf(historical{sites: []string{site}})
	for name, c := range map[string]struct {
		engine  archive.Engine
		adapter vendors.Vendor
		site    string
		code    codes.Code
	}{
		"works":      {archivetest.NewMemory(), configured("a", vendor), site, codes.OK},
		"no archive": {nil, configured("a", vendor), site, codes.FailedPrecondition},
		"no history": {
			archivetest.NewMemory(), configured("a", bare{}), "vendors/a/sites/default", codes.Unimplemented,
		},
		"no such site": {archivetest.NewMemory(), configured("a", vendor), site + "x", codes.NotFound},
		"vendor down": {
			archivetest.NewMemory(), configured("a", streamingOf(historical{err: errDown})), site, codes.Unavailable,
		},
	} {
		client := keeping(t, c.engine, auth.Identity{}, c.adapter)
		_, err := client.SyncArchive(t.Context(), &pb.SyncArchiveRequest{Name: c.site + "/archive"})
		if got := apierror.Convert(err); err != nil && got.Code != c.code || err == nil && c.code != codes.OK {
			t.Errorf("%s: SyncArchive: %v", name, err)
		}
		since := time.Now().Add(-72 * time.Hour)
		res, err := client.BackfillArchive(t.Context(), &pb.BackfillArchiveRequest{
			Name: c.site + "/archive", StartTime: timestamppb.New(since),
		})
		if got := apierror.Convert(err); err != nil && got.Code != c.code || err == nil && c.code != codes.OK {
			t.Errorf("%s: BackfillArchive: %v", name, err)
		}
		if left := res.GetBackfill().GetRemaining().AsDuration(); err == nil && left < 71*time.Hour {
			t.Errorf("%s: %v remain", name, left)
		}
	}
}
