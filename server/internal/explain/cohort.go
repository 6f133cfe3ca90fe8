package explain

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// The kinds of evidence that are read from the archive.
const (
	Cohort       = "COHORT"
	DeviceModel  = "DEVICE_MODEL"
	Content      = "CONTENT"
	Pattern      = "PATTERN"
	OtherDevices = "OTHER_DEVICES"
	OtherSites   = "OTHER_SITES"
)

const (
	hour = int64(time.Hour / time.Second)
	day  = 24 * hour
)

// The dimensions, under short names.
const (
	byUser    = pb.SummarizeLicensesRequest_USER
	byDevice  = pb.SummarizeLicensesRequest_DEVICE
	byModel   = pb.SummarizeLicensesRequest_DEVICE_MODEL
	byContent = pb.SummarizeLicensesRequest_CONTENT
	byDRM     = pb.SummarizeLicensesRequest_DRM_TYPE
	bySite    = pb.SummarizeLicensesRequest_SITE
)

// period returns the day that is counted. It ends now, or an hour after a license request that is
// older than a day.
func (c Case) period() archive.Span {
	end := c.Now.Unix() + 1
	if asked := c.License.GetCreateTime(); asked.IsValid() && asked.GetSeconds() < end-day {
		end = asked.GetSeconds() + hour
	}
	return archive.Span{From: end - day, To: end}
}

// lastHour returns the hour around the license request, or the last one.
func (c Case) lastHour() archive.Span {
	end := c.period().To
	if asked := c.License.GetCreateTime(); asked.IsValid() {
		end = min(end, max(asked.GetSeconds()+hour/2, end-day+hour))
	}
	return archive.Span{From: end - hour, To: end}
}

// within returns the question for all license requests of the site in a period.
func (c Case) within(s archive.Span) archive.Question {
	return archive.Question{Sites: []string{c.Site}, Within: s}
}

// same returns the question for the license requests that failed in the same way. Where the vendor
// shows no code, all failures are the same.
func (c Case) same(s archive.Span) archive.Question {
	q := c.within(s)
	q.Status, q.Code = pb.License_FAILURE, c.rowCode()
	return q
}

// rowCode returns the code as the archive holds it.
func (c Case) rowCode() string {
	if code := c.License.GetErrorCode(); code != "" {
		return code
	}
	return c.Explanation.GetErrorCode()
}

// failed names the failure in sentences.
func (c Case) failed() string {
	if c.coded() {
		return "failed with " + c.Explanation.GetErrorCode()
	}
	return "failed"
}

// archiveName returns the name of the site's archive.
func (c Case) archiveName() string { return c.Site + "/archive" }

// cohort counts who else has the failure, and since when.
func (c Case) cohort(ctx context.Context) Found {
	impact, err := c.impact(ctx)
	if err != nil {
		return c.unavailable(Cohort, c.archiveName(), err, "drmhub cannot count the failures in the archive.")
	}
	message, finding, err := c.judge(ctx, impact)
	if err != nil {
		return c.unavailable(Cohort, c.archiveName(), err, "drmhub cannot count the failures in the archive.")
	}
	gap, err := c.gap(ctx, c.period())
	if err != nil {
		return c.unavailable(Cohort, c.archiveName(), err, "drmhub cannot read how complete the archive is.")
	}
	found := one(c.evidence(Cohort, c.archiveName(), finding, "%s%s", message, gap))
	found.Impact = impact
	return found
}

// gap returns a sentence about what the archive lacks of a period, or an error if the archive holds
// nothing of the site.
func (c Case) gap(ctx context.Context, within archive.Span) (string, error) {
	site, err := c.Archive.Site(ctx, c.Site)
	if err != nil {
		return "", err
	}
	if site.Rows == 0 && len(site.Spans) == 0 && site.State.Head == 0 {
		return "", apierror.New(codes.FailedPrecondition, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
			"the archive has not read this site yet. GetArchive shows its state")
	}
	known, last := within.From, within.From // The archive holds all from the start of the period to known.
	for _, s := range site.Spans {
		if s.From <= known && s.To > known {
			known = s.To
		}
		last = s.To
	}
	switch head := site.State.Head; {
	case known == within.From && head > 0, known < min(last, within.To),
		known > within.From && max(known, head) < within.To-hour:
		return " The archive does not hold all of this day: GetArchive shows what it holds.", nil
	}
	return "", nil
}

// impact counts the failures of the period.
func (c Case) impact(ctx context.Context) (*pb.Explanation_Impact, error) {
	period := c.period()
	impact := &pb.Explanation_Impact{StartTime: timeOf(period.From), EndTime: timeOf(period.To)}
	all, err := c.total(ctx, c.within(period))
	if err != nil {
		return nil, err
	}
	same := c.same(period)
	failed, err := c.total(ctx, same)
	if err != nil {
		return nil, err
	}
	impact.LicenseCount, impact.FailureCount = int32(all.Total), int32(failed.Total)
	impact.UserCount, impact.DeviceCount = int32(failed.Users), int32(failed.Devices)
	if failed.Total == 0 {
		return impact, nil
	}
	for by, into := range map[pb.SummarizeLicensesRequest_Dimension]*int32{
		byModel: &impact.DeviceModelCount, byContent: &impact.ContentCount, byDRM: &impact.DrmTypeCount,
	} {
		if *into, err = c.distinct(ctx, same, by); err != nil {
			return nil, err
		}
	}
	first, err := c.first(ctx, same)
	impact.FirstFailureTime = timeOf(first)
	return impact, err
}

