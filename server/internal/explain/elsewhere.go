package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// person returns the MD5 of the user of the license request, or "" if the request names no single
// user.
func (c Case) person() string {
	person := strings.ToLower(c.License.GetUserIdMd5())
	if id := c.License.GetUserId(); id != "" {
		person = archive.Person(id)
	}
	if c.isNobody(person) {
		return ""
	}
	return person
}

// isNobody reports whether an MD5 is that of many people, or of nobody: that of an empty id, which
// NAVER Cloud shows for a license without a user, or that of the shared one.
func (c Case) isNobody(person string) bool {
	shared, shares := sharedUser[c.Vendor.Kind]
	return person == archive.Person("") || shares && person == archive.Person(shared)
}

// sharedUser is the user id under which a kind of vendor counts the requests without a user.
var sharedUser = map[string]string{"pallycon": "LICENSETOKEN"}

// elsewhere looks for licenses that the same user got on other devices and at other sites.
func (c Case) elsewhere(ctx context.Context) Found {
	if c.License.GetStatus() == pb.License_STATUS_UNSPECIFIED && c.License.GetUserId() == "" && c.person() == "" {
		return Found{} // The caller explains a code, and no license request.
	}
	if c.person() == "" {
		return c.unavailable(OtherDevices, c.archiveName(), apierror.Invalid("license.user_id", "names no single user"),
			"The license request names no single user, so that drmhub cannot look for the user's other requests.")
	}
	devices, err := c.otherDevices(ctx)
	if err != nil {
		devices = c.unavailable(OtherDevices, c.archiveName(), err, "drmhub cannot look for the user's other devices.")
	}
	sites, err := c.otherSites(ctx)
	if err != nil {
		sites = c.unavailable(OtherSites, "", err, "drmhub cannot look for the user at other sites.")
	}
	return Found{Evidence: append(devices.Evidence, sites.Evidence...)}
}

// got returns the question for the licenses that the user got in the period.
func (c Case) got(sites ...string) archive.Question {
	return archive.Question{Sites: sites, Within: c.period(), Person: c.person(), Status: pb.License_SUCCESS}
}

// issued returns the largest groups of the licenses that the user got in the period, and whether
// these are all.
func (c Case) issued(
	ctx context.Context, sites []string, by ...pb.SummarizeLicensesRequest_Dimension,
) (groups []archive.Group, all bool, err error) {
	groups, total, err := c.Archive.Summarize(ctx, c.got(sites...), archive.Grouping{
		By: by, Limit: 100, Order: []archive.Order{{By: archive.ByTotal, Desc: true}},
	})
	return groups, len(groups) == total, err
}

// devicesOf counts the licenses that the user got at the site, on the device of the license request
// and on others.
func (c Case) devicesOf(ctx context.Context) (here, elsewhere int64, err error) {
	q := c.got(c.Site)
	all, err := c.Archive.Count(ctx, q)
	if q.Device = c.License.GetDeviceId(); err == nil && q.Device != "" {
		here, err = c.Archive.Count(ctx, q)
	}
	return here, all - here, err
}

func (c Case) otherDevices(ctx context.Context) (Found, error) {
	here, elsewhere, err := c.devicesOf(ctx)
	if err != nil {
		return Found{}, err
	}
	groups, complete, err := c.issued(ctx, []string{c.Site}, byDevice, byModel)
	if err != nil {
		return Found{}, err
	}
	var models []string
	device := c.License.GetDeviceId()
	for _, g := range groups {
		if (device == "" || g.Keys[0] != device) && !slices.Contains(models, g.Keys[1]) {
			models = append(models, g.Keys[1])
		}
	}
	all := strings.Join(models, ", ")
	if !complete {
		all += " and others"
	}
	if device == "" && elsewhere > 0 { // One of these devices may be the one that failed.
		return one(c.evidence(OtherDevices, c.archiveName(), neutral,
			"In the same day at this site, the user got %s (%s). The license request names no device to compare with.",
			count(elsewhere, "license"), all)), nil
	}
	message := fmt.Sprintf("In the same day at this site, the user got %s on this device", count(here, "license"))
	if elsewhere > 0 {
		message += fmt.Sprintf(", and %s on other devices (%s)", count(elsewhere, "license"), all)
	} else {
		message += ", and none on other devices"
	}
	finding := neutral
	if elsewhere > 0 && here == 0 && c.Explanation.GetClass() == pb.Explanation_DEVICE_REVOKED {
		finding = confirms
	}
	return one(c.evidence(OtherDevices, c.archiveName(), finding, "%s.", message)), nil
}

func (c Case) otherSites(ctx context.Context) (Found, error) {
	known, err := c.Archive.Sites(ctx)
	if err != nil {
		return Found{}, err
	}
	var others []string
	for _, site := range known {
		if site.Name != c.Site && c.Sees(site.Name) {
			others = append(others, site.Name)
		}
	}
	if len(others) == 0 {
		return one(c.evidence(OtherSites, "", neutral,
			"The archive holds no other site that this caller may see.")), nil
	}
	groups, complete, err := c.issued(ctx, others, bySite)
	if err != nil {
		return Found{}, err
	}
	if len(groups) == 0 {
		return one(c.evidence(OtherSites, "", neutral, "In the same day, the user got no license at another site. "+
			"This caller may see %s.", count(int64(len(others)), "other site"))), nil
	}
	var found []string
	for _, g := range groups {
		found = append(found, fmt.Sprintf("%s at %s", count(g.Total, "license"), g.Keys[0]))
	}
	if !complete {
		found = append(found, "and others at more sites")
	}
	return one(c.evidence(OtherSites, "", neutral, "In the same day, the user got %s.", strings.Join(found, ", "))), nil
}
