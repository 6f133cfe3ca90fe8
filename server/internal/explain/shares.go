package explain

import (
	"context"
	"fmt"
	"math"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A share compares the license requests with one value of a dimension with all others of the site.
type share struct {
	value               string
	failed, all         int64 // with the value
	othersFailed, other int64
	users               int64 // with the value, that failed
}

// share counts the license requests of a period with the value of a dimension, and the others.
func (c Case) share(
	ctx context.Context, within archive.Span, by pb.SummarizeLicensesRequest_Dimension, value string,
) (share, error) {
	s := share{value: value}
	all, same := c.within(within), c.same(within)
	everyone, err := c.Archive.Count(ctx, all)
	if err != nil {
		return s, err
	}
	failures, err := c.Archive.Count(ctx, same)
	if err != nil {
		return s, err
	}
	choose(&all, by, value)
	choose(&same, by, value)
	if s.all, err = c.Archive.Count(ctx, all); err != nil {
		return s, err
	}
	group, err := c.total(ctx, same)
	s.failed, s.users = group.Total, group.Users
	s.othersFailed, s.other = failures-s.failed, everyone-s.all
	return s, err
}

// choose adds the condition that a dimension has a value.
func choose(q *archive.Question, by pb.SummarizeLicensesRequest_Dimension, value string) {
	switch by {
	case byModel:
		q.Model = value
	case byContent:
		q.Content = value
	case byDevice:
		q.Device = value
	case byUser:
		q.Person = value
	case byDRM:
		q.DRM = pb.License_DrmType(pb.License_DrmType_value[value])
	default:
	}
}

// alone reports whether those with the value fail, and the others do not.
func (s share) alone() bool {
	return s.failed >= 3 && 5*s.failed >= 4*s.all && s.other >= 3 && 5*s.othersFailed <= s.other
}

// sharesOfHour compares the device model and the content of the license request with the others of
// the hour. Without a license request, it compares those that all failures have.
func (c Case) sharesOfHour(ctx context.Context) Found {
	found := Found{}
	model, content := c.License.GetDeviceModel(), c.License.GetContentId()
	for _, d := range []struct {
		kind, noun, others, named string
		by                        pb.SummarizeLicensesRequest_Dimension
		class                     pb.Explanation_Class
	}{
		{DeviceModel, "device model", "other models", model, byModel, pb.Explanation_DEVICE_REVOKED},
		{Content, "content", "other contents", content, byContent, pb.Explanation_CONTENT_NOT_PACKAGED},
	} {
		value, err := c.only(ctx, d.by, d.named)
		if err == nil && value == "" {
			continue
		}
		var s share
		within, what := c.lastHour(), "hour"
		if err == nil {
			s, err = c.share(ctx, within, d.by, value)
		}
		if err == nil && s.all == 0 { // The hour says nothing.
			within, what = c.period(), "day"
			s, err = c.share(ctx, within, d.by, value)
		}
		if err != nil {
			failed := c.unavailable(d.kind, c.archiveName(), err, "drmhub cannot count the failures by %s.", d.noun)
			found.Evidence = append(found.Evidence, failed.Evidence...)
			continue
		}
		finding := neutral
		if s.failed > 0 && s.failed == s.all && s.othersFailed == 0 && c.Explanation.GetClass() == d.class {
			finding = confirms
		}
		found.Evidence = append(found.Evidence, c.evidence(d.kind, c.archiveName(), finding,
			"In the %s until %s, %d of %s with %s %q %s, and %d of %s with %s.",
			what, instant(timeOf(within.To).AsTime()), s.failed, count(s.all, "license request"), d.noun, value,
			c.failed(), s.othersFailed, count(s.other, "request"), d.others))
	}
	return found
}

// A suspect is what a pattern of failures without a code can point at.
type suspect struct {
	by    pb.SummarizeLicensesRequest_Dimension
	noun  string
	value func(Case) string
	// people is how many users must fail, so that not the user is the cause.
	people   int64
	inferred *pb.Explanation
}

// fairPlay is the suspect DRM system whose settings change: its certificate is replaced.
var fairPlay = &pb.Explanation{
	Class: pb.Explanation_FAIRPLAY_CREDENTIALS, Owner: pb.Explanation_OPERATOR, Retryable: pb.Explanation_NO,
	Fixes: []string{
		"The operator checks the FairPlay certificate and its key at the site, and the integrator the one in the app.",
		"If they are right, the operator opens a ticket at the vendor.",
	},
}

// suspects begin with those that concern most viewers.
var suspects = []suspect{
	{byDRM, "DRM system", func(c Case) string { return known(c.License.GetDrmType()) }, 2, &pb.Explanation{
		Class: pb.Explanation_UNKNOWN, Owner: pb.Explanation_OPERATOR, Retryable: pb.Explanation_NO,
		Fixes: []string{
			"The operator checks the settings of this DRM system at the site.",
			"If the settings are right, the operator opens a ticket at the vendor.",
		},
	}},
	{byContent, "content", func(c Case) string { return c.License.GetContentId() }, 2, &pb.Explanation{
		Class: pb.Explanation_CONTENT_NOT_PACKAGED, Owner: pb.Explanation_INTEGRATOR, Retryable: pb.Explanation_NO,
		Fixes: []string{
			"The integrator checks that the content was packaged for this site, under the same content id.",
		},
	}},
	{byModel, "device model", func(c Case) string { return c.License.GetDeviceModel() }, 2, &pb.Explanation{
		Class: pb.Explanation_UNKNOWN, Owner: pb.Explanation_INTEGRATOR, Retryable: pb.Explanation_NO,
		Fixes: []string{
			"The integrator checks the app on this device model: what changed there when the failures began.",
			"The viewer updates the device. Its certificate may be revoked.",
		},
	}},
	{byUser, "user", Case.person, 1, &pb.Explanation{
		Class: pb.Explanation_UNKNOWN, Owner: pb.Explanation_INTEGRATOR, Retryable: pb.Explanation_NEW_REQUEST,
		Fixes: []string{
			"The integrator checks the rights of this user, and the token that the back end makes for the user.",
		},
	}},
	{byDevice, "device", func(c Case) string { return c.License.GetDeviceId() }, 0, &pb.Explanation{
		Class: pb.Explanation_UNKNOWN, Owner: pb.Explanation_VIEWER, Retryable: pb.Explanation_NEW_REQUEST,
		Fixes: []string{"The viewer starts the app and the device again, and updates both."},
	}},
}

func known(drm pb.License_DrmType) string {
	if drm == pb.License_DRM_TYPE_UNSPECIFIED {
		return ""
	}
	return drm.String()
}

// pattern looks for what failures without a code have in common: in the hour of the license
// request, and then in the day.
func (c Case) pattern(ctx context.Context) Found {
	for _, within := range []archive.Span{c.lastHour(), c.period()} {
		found, err := c.patternWithin(ctx, within)
		if err != nil {
			return c.unavailable(Pattern, c.archiveName(), err, "drmhub cannot compare the failures in the archive.")
		}
		if found != nil {
			return *found
		}
	}
	return one(c.evidence(Pattern, c.archiveName(), neutral, "The failures have nothing in common that other license "+
		"requests lack, as far as the archive holds them."))
}

func (c Case) patternWithin(ctx context.Context, within archive.Span) (*Found, error) {
	all, err := c.total(ctx, c.within(within))
	if err != nil {
		return nil, err
	}
	same, err := c.total(ctx, c.same(within))
	if err != nil {
		return nil, err
	}
	until := fmt.Sprintf("From %s to %s", instant(timeOf(within.From).AsTime()), instant(timeOf(within.To).AsTime()))
	if same.Total >= 5 && same.Users >= 2 && 5*same.Total >= 4*all.Total {
		return c.inferred(fmt.Sprintf("%s, %d of %s at the site failed, of %s.", until, same.Total,
			count(all.Total, "license request"), count(same.Users, "user")), "site", everybody), nil
	}
	for _, d := range suspects {
		value, err := c.suspected(ctx, d)
		if err != nil {
			return nil, err
		}
		if value == "" {
			continue
		}
		s, err := c.share(ctx, within, d.by, value)
		if err != nil {
			return nil, err
		}
		inferred := d.inferred
		if value == pb.License_FAIRPLAY.String() && d.by == byDRM {
			inferred = fairPlay
		}
		if s.alone() && s.users >= d.people {
			return c.inferred(fmt.Sprintf("%s, %d of %s with this %s (%s) failed, and %d of %s without it.", until,
				s.failed, count(s.all, "license request"), d.noun, value, s.othersFailed, count(s.other, "request")),
				d.noun, inferred), nil
		}
	}
	return nil, nil
}

// suspected returns the value of the license request for a suspect. Without a license request, it
// returns the one that all failures of the period have, or "".
func (c Case) suspected(ctx context.Context, d suspect) (string, error) {
	value := d.value(c)
	if value != "" || c.License.GetStatus() != pb.License_STATUS_UNSPECIFIED {
		return value, nil
	}
	value, err := c.only(ctx, d.by, "")
	if err != nil || value == "" || d.by != byUser {
		return value, err
	}
	// A user is counted by the MD5 of the id, and value may be the id.
	failures, err := c.Archive.Search(ctx, c.same(c.period()), archive.Key(math.MaxInt64), 1)
	if err != nil || len(failures) == 0 || c.isNobody(failures[0].Person()) {
		return "", err
	}
	return failures[0].Person(), nil
}

// everybody is the explanation of failures of all users.
var everybody = &pb.Explanation{
	Class: pb.Explanation_UNKNOWN, Owner: pb.Explanation_OPERATOR, Retryable: pb.Explanation_YES,
	Fixes: []string{
		"The operator checks the state of the site with GetSite, and what changed when the failures began.",
		"If nothing changed, the operator opens a ticket at the vendor: it may be an outage.",
	},
}

// inferred returns what a pattern found, with the explanation that it suggests.
func (c Case) inferred(message, noun string, inferred *pb.Explanation) *Found {
	found := one(c.evidence(Pattern, c.archiveName(), neutral, "%s", message))
	found.Inferred = &pb.Explanation{
		Class: inferred.GetClass(), Owner: inferred.GetOwner(), Retryable: inferred.GetRetryable(),
		Fixes: inferred.GetFixes(),
		Meaning: "The failures point at the " + noun + ": " + message +
			" drmhub infers this from other license requests.",
	}
	return &found
}