// total counts the rows that match.
func (c Case) total(ctx context.Context, q archive.Question) (archive.Group, error) {
	page, _, err := c.Archive.Summarize(ctx, q, archive.Grouping{Limit: 1})
	if err != nil || len(page) == 0 {
		return archive.Group{}, err
	}
	return page[0], nil
}

// distinct counts the values of a dimension. Rows without a value count none.
func (c Case) distinct(
	ctx context.Context, q archive.Question, by pb.SummarizeLicensesRequest_Dimension,
) (int32, error) {
	// The groups come by their keys, so that the one without a value is the first.
	grouping := archive.Grouping{By: []pb.SummarizeLicensesRequest_Dimension{by}, Limit: 1}
	page, total, err := c.Archive.Summarize(ctx, q, grouping)
	if err == nil && len(page) > 0 && page[0].Keys[0] == "" {
		total--
	}
	return int32(total), err
}

// first returns when the failure first came in the newest run of hours of which each has one.
func (c Case) first(ctx context.Context, q archive.Question) (int64, error) {
	hours, _, err := c.Archive.Summarize(ctx, q, archive.Grouping{
		Interval: pb.SummarizeLicensesRequest_HOUR, Limit: 26,
		Order: []archive.Order{{By: archive.ByStart, Desc: true}},
	})
	if err != nil || len(hours) == 0 {
		return 0, err
	}
	start := hours[0].Start
	for _, h := range hours[1:] {
		if h.Start != start-hour {
			break
		}
		start = h.Start
	}
	// No row is before low, and one is before high.
	low, high := max(start, q.Within.From), start+hour
	for high-low > 1 {
		middle := low + (high-low)/2
		q.Within = archive.Span{From: low, To: middle}
		switch n, err := c.Archive.Count(ctx, q); {
		case err != nil:
			return 0, err
		case n > 0:
			high = middle
		default:
			low = middle
		}
	}
	return low, nil
}

// judge says in words what the counts mean for the explanation.
func (c Case) judge(
	ctx context.Context, i *pb.Explanation_Impact,
) (string, pb.Explanation_Evidence_Finding, error) {
	if i.GetFailureCount() == 0 {
		return fmt.Sprintf("In the day until %s, none of %s at the site %s, as far as the archive holds them.",
			instant(i.GetEndTime().AsTime()), count(i.GetLicenseCount(), "license request"), c.failed()), neutral, nil
	}
	since := i.GetFirstFailureTime()
	message := fmt.Sprintf("In the day until %s, %d of %s at the site %s, in the newest run of hours since %s. "+
		"They came from %s with %s of %s, for %s, by %s.",
		instant(i.GetEndTime().AsTime()), i.GetFailureCount(), count(i.GetLicenseCount(), "license request"),
		c.failed(), instant(since.AsTime()), count(i.GetUserCount(), "user"), count(i.GetDeviceCount(), "device"),
		count(i.GetDeviceModelCount(), "device model"), count(i.GetContentCount(), "content"),
		count(i.GetDrmTypeCount(), "DRM system"))
	q, what, err := c.companions(ctx)
	if err != nil || what == "" {
		return message, neutral, err
	}
	q.Status, q.Within = pb.License_SUCCESS, archive.Span{From: since.GetSeconds(), To: i.GetEndTime().GetSeconds()}
	issued, err := c.Archive.Count(ctx, q)
	switch {
	case err != nil:
		return "", neutral, err
	case issued == 0:
		return message + " Since then, no license was issued " + what + ".", confirms, nil
	}
	finding := neutral
	switch c.Explanation.GetClass() {
	case pb.Explanation_SITE_STOPPED, pb.Explanation_CONTENT_NOT_PACKAGED:
		finding = contradicts
	default:
	}
	return fmt.Sprintf("%s Since then, %s issued %s.", message, wereLicenses(issued), what), finding, nil
}

// companions returns the question for the license requests that would fail, too, if the explanation
// is right, and names them. It names nothing where the explanation says nothing about others.
func (c Case) companions(ctx context.Context) (q archive.Question, what string, err error) {
	q = c.within(c.period())
	switch c.Explanation.GetClass() {
	case pb.Explanation_SITE_STOPPED:
		return q, "at the site", nil
	case pb.Explanation_FAIRPLAY_CREDENTIALS:
		q.DRM = pb.License_FAIRPLAY
		return q, "by FairPlay at the site", nil
	case pb.Explanation_CONTENT_NOT_PACKAGED:
		if q.Content, err = c.only(ctx, byContent, c.License.GetContentId()); q.Content != "" {
			return q, fmt.Sprintf("for content %q at the site", q.Content), err
		}
	case pb.Explanation_DEVICE_REVOKED:
		if q.Model, err = c.only(ctx, byModel, c.License.GetDeviceModel()); q.Model != "" {
			return q, fmt.Sprintf("to device model %q at the site", q.Model), err
		}
	default:
	}
	return q, "", err
}

// only returns the value of a dimension that the license request has. If the request names none, it
// returns the one that all failures of the period have, or "".
func (c Case) only(
	ctx context.Context, by pb.SummarizeLicensesRequest_Dimension, named string,
) (string, error) {
	if named != "" {
		return named, nil
	}
	grouping := archive.Grouping{By: []pb.SummarizeLicensesRequest_Dimension{by}, Limit: 1}
	page, total, err := c.Archive.Summarize(ctx, c.same(c.period()), grouping)
	if err != nil || total != 1 {
		return "", err
	}
	return page[0].Keys[0], nil
}

// count returns a number with its noun.
func count[N int32 | int64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, strings.TrimSpace(noun))
}

func wereLicenses(n int64) string {
	if n == 1 {
		return "1 license was"
	}
	return fmt.Sprintf("%d licenses were", n)
}
