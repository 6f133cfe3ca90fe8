package explain_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/explain"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

const (
	here, there = "vendors/v/sites/here", "vendors/w/sites/there"
	hidden      = "vendors/w/sites/hidden"
)

var now = time.Date(2026, 11, 29, 14, 0, 0, 0, time.UTC)

// ago returns a time before now.
func ago(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(now.Add(-d)) }

// A vendor shows these. What is nil it cannot show.
type vendor struct {
	integration *pb.Integration
	site        *pb.Site
	changes     []*pb.StatusChange
	packagings  []*pb.Packaging // those of the last page
	emptyPages  int             // before the page with the packagings
	certificate *pb.FairPlayCertificate
}

func (vendor) Describe() adapters.Description {
	return adapters.Description{History: &adapters.History{TimeZone: time.UTC}}
}

func (vendor) Check(context.Context) (level string, _ error) { return "", nil }
func shown[T any](v *T) (*T, error) {
	if v == nil {
		return nil, apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the vendor is down")
	}
	return v, nil
}

func (v vendor) GetIntegration(context.Context, *pb.GetIntegrationRequest) (*pb.Integration, error) {
	return shown(v.integration)
}

func (v vendor) GetSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error) { return shown(v.site) }

func (v vendor) ListStatusChanges(
	context.Context, *pb.ListStatusChangesRequest,
) (*pb.ListStatusChangesResponse, error) {
	return &pb.ListStatusChangesResponse{StatusChanges: v.changes}, nil
}

func (v vendor) ListPackagings(
	_ context.Context, req *pb.ListPackagingsRequest,
) (*pb.ListPackagingsResponse, error) {
	if len(req.GetPageToken()) < v.emptyPages {
		return &pb.ListPackagingsResponse{NextPageToken: req.GetPageToken() + "x"}, nil
	}
	return &pb.ListPackagingsResponse{Packagings: v.packagings}, nil
}

// silent is a vendor that shows nothing.
type silent struct{}

func (silent) Describe() adapters.Description                { return adapters.Description{} }
func (silent) Check(context.Context) (level string, _ error) { return "", nil }

// served is a vendor that shows the FairPlay certificate.
type served struct{ vendor }

func (v served) GetFairPlayCertificate(
	context.Context, *pb.GetFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	return shown(v.certificate)
}

// rows returns rows of a text: lines of "minutes ago, user, device, model, content, DRM, code or
// ok", where "n*" in front repeats a line. Of the user "md5:x", the row shows the MD5 of x.
func rows(site, text string) (all []archive.Row) {
	for line := range strings.Lines(text) {
		times, minutes := 1, 0
		if before, after, repeated := strings.Cut(strings.TrimSpace(line), "*"); repeated {
			_, _ = fmt.Sscan(before, &times)
			line = after
		}
		w := strings.Fields(line)
		if len(w) < 7 {
			continue
		}
		_, _ = fmt.Sscan(w[0], &minutes)
		r := archive.Row{
			Site: site, Second: now.Unix() - int64(minutes)*60, User: w[1], Device: w[2], Model: w[3], Content: w[4],
			DRM: pb.License_DrmType(pb.License_DrmType_value[w[5]]), Status: pb.License_FAILURE, Code: w[6],
		}
		if id, hidden := strings.CutPrefix(r.User, "md5:"); hidden {
			r.User, r.UserMD5 = "", archive.Person(id)
		}
		switch r.Code {
		case "ok":
			r.Status, r.Code = pb.License_SUCCESS, "0000"
		case "-":
			r.Code = ""
		}
		for range times {
			all = append(all, r)
		}
	}
	return all
}

