package adaptertest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Harness is one adapter at one vendor, or a twin of it, that the suite may do with as it likes.
// Every promise gets a fresh one, whose vendor holds nothing yet and is healthy.
//
// The adapter is to be made without a limit of calls a second. A function may be nil where the
// adapter has no capability that needs it; Run says which one is missing. The functions may be
// called by many goroutines at once, and while calls of the adapter are under way.
type Harness struct {
	// Adapter is the adapter under test.
	Adapter adapters.Adapter
	// Vendor is the id of the vendor account, as it stands in names: raw, not escaped.
	Vendor string
	// Secrets are all credentials that the adapter was made with. None may be seen in an error.
	Secrets []secret.Text
	// FailReads makes every read at the vendor fail in this way, until it is called again. Healthy
	// ends it.
	FailReads func(Fault)

	// PutSites lets the vendor hold these sites too. They have a site_id, a display_name and
	// enabled. For capabilities that concern sites.
	PutSites func(sites ...*pb.Site)
	// ShowSite is what the adapter must answer for a site of PutSites, or nil where this vendor
	// cannot hold such a site (another form of id, another length). It has a name; a field that it
	// leaves empty is not compared, but for enabled.
	ShowSite func(site *pb.Site) *pb.Site
	// SiteUpdates are values that UpdateSite can give any site at this vendor, and no site of
	// PutSites has: two for each field that it can change ("display_name", "policy_id"). For
	// capabilities that update sites.
	SiteUpdates map[string][]string

	// Approve lets the vendor approve the change of a site's DRM that waits for it. For
	// capabilities that cancel status changes.
	Approve func(siteID string)

	// PutSiteOrders lets the vendor hold these orders too, in the order in which they arrived. They
	// have a display_name and a create_time; most have an account_id, a state, an update_time and,
	// where they are approved, a site. The vendor gives the names. For capabilities that list site
	// orders.
	PutSiteOrders func(orders ...*pb.SiteOrder)
	// ShowSiteOrder is what the adapter must answer for an order of PutSiteOrders, field by field
	// but without its name, or nil where this vendor cannot hold such an order.
	ShowSiteOrder func(order *pb.SiteOrder) *pb.SiteOrder

	// Integration is the integration of a site of PutSites as the vendor has it now: what
	// GetIntegration must answer with view FULL. For capabilities that concern integrations.
	Integration func(siteID string) *pb.Integration

	// PutMembers lets the vendor hold these members too, in the order in which they arrived. They
	// have an email, a group, a state and a create_date. The vendor gives the names. For
	// capabilities that concern members.
	PutMembers func(members ...*pb.Member)
	// ShowMember is what the adapter must answer for a member of PutMembers, field by field but
	// without its name, or nil where this vendor cannot hold such a member.
	ShowMember func(member *pb.Member) *pb.Member

	// Customers are the ids of customers to whom DRM accounts can belong, two where the vendor can
	// hold two. The first one is the adapter's own: a list that names no customer is of its
	// accounts, and an account that is created for no customer is its. For capabilities that
	// concern DRM accounts.
	Customers []string
	// PutDrmAccounts lets the vendor hold these accounts too, in the order in which they came. They
	// have a customer of Customers, a username, a password, a create_time in whole seconds, and
	// names that are made of their usernames. Some have up to three devices, whose ids are 24
	// hexadecimal digits, and which were bound so long ago that the vendor lets go of them. For
	// capabilities that concern DRM accounts.
	PutDrmAccounts func(accounts ...*pb.DrmAccount)
	// ShowDrmAccount is what the adapter must answer with view FULL for an account of
	// PutDrmAccounts, field by field, or nil where this vendor cannot hold such an account. Where
	// an account is answered alone, the customer may be left out all the same: not every vendor
	// tells it there.
	ShowDrmAccount func(account *pb.DrmAccount) *pb.DrmAccount
	// BindDevice binds a device to an account of PutDrmAccounts at this moment, so that the vendor
	// lets go of it only where it is forced to, which the adapter's account may do. It is nil where
	// the vendor lets go of every device at once.
	BindDevice func(username string, device *pb.DrmAccountDevice)

	// PutProducts lets the vendor hold these products too, in the order in which they came. They
	// have a name, a display_name, a description and a price. For capabilities that concern
	// products and product licenses.
	PutProducts func(products ...*pb.Product)
	// ShowProduct is what the adapter must answer for a product of PutProducts, field by field, or
	// nil where this vendor cannot hold such a product: another form of id. It is asked about
	// products that the adapter changed too, and, without a name, about those that it created.
	ShowProduct func(product *pb.Product) *pb.Product
	// PutProductLicenses lets the vendor hold these product licenses too, in the order in which
	// they came. They have a name, a user, a product of PutProducts, a status, a start_time, an
	// order_id, a renewal that says whether it recurs, and, where it does, when its period ends (in
	// days to come), and a purchase with a price and a time; some have a stop_time. Times are whole
	// seconds. One may have a vendor_status that nobody knows in the place of a status. For
	// capabilities that concern product licenses.
	PutProductLicenses func(licenses ...*pb.ProductLicense)
	// ShowProductLicense is what the adapter must answer for a product license of
	// PutProductLicenses, field by field, or nil where this vendor cannot hold such a one: another
	// form of id, of user, no such status. Whether it is playable, the suite works out from what is
	// answered here.
	ShowProductLicense func(license *pb.ProductLicense) *pb.ProductLicense

	// PutLicenses lets the vendor hold these rows of a site too, in the order in which they
	// arrived: it is called while the rows are paged through, with rows that are as new as the
	// newest one held, or newer. The rows have every field but user_id_md5 and the vendor's own
	// words, and whole seconds. For capabilities that concern licenses.
	PutLicenses func(siteID string, rows ...*pb.License)
	// ShowLicense is what the adapter must answer for a row of PutLicenses, field by field, or nil
	// where this vendor cannot hold such a row.
	ShowLicense func(row *pb.License) *pb.License
	// PutPackagings lets the vendor hold these packagings of a site too. They have a content_id,
	// the track HD, a create_time and an update_time in whole seconds, and come later than those
	// held, or in the same second. For capabilities that concern packagings.
	PutPackagings func(siteID string, packagings ...*pb.Packaging)
	// ShowUsage is what the adapter must answer for the usage of a day, of which PutLicenses is
	// going to put all licenses; or nil where this vendor cannot tell the usage of that day. For
	// capabilities that tell the usage.
	ShowUsage func(usage *pb.Usage) *pb.Usage

	// Writes is how many writes have taken effect at the vendor: counted there, not by what the
	// adapter says. A request that changes three things counts as three. For capabilities that
	// write.
	Writes func() int
	// FailWrites makes the next n writes fail in this way. Reads go on as they are.
	FailWrites func(fault WriteFault, n int)
	// FailWritesInTurn makes the next writes fail in these ways, one after the other, whatever
	// calls of the vendor they are; Unharmed lets one pass. For capabilities that make several
	// writes, one upon the other: those that replace product licenses.
	FailWritesInTurn func(faults ...WriteFault)
}

