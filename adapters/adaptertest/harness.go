package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Harness is one adapter at one vendor, or a twin of it, that the suite may change as it likes.
// Every promise gets a fresh harness, whose vendor holds nothing yet and is healthy.
//
// The first four fields are required. The others are parts by capability. A part is nil if the
// adapter has no capability that needs it; Run says which part is missing. Make the adapter without
// a limit of calls a second. Many goroutines may call the functions at once, and during calls of
// the adapter.
type Harness struct {
	// Adapter is the adapter under test.
	Adapter adapters.Adapter
	// Vendor is the id of the vendor account in names, without escapes. It has a slash, so that the
	// suite sees whether names escape it.
	Vendor string
	// Secrets are all credentials of the adapter. No error may show them.
	Secrets []secret.Text
	// FailReads makes every read at the vendor fail in this way until the next call. Healthy ends
	// it.
	FailReads func(Fault)
	// Faults are those of the vendor's twin, and nil for another vendor. The suite orders none of
	// them. A test may order some first, and so run the suite against a vendor that differs.
	Faults *twin.Faults

	// Sites holds sites with a site_id, a display_name and enabled. A field that Show leaves empty
	// is not compared, except for enabled. Show sets state, and the vendor's word for it, if the
	// vendor shows a state: the one that it shows for a site that is on, or off.
	Sites *Resource[*pb.Site]
	// SiteUpdates are values that UpdateSite can give any site at this vendor, and that no site of
	// the suite has: two for each field that it can change ("display_name", "policy_id").
	SiteUpdates map[string][]string
	// Approve makes the vendor approve the change of a site's DRM that waits for it.
	Approve func(siteID string)
	// SiteOrders holds orders with a display_name and a create_time. Most have an account_id, a
	// state, an update_time and, if they are approved, a site. The vendor makes their names, and
	// Show leaves them out.
	SiteOrders *Resource[*pb.SiteOrder]
	// Integration returns what GetIntegration must return for a site now, with view FULL.
	Integration func(siteID string) *pb.Integration
	// Members holds members with an email, a group, a state and a create_date. The vendor makes
	// their names, and Show leaves them out.
	Members *Resource[*pb.Member]
	// DrmAccounts holds DRM accounts of the vendor's customers.
	DrmAccounts *DrmAccounts
	// Products holds products with a name, a display_name, a description and a price. The suite
	// also calls Show with products that the adapter changed and, without a name, created.
	Products *Resource[*pb.Product]
	// ProductLicenses holds product licenses with a name, a user, a product of Products, a status,
	// a start_time, an order_id, a renewal and a purchase with a price and a time. Some have a
	// stop_time. A renewal that recurs says when its period ends, in days to come. One may have an
	// unknown vendor_status in the place of a status. Times are whole seconds. The suite works out
	// from Show whether a license is playable.
	ProductLicenses *Resource[*pb.ProductLicense]
	// Licenses holds rows of the license history.
	Licenses *Licenses
	// PutPackagings adds packagings of a site. They have a content_id, the track HD, a create_time
	// and an update_time in whole seconds. They are as new as those before, or newer.
	PutPackagings func(siteID string, packagings ...*pb.Packaging)
	// ShowUsage returns what the adapter must return for the usage of a day, of which the suite
	// adds all licenses. It returns nil if this vendor cannot show the usage of that day.
	ShowUsage func(usage *pb.Usage) *pb.Usage
	// Writes counts writes and makes them fail.
	Writes *Writes

	// around runs in the place of each call of the adapter. Only the suite's own tests set it.
	around func(ctx context.Context, req proto.Message, call caller) (proto.Message, error)
}

// A caller makes the call that a request is for.
type caller = func(context.Context, proto.Message) (proto.Message, error)

// Resource is how the suite puts one kind of thing into the vendor.
type Resource[M proto.Message] struct {
	// Put adds these things at the vendor, in this order.
	Put func(...M)
	// Show returns what the adapter must return for a thing of Put, field by field. It returns nil
	// if this vendor cannot hold such a thing, for instance because its ids have another form.
	Show func(M) M
}

