package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// The findings, under short names.
const (
	confirms    = pb.Explanation_Evidence_CONFIRMS
	contradicts = pb.Explanation_Evidence_CONTRADICTS
	neutral     = pb.Explanation_Evidence_NEUTRAL
)

// The kinds of evidence that are read from the vendor.
const (
	TokenDuration       = "TOKEN_DURATION"
	SiteState           = "SITE_STATE"
	StatusChange        = "STATUS_CHANGE"
	Packaging           = "PACKAGING"
	FairPlayCertificate = "FAIRPLAY_CERTIFICATE"
	Callback            = "CALLBACK"
)

// read reads from the vendor by the capability C, if the vendor has it and the caller the scope.
func read[C, Res any](
	ctx context.Context, c Case, method string, call func(C, context.Context) (Res, error),
) (Res, error) {
	var none Res
	if err := c.May(method); err != nil {
		return none, err
	}
	reader, ok := adapters.As[C](c.Vendor.Adapter)
	if !ok {
		return none, c.errNoCall(method[strings.LastIndexByte(method, '/')+1:])
	}
	return call(reader, ctx)
}

func (c Case) integration(ctx context.Context) (*pb.Integration, error) {
	return read(ctx, c, pb.SiteService_GetIntegration_FullMethodName,
		func(r adapters.IntegrationGetter, ctx context.Context) (*pb.Integration, error) {
			return r.GetIntegration(ctx, &pb.GetIntegrationRequest{Name: c.Site + "/integration"})
		})
}

// tokenDuration reads how long a token is valid.
func (c Case) tokenDuration(ctx context.Context) Found {
	got, err := c.integration(ctx)
	name := c.Site + "/integration"
	switch {
	case err != nil:
		return c.unavailable(TokenDuration, name, err, "drmhub cannot read how long tokens of this site are valid.")
	case got.GetTokenDuration() == nil:
		return one(c.evidence(TokenDuration, name, neutral,
			"The vendor does not show how long tokens of this site are valid."))
	}
	duration := got.GetTokenDuration().AsDuration()
	return one(c.evidence(TokenDuration, name, neutral, "Tokens of this site are valid for %s. "+
		"A token that is older fails, and so does one whose time lies in the future.", span(duration)))
}

// callback reads the address of the operator's callback.
func (c Case) callback(ctx context.Context) Found {
	got, err := c.integration(ctx)
	name := c.Site + "/integration"
	switch {
	case err != nil:
		return c.unavailable(Callback, name, err, "drmhub cannot read the address of the operator's callback.")
	case got.GetLicenseCallbackUrl() == "":
		return one(c.evidence(Callback, name, contradicts, "The site has no address of a license callback now."))
	}
	return one(c.evidence(Callback, name, neutral,
		"The license server asks the operator's callback at %s. Its log has the reason.", got.GetLicenseCallbackUrl()))
}

// siteState reads whether the vendor issues licenses for the site.
func (c Case) siteState(ctx context.Context) Found {
	site, err := c.site(ctx)
	if err != nil {
		return c.unavailable(SiteState, c.Site, err, "drmhub cannot read the state of the site.")
	}
	state := fmt.Sprintf("The site's state is %s", site.GetState())
	if services := site.GetServices(); len(services) > 0 {
		i := max(0, slices.IndexFunc(services, isDRM))
		state += fmt.Sprintf(", and its service %s is %s", services[i].GetService(), services[i].GetState())
	}
	stopped := c.Explanation.GetClass() == pb.Explanation_SITE_STOPPED
	finding := neutral
	switch {
	case site.GetEnabled() && stopped:
		return one(c.evidence(SiteState, c.Site, contradicts, "%s. The vendor issues licenses for it now.", state))
	case site.GetEnabled():
		return one(c.evidence(SiteState, c.Site, neutral, "%s. The vendor issues licenses for it.", state))
	case stopped:
		finding = confirms
	case !c.coded():
		issued, complete := c.issuedSince(ctx)
		switch {
		case issued > 0:
			return one(c.evidence(SiteState, c.Site, neutral, "%s. The vendor issues no licenses for it now. "+
				"It issued %s after this failure, as far as the archive shows.", state, count(issued, "license")))
		case !complete:
			return one(c.evidence(SiteState, c.Site, neutral, "%s. The vendor issues no licenses for it now. "+
				"drmhub cannot count in the archive what it issued after this failure.", state))
		}
		finding = confirms
	}
	found := one(c.evidence(SiteState, c.Site, finding, "%s. The vendor issues no licenses for it.", state))
	found.Inferred = &pb.Explanation{
		Class: pb.Explanation_SITE_STOPPED, Owner: pb.Explanation_OPERATOR, Retryable: pb.Explanation_YES,
		Meaning: "The site is switched off now, which explains every failure since then.",
		Fixes:   []string{"The operator calls EnableSite, and looks in ListAuditEvents for who disabled the site."},
	}
	return found
}

