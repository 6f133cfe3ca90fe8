package ncp

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/fairplay"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
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
		return a.siteOrders(ctx, func(*pb.Site) bool { return true })
	})
	if err != nil {
		return nil, err
	}
	create := mutation.Create[*pb.SiteOrder]{
		Step: "order", Before: before,
		List: func(ctx context.Context) ([]*pb.SiteOrder, error) { return a.siteOrders(ctx, form.describes) },
		Preview: func() *pb.SiteOrder {
			return &pb.SiteOrder{DisplayName: form.SiteName, PolicyId: policyText(order), State: pb.SiteOrder_PENDING}
		},
	}
	create.Send = func(ctx context.Context, _ mutation.Attempt) (*pb.SiteOrder, error) {
		post := a.request(http.MethodPost, "/sites")
		post.Body, post.Secrets = upstream.JSON(form), form.secrets()
		var row siteRow
		if err := a.change(ctx, post, &row); err != nil {
			return nil, err
		}
		if row.SiteID != "" {
			return a.siteOrder(a.site(row)), nil
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

// siteOrders returns the orders of the sites that match.
func (a *Adapter) siteOrders(ctx context.Context, match func(*pb.Site) bool) ([]*pb.SiteOrder, error) {
	sites, err := a.agreedSites(ctx)
	if err != nil {
		return nil, err
	}
	var orders []*pb.SiteOrder
	for _, site := range sites {
		if match(site) {
			orders = append(orders, a.siteOrder(site))
		}
	}
	return orders, nil
}

// describes reports whether a site has the name and the policy of the form.
func (f *siteForm) describes(site *pb.Site) bool {
	policy, _ := number(word(site.GetPolicyId()))
	return site.GetDisplayName() == f.SiteName && policy == f.PolicyID
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