func archived(t *testing.T, site string, all []archive.Row, into archive.Engine) {
	t.Helper()
	span := archive.Span{From: now.Unix() - 40*86400, To: now.Unix() + 1}
	err := into.SetZone(t.Context(), site, time.UTC)
	if err == nil {
		_, err = into.Replace(t.Context(), archive.Replacement{Site: site, Span: span, Rows: all, Final: true})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// newCase returns a case that the archive and the vendor know.
func newCase(t *testing.T, c evidenceCase) explain.Case {
	t.Helper()
	engine := archivetest.NewMemory()
	archived(t, here, rows(here, c.here), engine)
	archived(t, there, rows(there, c.there), engine)
	archived(t, hidden, rows(hidden, "5*9 a d m c WIDEVINE ok"), engine)
	e := explain.NoCode(c.kind)
	if c.code != "" {
		var err error
		if e, err = explain.Code(c.kind, c.code); err != nil {
			t.Fatal(err)
		}
	}
	license := c.license
	if license == nil {
		license = &pb.License{}
	}
	return explain.Case{
		Vendor: vendors.Vendor{ID: "v", Kind: c.kind, Adapter: c.adapter}, Site: here, License: license, Explanation: e,
		Archive: engine, Now: now, May: func(string) error { return nil },
		Sees: func(site string) bool { return site != hidden },
	}
}

// conclude makes all readings.
func conclude(t *testing.T, c explain.Case) *pb.Explanation {
	var found []explain.Found
	for _, r := range c.Readings() {
		found = append(found, r(t.Context()))
	}
	c.Conclude(found)
	return c.Explanation
}

// wantEvidence checks the evidence: its kinds in order, the findings, and a part of each message.
func wantEvidence(t *testing.T, e *pb.Explanation, want []string) {
	t.Helper()
	for i, got := range e.GetEvidence() {
		line := fmt.Sprintf("%s %s: %s", got.GetKind(), got.GetFinding(), got.GetMessage())
		if i >= len(want) {
			t.Errorf("more than wanted: %s", line)
			continue
		}
		head, part, _ := strings.Cut(want[i], ": ")
		if !strings.HasPrefix(line, head+": ") || !strings.Contains(line, part) {
			t.Errorf("%s\nwant %s", line, want[i])
		}
		failed := got.GetFinding() == pb.Explanation_Evidence_UNAVAILABLE
		if failed != (got.GetError() != nil) || got.GetTime() == nil || strings.Contains(line, "hidden") {
			t.Errorf("%v", got)
		}
	}
	if len(e.GetEvidence()) < len(want) {
		t.Errorf("only %d pieces of evidence, want %d", len(e.GetEvidence()), len(want))
	}
}

func TestEvidence(t *testing.T) {
	for _, c := range evidenceCases() {
		t.Run(c.name, func(t *testing.T) {
			e := conclude(t, newCase(t, c))
			wantEvidence(t, e, c.want)
			if c.code != "" {
				return
			}
			inferred := c.owner != 0
			if e.GetClass() != c.class || e.GetOwner() != c.owner || len(e.GetFixes()) == 0 ||
				inferred != (e.GetConfidence() == pb.Explanation_INFERRED) || inferred != (e.GetRetryable() != 0) {
				t.Errorf("%v", e)
			}
		})
	}
}

func TestImpact(t *testing.T) {
	c := newCase(t, evidenceCase{
		kind: "pallycon", code: "7103", adapter: vendor{}, here: others +
			"1445 a d m c WIDEVINE 7103\n200 a d m c WIDEVINE 7103\n" + // before the run, or before the day
			"70 a d - c WIDEVINE 7103\n2*10 a d m c WIDEVINE 7103\n9 b e n c FAIRPLAY 7103\n5 c f n g FAIRPLAY 7104\n",
	})
	e := conclude(t, c).GetImpact()
	want := &pb.Explanation_Impact{
		StartTime: ago(24*time.Hour - time.Second), EndTime: ago(-time.Second), FirstFailureTime: ago(70 * time.Minute),
		FailureCount: 5, LicenseCount: 27, UserCount: 2, DeviceCount: 2,
		DeviceModelCount: 3, ContentCount: 1, DrmTypeCount: 2,
	}
	if fmt.Sprint(e) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", e, want)
	}
}

// uncounted is an archive that cannot count.
type uncounted struct{ archive.Engine }

func (uncounted) Count(context.Context, archive.Question) (int64, error) {
	return 0, apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE, "the archive is down")
}