// Fault is a way in which a vendor fails. Wherever its answer has a text, the text is to hold the
// Harness's Secrets and a control character: a vendor may echo what it was sent.
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

// RetryAfter is what a vendor that is Throttled says. It is longer than any call may take, since
// nobody may sleep through it.
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
	// Unharmed is no fault. It stands in FailWritesInTurn alone.
	Unharmed
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
	licenses := has[adapters.LicenseLister](h.Adapter) || has[adapters.LicenseStreamer](h.Adapter) || reporting(h.Adapter)
	writing := slices.ContainsFunc(writes, func(w write) bool { return w.needs[0].Has(h.Adapter) })
	integrations := has[adapters.IntegrationGetter](h.Adapter) || has[adapters.IntegrationUpdater](h.Adapter)
	changing := has[adapters.SiteDisabler](h.Adapter) || has[adapters.SiteEnabler](h.Adapter) || has[adapters.TrialExtender](h.Adapter)
	sites := licenses || integrations || changing || has[adapters.StatusChangeLister](h.Adapter) || has[adapters.FairPlayCertificateRegistrar](h.Adapter) ||
		has[adapters.PackagingLister](h.Adapter) ||
		has[adapters.SiteLister](h.Adapter) || has[adapters.SiteGetter](h.Adapter) || has[adapters.SiteUpdater](h.Adapter)
	members := has[adapters.MemberLister](h.Adapter) || has[adapters.MemberUpdater](h.Adapter) || has[adapters.MemberPasswordResetter](h.Adapter)
	need(h.Vendor != "", "Vendor")
	need(len(h.Secrets) > 0, "Secrets")
	need(h.FailReads != nil, "FailReads")
	need(!sites || h.PutSites != nil && h.ShowSite != nil, "PutSites and ShowSite")
	need(!licenses || h.PutLicenses != nil && h.ShowLicense != nil, "PutLicenses and ShowLicense")
	need(!has[adapters.PackagingLister](h.Adapter) || h.PutPackagings != nil, "PutPackagings")
	need(!has[adapters.UsageGetter](h.Adapter) || h.ShowUsage != nil, "ShowUsage")
	need(!has[adapters.StatusChangeCanceller](h.Adapter) || h.Approve != nil, "Approve")
	need(!has[adapters.SiteOrderLister](h.Adapter) || h.PutSiteOrders != nil && h.ShowSiteOrder != nil, "PutSiteOrders and ShowSiteOrder")
	need(!integrations || h.Integration != nil, "Integration")
	need(!has[adapters.SiteUpdater](h.Adapter) || len(h.SiteUpdates) > 0, "SiteUpdates")
	need(!accounting(h.Adapter) || len(h.Customers) > 0 && h.PutDrmAccounts != nil && h.ShowDrmAccount != nil, "Customers, PutDrmAccounts and ShowDrmAccount")
	need(!selling(h.Adapter) || h.PutProducts != nil && h.ShowProduct != nil, "PutProducts and ShowProduct")
	need(!licensing(h.Adapter) || h.PutProductLicenses != nil && h.ShowProductLicense != nil, "PutProductLicenses and ShowProductLicense")
	need(!has[adapters.ProductLicenseReplacer](h.Adapter) || h.FailWritesInTurn != nil, "FailWritesInTurn")
	need(!members || h.PutMembers != nil && h.ShowMember != nil, "PutMembers and ShowMember")
	need(!writing || h.Writes != nil && h.FailWrites != nil, "Writes and FailWrites")
	return errors.Join(missing...)
}