func (r *Resource[M]) whole() bool { return r != nil && r.Put != nil && r.Show != nil }

// Licenses is how the suite puts rows of the license history into the vendor.
type Licenses struct {
	// Put adds rows of a site in the order in which they arrive, also while the rows are paged
	// through. They are as new as the newest row before, or newer. They have every field except
	// user_id_md5 and the vendor's own words, and whole seconds.
	Put func(siteID string, rows ...*pb.License)
	// Show returns what the adapter must return for a row of Put, field by field. It returns nil if
	// this vendor cannot hold such a row.
	Show func(row *pb.License) *pb.License
}

// DrmAccounts is how the suite puts DRM accounts into the vendor. The accounts have a customer of
// Customers, a username, a password, a create_time in whole seconds, and names that are made of
// their usernames. Some have up to three devices, whose ids are 24 hexadecimal digits. The vendor
// releases these devices on request. Show returns an account with view FULL. An account that is
// returned alone may lack the customer, because some vendors do not show it there.
type DrmAccounts struct {
	Resource[*pb.DrmAccount]
	// Customers are the ids of customers, two if the vendor can have two. The first one is the
	// adapter's own, and the default of lists and creations.
	Customers []string
	// BindDevice binds a device to an account now, so that the vendor releases it only by force,
	// which the adapter's account may use. It is nil if the vendor releases every device at once.
	BindDevice func(username string, device *pb.DrmAccountDevice)
}

func (d *DrmAccounts) whole() bool { return d != nil && d.Resource.whole() && len(d.Customers) > 0 }

// Writes counts writes at the vendor and makes them fail.
type Writes struct {
	// Count returns how many writes have taken effect. The vendor counts them, not the adapter. A
	// request that changes three things counts as three.
	Count func() int
	// Fail makes the next n writes fail in this way. Reads go on as they are.
	Fail func(fault WriteFault, n int)
	// FailInTurn makes the next writes fail in these ways, one after the other, whatever calls of
	// the vendor they are. Unharmed lets one pass. Only adapters that replace product licenses
	// need it.
	FailInTurn func(faults ...WriteFault)
}

// A Fault is a way in which a vendor fails. If its response has a text, the text must hold the
// Harness's Secrets and a control character, because a vendor may echo what it was sent.
type Fault int

const (
	// Healthy is no fault.
	Healthy Fault = iota
	// Down returns a server's error, or refuses the connection.
	Down
	// Throttled says that there were too many calls, and that RetryAfter must pass.
	Throttled
	// ThrottledSilently says that there were too many calls, and not for how long.
	ThrottledSilently
	// CredentialsRejected says that the credentials are wrong.
	CredentialsRejected
	// PermissionDenied says that the account may not make this call.
	PermissionDenied
	// Rejected refuses with an unknown code, inside HTTP 200 if the vendor does so.
	Rejected
	// Garbage returns success, and a body that no parser reads.
	Garbage
	// Misrouted returns HTTP 404 in the form of a proxy that has no route to the vendor.
	Misrouted
	// Stalled does not respond until the caller has gone.
	Stalled
	// TimedOut returns HTTP 408 in the form of a proxy that waited for the vendor.
	TimedOut
	// ForeignSuccess returns HTTP 200 with JSON that another program wrote: {"status":"ok"}.
	ForeignSuccess
	// EmptyObject returns HTTP 200 with the JSON {}.
	EmptyObject
	// EmptyList returns HTTP 200 with the JSON []. Where that is the vendor's own empty list, it
	// returns something else.
	EmptyList
	// EmptyBody returns HTTP 200 without a body.
	EmptyBody
)

// successes are the successes that do not come from the vendor.
var successes = []Fault{Garbage, ForeignSuccess, EmptyObject, EmptyList, EmptyBody}

// RetryAfter is the time that a vendor that is Throttled asks for. It is longer than any call may
// take, because no call may wait for it.
const RetryAfter = 7 * time.Second

// A WriteFault is a way in which a vendor fails a write.
type WriteFault int