// Without the archive's count, nobody knows whether the site was off at the time of the failure.
func TestWithoutACountASiteMayHaveBeenOn(t *testing.T) {
	spans := func(all ...archive.Span) func(*explain.Case) {
		return func(c *explain.Case) {
			engine := archivetest.NewMemory()
			err := engine.SetZone(t.Context(), here, time.UTC)
			for _, span := range all {
				if err == nil {
					_, err = engine.Replace(t.Context(), archive.Replacement{Site: here, Span: span, Final: true})
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			c.Archive = engine
		}
	}
	end, h := now.Unix(), int64(3600)
	for name, c := range map[string]struct {
		change func(*explain.Case)
		off    bool // the site is known to have issued nothing since
	}{
		"the archive holds all":     {spans(archive.Span{From: end - 48*h, To: end}), true},
		"the archive is off":        {func(c *explain.Case) { c.Archive = nil }, false},
		"the archive fails":         {func(c *explain.Case) { c.Archive = uncounted{c.Archive} }, false},
		"the archive knows no site": {func(c *explain.Case) { c.Archive = archivetest.NewMemory() }, false},
		"the archive ends before":   {spans(archive.Span{From: end - 48*h, To: end - 2*h}), false},
		"the archive begins later":  {spans(archive.Span{From: end - h/2, To: end}), false},
		"the archive has a hole in it": {
			spans(archive.Span{From: end - 9*h, To: end - h/2}, archive.Span{From: end - h/4, To: end}), false,
		},
		"the failure has no time":     {func(c *explain.Case) { c.Archive, c.License.CreateTime = nil, nil }, true},
		"the vendor shows no history": {func(c *explain.Case) { c.Vendor.Adapter = stateful{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			given := newCase(t, evidenceCase{
				kind: "ncp", adapter: vendor{site: &pb.Site{}}, license: failure("60 z dz Q movie WIDEVINE -"),
			})
			c.change(&given)
			e := conclude(t, given)
			state := e.GetEvidence()[0]
			off := state.GetFinding() == pb.Explanation_Evidence_CONFIRMS
			if state.GetKind() != explain.SiteState || off != c.off ||
				strings.Contains(state.GetMessage(), "0 licenses") ||
				(e.GetClass() == pb.Explanation_SITE_STOPPED) != c.off {
				t.Errorf("%v: %v", e.GetClass(), state)
			}
		})
	}
}

// stateful is a vendor that shows the state of a site, and no license history.
type stateful struct{ silent }

func (stateful) GetSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error) {
	return &pb.Site{}, nil
}

// TestEvidenceThatCannotBeHad names what is missing instead of guessing.
func TestEvidenceThatCannotBeHad(t *testing.T) {
	token := evidenceCase{kind: "pallycon", code: "7011", adapter: vendor{integration: &pb.Integration{}}}
	for name, change := range map[string]struct {
		to   func(*explain.Case)
		want []string
	}{
		"the archive is off": {func(c *explain.Case) { c.Archive = nil }, []string{
			"TOKEN_DURATION NEUTRAL: does not show", "COHORT UNAVAILABLE: Without the archive",
		}},
		"the vendor shows no history": {func(c *explain.Case) { c.Vendor.Adapter = silent{} }, []string{
			"TOKEN_DURATION UNAVAILABLE: has no GetIntegration", "COHORT UNAVAILABLE: has no license history",
		}},
		"the archive does not know the site": {func(c *explain.Case) { c.Archive = archivetest.NewMemory() }, []string{
			"TOKEN_DURATION NEUTRAL: ", "COHORT UNAVAILABLE: how complete",
		}},
		"the caller lacks the scope": {func(c *explain.Case) {
			denied := apierror.New(codes.PermissionDenied, pb.ErrorReason_SCOPE_MISSING, "no")
			c.May = func(string) error { return denied }
		}, []string{"TOKEN_DURATION UNAVAILABLE: cannot read", "COHORT NEUTRAL: "}},
		"the archive holds an hour": {func(c *explain.Case) {
			engine := archivetest.NewMemory()
			if err := engine.SetZone(t.Context(), here, time.UTC); err != nil {
				t.Fatal(err)
			}
			if err := engine.SetState(t.Context(), here, archive.State{Head: now.Unix()}); err != nil {
				t.Fatal(err)
			}
			c.Archive = engine
		}, []string{"TOKEN_DURATION NEUTRAL: ", "COHORT NEUTRAL: does not hold all of this day"}},
		"the archive has a hole in the day": {func(c *explain.Case) {
			engine, end, h := archivetest.NewMemory(), now.Unix(), int64(3600)
			err := engine.SetZone(t.Context(), here, time.UTC)
			for _, span := range []archive.Span{{From: end - 48*h, To: end - 9*h}, {From: end - 8*h, To: end}} {
				if err == nil {
					_, err = engine.Replace(t.Context(), archive.Replacement{Site: here, Span: span, Final: true})
				}
			}
			if err == nil {
				err = engine.SetState(t.Context(), here, archive.State{Head: end})
			}
			if err != nil {
				t.Fatal(err)
			}
			c.Archive = engine
		}, []string{"TOKEN_DURATION NEUTRAL: ", "COHORT NEUTRAL: does not hold all of this day"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCase(t, token)
			change.to(&c)
			wantEvidence(t, conclude(t, c), change.want)
		})
	}
}