// issuedSince counts the licenses that the site issued after the license request. It reports
// whether these are all: the archive may not hold all of that time. A license request without a
// time is taken to be of now.
func (c Case) issuedSince(ctx context.Context) (issued int64, complete bool) {
	asked := c.License.GetCreateTime()
	switch {
	case !asked.IsValid():
		return 0, true
	case c.Archive == nil || c.Vendor.Adapter.Describe().History == nil:
		return 0, false
	}
	q := c.within(archive.Span{From: asked.GetSeconds()})
	q.Status = pb.License_SUCCESS
	issued, err := c.Archive.Count(ctx, q)
	if err != nil {
		return 0, false
	}
	site, err := c.Archive.Site(ctx, c.Site)
	if err != nil || len(site.Spans) == 0 {
		return issued, false
	}
	newest := site.Spans[len(site.Spans)-1]
	return issued, newest.From <= q.Within.From && q.Within.From < max(newest.To, site.State.Head)
}

func isDRM(s *pb.Site_ServiceState) bool { return s.GetService() == pb.Site_DRM }

func (c Case) site(ctx context.Context) (*pb.Site, error) {
	return read(ctx, c, pb.SiteService_GetSite_FullMethodName,
		func(r adapters.SiteGetter, ctx context.Context) (*pb.Site, error) {
			return r.GetSite(ctx, &pb.GetSiteRequest{Name: c.Site})
		})
}

// statusChange reads who changed the state of the site last.
func (c Case) statusChange(ctx context.Context) Found {
	res, err := read(ctx, c, pb.SiteService_ListStatusChanges_FullMethodName,
		func(r adapters.StatusChangeLister, ctx context.Context) (*pb.ListStatusChangesResponse, error) {
			return r.ListStatusChanges(ctx, &pb.ListStatusChangesRequest{
				Parent: c.Site, Filter: &pb.StatusChangeFilter{Service: pb.Site_DRM},
			})
		})
	if err != nil {
		return c.unavailable(StatusChange, c.Site, err, "drmhub cannot read who changed the state of the site.")
	}
	if len(res.GetStatusChanges()) == 0 {
		return one(c.evidence(StatusChange, c.Site, neutral, "The vendor shows no change of the site's state."))
	}
	last := slices.MaxFunc(res.GetStatusChanges(), func(a, b *pb.StatusChange) int {
		return changed(a).AsTime().Compare(changed(b).AsTime())
	})
	since, failed, finding := changed(last), c.License.GetCreateTime(), neutral
	message := fmt.Sprintf("The last change is %s, %s since %s", last.GetType(), last.GetState(), when(since))
	switch {
	case failed.IsValid() && !since.IsValid(): // It may be after the failure.
	case failed.IsValid() && since.AsTime().After(failed.AsTime()):
		message += ", after the failure"
	case last.GetType() == pb.StatusChange_SUSPEND && last.GetState() == pb.StatusChange_APPROVED &&
		c.Explanation.GetClass() == pb.Explanation_SITE_STOPPED:
		finding = confirms
	}
	if last.GetRequester() != "" {
		message += fmt.Sprintf(", requested by %q", last.GetRequester())
	}
	if last.GetMessage() != "" {
		message += fmt.Sprintf(", with the message %q", last.GetMessage())
	}
	return one(c.evidence(StatusChange, last.GetName(), finding, "%s.", message))
}

// changed returns the time of a change. It is nil if the vendor shows none.
func changed(s *pb.StatusChange) *timestamppb.Timestamp {
	if s.GetUpdateTime() != nil {
		return s.GetUpdateTime()
	}
	return s.GetCreateTime()
}

// maxPackagingPages bounds how many pages of packagings a reading asks for.
const maxPackagingPages = 10

// packagings returns the packagings of a content. It reports whether these are all.
func (c Case) packagings(ctx context.Context, content string) (found []*pb.Packaging, all bool, err error) {
	req := &pb.ListPackagingsRequest{
		Parent: c.Site, Filter: &pb.ReportFilter{ContentId: content}, PageSize: paging.MaxSize,
	}
	for range maxPackagingPages {
		res, err := read(ctx, c, pb.LicenseService_ListPackagings_FullMethodName,
			func(r adapters.PackagingLister, ctx context.Context) (*pb.ListPackagingsResponse, error) {
				return r.ListPackagings(ctx, req)
			})
		if err != nil {
			return nil, false, err
		}
		found = append(found, res.GetPackagings()...)
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			return found, true, nil
		}
	}
	return found, false, nil
}