const (
	// AnswerLost takes effect, and cuts the connection before the response.
	AnswerLost WriteFault = iota
	// AnswerGarbled takes effect, and returns what no parser reads.
	AnswerGarbled
	// CutBeforeEffect receives the request, and cuts the connection before anything takes effect.
	CutBeforeEffect
	// Refused refuses with an unknown code, and nothing takes effect.
	Refused
	// RefusedAfterEffect takes effect, and refuses with an unknown code.
	RefusedAfterEffect
	// MisroutedWrite returns HTTP 404 in the form of a proxy, and nothing takes effect.
	MisroutedWrite
	// ForeignSuccessOfWrite returns HTTP 200 with {"status":"ok"}, and nothing takes effect.
	ForeignSuccessOfWrite
	// Unharmed is no fault. It is for FailInTurn alone.
	Unharmed
)

// part is a part of a harness, and the capabilities that need it.
type part struct {
	name    string
	missing func(Harness) bool
	forAny  []string
}

// parts returns all parts of a harness.
func parts() []part {
	var writing []string
	for _, w := range writes {
		writing = append(writing, w.needs[0])
	}
	licenses := append(needs("ListLicenses", "StreamLicenses"), reportCapabilities...)
	integrations := needs("GetIntegration", "UpdateIntegration")
	sites := slices.Concat(licenses, integrations, needs("ListSites", "GetSite", "UpdateSite", "DisableSite",
		"EnableSite", "ExtendTrial", "ListStatusChanges", "GetFairPlayCertificate", "RegisterFairPlayCertificate",
		"ListPackagings"))
	products := slices.Concat(productCapabilities, productLicenseCapabilities)
	return []part{
		{"Sites", func(h Harness) bool { return !h.Sites.whole() }, sites},
		{"SiteUpdates", func(h Harness) bool { return len(h.SiteUpdates) == 0 }, needs("UpdateSite")},
		{"Approve", func(h Harness) bool { return h.Approve == nil }, needs("CancelStatusChange")},
		{"SiteOrders", func(h Harness) bool { return !h.SiteOrders.whole() }, needs("ListSiteOrders")},
		{"Integration", func(h Harness) bool { return h.Integration == nil }, integrations},
		{"Members", func(h Harness) bool { return !h.Members.whole() },
			needs("ListMembers", "UpdateMember", "ResetMemberPassword")},
		{"DrmAccounts", func(h Harness) bool { return !h.DrmAccounts.whole() }, drmAccountCapabilities},
		{"Products", func(h Harness) bool { return !h.Products.whole() }, products},
		{"ProductLicenses", func(h Harness) bool { return !h.ProductLicenses.whole() }, productLicenseCapabilities},
		{"Licenses", func(h Harness) bool {
			return h.Licenses == nil || h.Licenses.Put == nil || h.Licenses.Show == nil
		}, licenses},
		{"PutPackagings", func(h Harness) bool { return h.PutPackagings == nil }, needs("ListPackagings")},
		{"ShowUsage", func(h Harness) bool { return h.ShowUsage == nil }, needs("GetUsage")},
		{"Writes", func(h Harness) bool {
			return h.Writes == nil || h.Writes.Count == nil || h.Writes.Fail == nil
		}, writing},
		{"Writes.FailInTurn", func(h Harness) bool { return h.Writes == nil || h.Writes.FailInTurn == nil },
			needs("ReplaceProductLicense")},
	}
}

// check returns an error that names what the harness lacks.
func (h Harness) check() error {
	if h.Adapter == nil || h.Vendor == "" || len(h.Secrets) == 0 || h.FailReads == nil {
		return errors.New("the harness needs Adapter, Vendor, Secrets and FailReads; set them")
	}
	if !strings.Contains(h.Vendor, "/") {
		return fmt.Errorf("the vendor id %q has no slash, so the suite cannot see whether names escape it; "+
			"use one such as \"ncp/kr\"", h.Vendor)
	}
	var missing []error
	for _, p := range parts() {
		if p.missing(h) && hasAny(h.Adapter, p.forAny) {
			missing = append(missing,
				fmt.Errorf("the harness has no %s, which the adapter's capabilities need; set it", p.name))
		}
	}
	return errors.Join(missing...)
}
