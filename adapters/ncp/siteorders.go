package ncp

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/fairplay"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// fairPlayCert is the optional part of POST /sites. All but certFile are secrets.
type fairPlayCert struct {
	CertFile               string `json:"certFile"`
	PrivateKey             string `json:"privateKey"`
	PrivateEncryptedString string `json:"privateEncryptedString,omitempty"`
	SecretKey              string `json:"secretKey"`
}

// orderStates are the states of an order by those of its site. The vendor creates the site within
// 24 hours.
var orderStates = map[pb.Site_State]pb.SiteOrder_State{
	pb.Site_CREATING: pb.SiteOrder_PENDING,
	pb.Site_READY:    pb.SiteOrder_APPROVED,
	pb.Site_RUNNING:  pb.SiteOrder_APPROVED,
	pb.Site_DELETED:  pb.SiteOrder_APPROVED,
}

// CreateSiteOrder is POST /sites. The vendor creates the site later. EnableSite then switches it
// on.
//
// A lost request is read back from the list: if it arrived, the list has a new site of that name
// and policy.
func (a *Adapter) CreateSiteOrder(ctx context.Context, req *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error) {
	order := req.GetSiteOrder()
	form, err := orderForm(order)
	if err != nil {
		return nil, err
	}
	before, err := mutation.SnapshotNames(ctx, "before", func(ctx context.Context) ([]*pb.SiteOrder, error) {
		// The keys are checked here, because a settling run does not have them.
		if err := checkKeys(order.GetFairplayCertificate()); err != nil {
			return nil, err
		}
		return a.siteOrders(ctx)
	})
	if err != nil {
		return nil, err
	}
	create := mutation.Create[*pb.SiteOrder]{
		Step: "order", Before: before,
		List: func(ctx context.Context) ([]*pb.SiteOrder, error) { return a.newSiteOrders(ctx, form, before) },
		Preview: func() *pb.SiteOrder {
			return &pb.SiteOrder{DisplayName: form.SiteName, PolicyId: policyText(order), State: pb.SiteOrder_PENDING}
		},
	}
	create.Send = func(ctx context.Context, _ mutation.Attempt) (*pb.SiteOrder, error) {
		post := a.request(http.MethodPost, "/sites")
		post.Body, post.Secrets = upstream.JSON(form), form.secrets()
		var answer jsonx.Row[siteRow] // A change that was made must not look like a failure.
		if err := a.change(ctx, post, &answer); err != nil {
			return nil, err
		}
		if answer.Value.SiteID != "" {
			order, err := a.createdOrder(ctx, &answer, form, before)
			if err != nil {
				return nil, mutation.NotReadBack(vendorName, err)
			}
			return order, nil
		}
		// The API pages do not show this answer. The list shows the site.
		order, took, err := create.Arrived(ctx)
		if err == nil && !took {
			err = contradiction("the new site is not in the list")
		}
		if err != nil {
			return nil, mutation.NotReadBack(vendorName, err)
		}
		return order, nil
	}
	return mutation.DoCreate(ctx, create)
}

// createdOrder returns the order that a response to POST /sites shows. If the response leaves
// something out, the site shows it, or else the order is as asked for.
func (a *Adapter) createdOrder(
	ctx context.Context, answer *jsonx.Row[siteRow], form *siteForm, before []string,
) (*pb.SiteOrder, error) {
	site := a.site(answer.Value)
	order := a.siteOrder(site)
	if slices.Contains(before, order.GetName()) || form.excludes(site) {
		return nil, contradiction("it shows another site than the one to create")
	}
	if answer.Misfit == nil && form.describes(site) && site.GetVendorState() != "" {
		return order, nil
	}
	switch shown, err := a.findSite(ctx, site.GetSiteId()); {
	case err == nil && form.excludes(shown):
		return nil, contradiction("it shows another site than the one to create")
	case err == nil && form.describes(shown):
		return a.siteOrder(shown), nil
	}
	order.DisplayName, order.PolicyId = form.SiteName, strconv.FormatInt(form.PolicyID, 10)
	if order.GetVendorStatus() == "" {
		order.State = pb.SiteOrder_PENDING
	}
	return order, nil
}

// siteOrders returns the orders of all sites.
func (a *Adapter) siteOrders(ctx context.Context) ([]*pb.SiteOrder, error) {
	sites, err := a.agreedSites(ctx)
	if err != nil {
		return nil, err
	}
	orders := make([]*pb.SiteOrder, len(sites))
	for i, site := range sites {
		if site.GetSiteId() == "" { // It could not be told from a new site later.
			return nil, site.unreadable
		}
		orders[i] = a.siteOrder(site.Site)
	}
	return orders, nil
}

