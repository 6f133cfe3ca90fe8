package adaptertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Harness is one adapter at one vendor, or a twin of it, that the suite may do with as it likes. Every promise gets a fresh one, whose vendor
// holds nothing yet and is healthy.
//
// The adapter is to be made without a limit of calls a second. A function may be nil where the adapter has no capability that needs it; Run says
// which one is missing. The functions may be called by many goroutines at once, and while calls of the adapter are under way.
type Harness struct {
	// Adapter is the adapter under test.
	Adapter adapters.Adapter
	// Vendor is the id of the vendor account, as it stands in names: raw, not escaped.
	Vendor string
	// Secrets are all credentials that the adapter was made with. None may be seen in an error.
	Secrets []secret.Text
	// FailReads makes every read at the vendor fail in this way, until it is called again. Healthy ends it.
	FailReads func(Fault)

	// PutSites lets the vendor hold these sites too. They have a site_id, a display_name and enabled. For capabilities that concern sites.
	PutSites func(sites ...*pb.Site)
	// ShowSite is what the adapter must answer for a site of PutSites, or nil where this vendor cannot hold such a site (another form of id,
	// another length). It has a name; a field that it leaves empty is not compared, but for enabled.
	ShowSite func(site *pb.Site) *pb.Site

	// PutLicenses lets the vendor hold these rows of a site too, in the order in which they arrived: it is called while the rows are paged through,
	// with rows that are as new as the newest one held, or newer. The rows have every field but user_id_md5 and the vendor's own words, and
	// whole seconds. For capabilities that concern licences.
	PutLicenses func(siteID string, rows ...*pb.License)
	// ShowLicense is what the adapter must answer for a row of PutLicenses, field by field, or nil where this vendor cannot hold such a row.
	ShowLicense func(row *pb.License) *pb.License

	// Writes is how many writes have taken effect at the vendor: counted there, not by what the adapter says. For capabilities that write.
	Writes func() int
	// FailWrites makes the next n writes fail in this way. Reads go on as they are.
	FailWrites func(fault WriteFault, n int)
}

// Fault is a way in which a vendor fails. Wherever its answer has a text, the text is to hold the Harness's Secrets and a control character: a vendor
// may echo what it was sent.
type Fault int

const (
	// Healthy is no fault.
	Healthy Fault = iota
	// Down answers a server's error, or no connection is made.
	Down
	// Throttled says that there were too many calls, and that RetryAfter must pass.
	Throttled
	// ThrottledSilently says that there were too many calls, and not for how long.
	ThrottledSilently
	// CredentialsRejected says that it does not know the credentials.
	CredentialsRejected
	// PermissionDenied says that it knows the account, which may not make this call.
	PermissionDenied
	// Rejected says no with a code that nobody knows: inside HTTP 200, where the vendor does so.
	Rejected
	// Garbage answers success, and a body that no parser reads.
	Garbage
	// Stalled does not answer until the caller has gone.
	Stalled
)

// RetryAfter is what a vendor that is Throttled says. It is longer than any call may take, since nobody may sleep through it.
const RetryAfter = 7 * time.Second

// WriteFault is a way in which a vendor fails at a write.
type WriteFault int

const (
	// AnswerLost takes effect, and the connection is cut before the answer.
	AnswerLost WriteFault = iota
	// AnswerGarbled takes effect, and answers what no parser reads.
	AnswerGarbled
	// CutBeforeEffect receives the request, and cuts the connection before anything takes effect.
	CutBeforeEffect
	// Refused says no with a code that nobody knows, and nothing takes effect.
	Refused
)

// complete tells what the suite cannot do without.
func (h Harness) complete() error {
	var missing []error
	need := func(has bool, what string) {
		if !has {
			missing = append(missing, fmt.Errorf("the harness has no %s, which the adapter's capabilities need", what))
		}
	}
	if h.Adapter == nil {
		return errors.New("the harness has no Adapter")
	}
	licenses := has[adapters.LicenseLister](h.Adapter) || has[adapters.LicenseStreamer](h.Adapter)
	writes := has[adapters.SiteDisabler](h.Adapter)
	sites := licenses || writes || has[adapters.SiteLister](h.Adapter) || has[adapters.SiteGetter](h.Adapter)
	need(h.Vendor != "", "Vendor")
	need(len(h.Secrets) > 0, "Secrets")
	need(h.FailReads != nil, "FailReads")
	need(!sites || h.PutSites != nil && h.ShowSite != nil, "PutSites and ShowSite")
	need(!licenses || h.PutLicenses != nil && h.ShowLicense != nil, "PutLicenses and ShowLicense")
	need(!writes || h.Writes != nil && h.FailWrites != nil, "Writes and FailWrites")
	return errors.Join(missing...)
}