// packaging reads when the content was packaged.
func (c Case) packaging(ctx context.Context) Found {
	content := c.License.GetContentId()
	if content == "" {
		return c.unavailable(Packaging, c.Site, apierror.Invalid("license.content_id", "must be set"),
			"The request names no content, so that drmhub cannot look for its packaging.")
	}
	packagings, all, err := c.packagings(ctx, content)
	if err != nil {
		return c.unavailable(Packaging, c.Site, err, "drmhub cannot read whether content %q was packaged.", content)
	}
	ended, late := "", confirms
	if !all {
		ended = fmt.Sprintf(" The search ended after %d pages: later ones may show an earlier packaging.",
			maxPackagingPages)
		late = neutral
	}
	if len(packagings) == 0 {
		return one(c.evidence(Packaging, c.Site, late,
			"The vendor shows no packaging of content %q at this site.%s", content, ended))
	}
	created, timed := firstPackaged(packagings)
	failed := c.License.GetCreateTime()
	switch after := failed.IsValid() && (created == nil || created.AsTime().After(failed.AsTime())); {
	case after && !timed:
		return one(c.evidence(Packaging, c.Site, neutral,
			"Content %q was packaged at %s. It may have been after the failure.%s", content, when(nil), ended))
	case after:
		return one(c.evidence(Packaging, c.Site, late,
			"Content %q was first packaged at %s, after the failure.%s", content, when(created), ended))
	case c.Explanation.GetErrorCode() == wrongPSSH:
		return one(c.evidence(Packaging, c.Site, neutral, "Content %q was first packaged at %s. "+
			"Whether its PSSH is right, the vendor does not show.%s", content, when(created), ended))
	}
	return one(c.evidence(Packaging, c.Site, contradicts, "Content %q was first packaged at %s. "+
		"The content id in the token may be another one.%s", content, when(created), ended))
}

// firstPackaged returns the first time of packagings, or nil, and whether all of them have a time.
func firstPackaged(packagings []*pb.Packaging) (first *timestamppb.Timestamp, timed bool) {
	timed = true
	for _, p := range packagings {
		switch created := p.GetCreateTime(); {
		case !created.IsValid():
			timed = false
		case first == nil || created.AsTime().Before(first.AsTime()):
			first = created
		}
	}
	return first, timed
}

// wrongPSSH is the code of a content that is packaged, but wrongly.
const wrongPSSH = "7112"

// certificate reads the FairPlay certificate that players get.
func (c Case) certificate(ctx context.Context) Found {
	got, err := read(ctx, c, pb.SiteService_GetFairPlayCertificate_FullMethodName,
		func(r adapters.FairPlayCertificateGetter, ctx context.Context) (*pb.FairPlayCertificate, error) {
			return r.GetFairPlayCertificate(ctx, &pb.GetFairPlayCertificateRequest{Name: c.Site})
		})
	if err != nil && apierror.Convert(err).Code == codes.Unimplemented { // The site itself may show it.
		if site, failed := c.site(ctx); failed == nil && site.GetFairplayCertificate() != nil {
			got, err = site.GetFairplayCertificate(), nil
		}
	}
	if err != nil {
		return c.unavailable(FairPlayCertificate, c.Site, err, "drmhub cannot read the site's FairPlay certificate.")
	}
	message, finding := "The site has a FairPlay certificate", neutral
	for _, part := range []struct{ before, text string }{
		{" of ", got.GetSubject()}, {", serial number ", got.GetSerialNumber()},
		{", SHA-256 ", got.GetFingerprint()}, {", from ", got.GetCertificateUri()},
	} {
		if part.text != "" {
			message += part.before + part.text
		}
	}
	switch ends := got.GetExpireTime(); {
	case ends == nil:
		message += ". Its end is not known."
	case ends.AsTime().Before(c.Now):
		message += ". It ended at " + instant(ends.AsTime()) + "."
	default:
		message += ". It is valid until " + instant(ends.AsTime()) + "."
	}
	if c.Explanation.GetErrorCode() == noCertificate {
		finding = contradicts
	}
	return one(c.evidence(FairPlayCertificate, c.Site, finding,
		"%s The app must hold the same certificate.", message))
}

// noCertificate is the code of a site whose certificate the license server does not have.
const noCertificate = "7315"

// when returns a time of a vendor as people read it.
func when(t *timestamppb.Timestamp) string {
	if !t.IsValid() {
		return "a time that the vendor does not show"
	}
	return instant(t.AsTime())
}

// instant returns a time as people read it.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// span returns a duration as people read it: "6h", "10m" or "1h30m10s".
func span(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// timeOf returns the time of a second.
func timeOf(second int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: second} }
