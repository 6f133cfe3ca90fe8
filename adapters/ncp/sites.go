package ncp

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteRow is a site as the vendor shows it. The other parts of a fairPlayCert are secrets, and are
// not read.
type siteRow struct {
	SiteID        string `json:"siteId"`
	SiteName      string `json:"siteName"`
	SiteStatus    string `json:"siteStatus"`
	SiteEnabledYn *bool  `json:"siteEnabledYn"`
	PolicyID      word   `json:"policyId"`
	FairPlayCert  struct {
		CertFile string `json:"certFile"`
	} `json:"fairPlayCert"`
	Statistics      *statistics `json:"statistics"`
	SiteCreatedTime word        `json:"siteCreatedTime"`
	SiteUpdatedTime word        `json:"siteUpdatedTime"` // in the table of "Disable site"
	SiteUpdated     word        `json:"siteUpdated"`     // in its example
}

// statistics has the vendor's spelling.
type statistics struct {
	ActiveUser    *int32 `json:"siteMontlyActiveUser"`
	ActiveDevice  *int32 `json:"siteMontlyActiveDevice"`
	ActiveLicense *int32 `json:"siteMontlyActiveLicense"`
}

var siteStates = map[string]pb.Site_State{
	"CREATING": pb.Site_CREATING,
	"READY":    pb.Site_READY,
	"RUNNING":  pb.Site_RUNNING,
	"DELETED":  pb.Site_DELETED,
}

// GetSite is GET /sites/{siteId}.
func (a *Adapter) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	return a.findSite(ctx, ids[1])
}

// findSite reads one site.
func (a *Adapter) findSite(ctx context.Context, siteID string) (*pb.Site, error) {
	row, err := a.findRow(ctx, siteID)
	if err != nil {
		return nil, err
	}
	return a.site(*row), nil
}

// findRow reads one site, as the vendor shows it.
func (a *Adapter) findRow(ctx context.Context, siteID string) (*siteRow, error) {
	if siteID == "siteLog" { // GET /sites/siteLog is another call, so no site can have this id.
		return nil, apierror.NotFound("NAVER Cloud's account has no site %q", siteID)
	}
	answer, err := get[siteRow](ctx, a, "/sites"+upstream.Path(siteID), nil)
	if err != nil {
		return nil, err
	}
	row := &answer.Content
	if row.SiteID != siteID {
		return nil, contradiction("it shows another site than the one asked for, or no site")
	}
	if wrong := a.unreadableTime(*row); wrong != "" {
		return nil, unreadable("content", siteID, &jsonx.Misfit{Path: wrong, Expected: "a time"})
	}
	return row, nil
}

// unreadableTime returns the name of a time that cannot be read, or "".
func (a *Adapter) unreadableTime(row siteRow) string {
	readable := func(w word) bool {
		_, ok := a.instant(w)
		return ok
	}
	switch {
	case !readable(row.SiteCreatedTime):
		return "siteCreatedTime"
	case a.timestamp(row.SiteUpdatedTime) != nil: // One of the two names is enough.
		return ""
	case !readable(row.SiteUpdated):
		return "siteUpdated"
	case !readable(row.SiteUpdatedTime) && a.timestamp(row.SiteUpdated) == nil:
		return "siteUpdatedTime"
	}
	return ""
}

// unreadable returns the error of a row that cannot be read. at is the place of the row, and the
// misfit has the path below it.
func unreadable(at, id string, m *jsonx.Misfit) *apierror.Error {
	value := *m
	if id == "" {
		value.Path = strings.TrimSuffix(at+"."+m.Path, ".")
		return errUnreadable("%v", &value)
	}
	return errUnreadable("%s %q: %v", at, id, &value)
}

func errUnreadable(format string, args ...any) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"NAVER Cloud's response cannot be read: "+format, args...)
}

// site returns the site of a row. A site is enabled if the vendor issues licenses for it. Where the
// vendor does not say so, the state does.
func (a *Adapter) site(row siteRow) *pb.Site {
	s := &pb.Site{
		Name:        a.siteName(row.SiteID),
		SiteId:      row.SiteID,
		DisplayName: row.SiteName,
		State:       siteStates[strings.ToUpper(row.SiteStatus)],
		VendorState: row.SiteStatus,
		PolicyId:    wholeText(row.PolicyID),
		Usage:       a.usage(row.SiteID, row.Statistics),
		CreateTime:  a.timestamp(row.SiteCreatedTime),
		UpdateTime:  a.timestamp(row.SiteUpdatedTime),
	}
	on := s.GetState() == pb.Site_RUNNING
	if row.SiteEnabledYn != nil {
		on = *row.SiteEnabledYn
	}
	s.Enabled = on && s.GetState() != pb.Site_CREATING && s.GetState() != pb.Site_DELETED
	if s.GetUpdateTime() == nil {
		s.UpdateTime = a.timestamp(row.SiteUpdated)
	}
	if row.FairPlayCert.CertFile != "" {
		s.FairplayCertificate = &pb.FairPlayCertificate{CertificateUri: row.FairPlayCert.CertFile}
	}
	return s
}

// timestamp is a time of a site's, or nil for none. One that cannot be read is left out: a change
// that was made must not look like a failure.
func (a *Adapter) timestamp(w word) *timestamppb.Timestamp {
	t, ok := a.instant(w)
	if !ok || t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func (a *Adapter) usage(siteID string, s *statistics) *pb.Usage {
	if s == nil || s.ActiveLicense == nil && s.ActiveUser == nil && s.ActiveDevice == nil {
		return nil
	}
	count := func(n *int32) int32 {
		if n == nil {
			return 0
		}
		return *n
	}
	return &pb.Usage{
		Name:                  names.Usage.Name(a.id, siteID),
		Date:                  a.today(),
		MonthlyActiveLicenses: count(s.ActiveLicense),
		MonthlyActiveUsers:    count(s.ActiveUser),
		MonthlyActiveDevices:  count(s.ActiveDevice),
	}
}

// today returns the day in the vendor's zone. The vendor's figures are those of this day.
func (a *Adapter) today() string { return time.Now().In(a.config.TimeZone).Format(time.DateOnly) }

// wholeText returns a whole number as the vendor writes it. It returns another text unchanged.
func wholeText(w word) string {
	if n, ok := number(w); ok {
		return strconv.FormatInt(n, 10)
	}
	return string(w)
}

func number(w word) (int64, bool) { return jsonx.WholeNumber(string(w)) }

// contradiction returns the error of a response that contradicts itself or the request.
func contradiction(format string, args ...any) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"NAVER Cloud's response contradicts itself: %s", fmt.Sprintf(format, args...))
}