// newSiteOrders returns the orders of the sites that look like the form and were not there before.
// It fails if a new site does not show enough to be judged, or if all sites of before are gone.
func (a *Adapter) newSiteOrders(ctx context.Context, form *siteForm, before []string) ([]*pb.SiteOrder, error) {
	sites, err := a.agreedSites(ctx)
	if err != nil {
		return nil, err
	}
	var orders []*pb.SiteOrder
	known := len(before) == 0
	for _, site := range sites {
		order := a.siteOrder(site.Site)
		switch {
		case slices.Contains(before, order.GetName()):
			known = true
		case form.excludes(site.Site):
		case site.GetSiteId() == "":
			return nil, site.unreadable
		case !form.describes(site.Site):
			return nil, contradiction("the new site %q may be the ordered one, and shows no siteName or no policyId",
				site.GetSiteId())
		default:
			orders = append(orders, order)
		}
	}
	if !known {
		return nil, contradiction("it shows none of the sites that it showed before the order")
	}
	return orders, nil
}

// describes reports whether a site has the name and the policy of the form.
func (f *siteForm) describes(site *pb.Site) bool {
	policy, isNumber := number(word(site.GetPolicyId()))
	return site.GetDisplayName() == f.SiteName && isNumber && policy == f.PolicyID
}

// excludes reports whether a site shows another name or another policy than the form. A name with
// U+FFFD was garbled on its way.
func (f *siteForm) excludes(site *pb.Site) bool {
	name := site.GetDisplayName()
	policy, isNumber := number(word(site.GetPolicyId()))
	return name != "" && name != f.SiteName && !strings.ContainsRune(name, utf8.RuneError) ||
		isNumber && policy != f.PolicyID
}

// GetSiteOrder is GET /sites/{siteId}: an order has the id of its site.
func (a *Adapter) GetSiteOrder(ctx context.Context, req *pb.GetSiteOrderRequest) (*pb.SiteOrder, error) {
	ids, err := names.SiteOrder.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	site, err := a.findSite(ctx, ids[1])
	if err != nil {
		return nil, err
	}
	return a.siteOrder(site), nil
}

func (a *Adapter) siteOrder(site *pb.Site) *pb.SiteOrder {
	return &pb.SiteOrder{
		Name:         names.SiteOrder.Name(a.id, site.GetSiteId()),
		Site:         site.GetName(),
		DisplayName:  site.GetDisplayName(),
		PolicyId:     site.GetPolicyId(),
		State:        orderStates[site.GetState()],
		VendorStatus: site.GetVendorState(),
		CreateTime:   site.GetCreateTime(),
		UpdateTime:   site.GetUpdateTime(),
	}
}

// policyText returns an order's policy. The default is the vendor's basic policy.
func policyText(order *pb.SiteOrder) string { return cmp.Or(order.GetPolicyId(), "0") }

func orderForm(order *pb.SiteOrder) (*siteForm, error) {
	if err := checkSiteName("site_order.display_name", order.GetDisplayName()); err != nil {
		return nil, err
	}
	policy, err := policyID("site_order.policy_id", policyText(order))
	if err != nil {
		return nil, err
	}
	form := &siteForm{SiteName: order.GetDisplayName(), PolicyID: policy}
	if keys := order.GetFairplayCertificate(); keys != nil {
		// A settling run has no secret key, and checkKeys refuses a wrong one.
		secretKey, _ := fairplay.SecretKey(keys.GetApplicationSecretKey())
		form.FairPlayCert = &fairPlayCert{
			CertFile: keys.GetCertificateUri(), PrivateKey: keys.GetPrivateKeyUri(),
			PrivateEncryptedString: keys.GetKeyPassword(), SecretKey: secretKey,
		}
	}
	return form, nil
}

// checkKeys refuses keys that the vendor cannot fetch or use.
func checkKeys(keys *pb.FairPlayKeys) error {
	const field = "site_order.fairplay_certificate."
	switch {
	case keys == nil:
		return nil
	case !fetchable(keys.GetCertificateUri(), ".der", ".cer"):
		return apierror.Invalid(field+"certificate_uri",
			"must be the http or https address from which NAVER Cloud can fetch the certificate, a .der or .cer file")
	case !fetchable(keys.GetPrivateKeyUri(), ".pem"):
		return apierror.Invalid(field+"private_key_uri",
			"must be the http or https address from which NAVER Cloud can fetch the private key, a .pem file")
	case keys.GetApplicationSecretKey() == "":
		return apierror.Invalid(field+"application_secret_key",
			"is missing: set the application secret key (ASK) that Apple issued with the certificate")
	}
	if _, err := fairplay.SecretKey(keys.GetApplicationSecretKey()); err != nil {
		return apierror.Invalid(field+"application_secret_key", "%v", err)
	}
	return nil
}

// fetchable reports whether the vendor can fetch an address, which must be of these kinds of files.
// The API pages say: "Only supports http download URL".
func fetchable(address string, kinds ...string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return false
	}
	return slices.Contains(kinds, strings.ToLower(path.Ext(u.Path)))
}

// secrets returns the secrets in the form.
func (f *siteForm) secrets() []secret.Text {
	cert := f.FairPlayCert
	if cert == nil {
		return nil
	}
	return []secret.Text{
		secret.New(cert.PrivateKey), secret.New(cert.PrivateEncryptedString), secret.New(cert.SecretKey),
	}
}
