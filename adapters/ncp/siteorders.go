package ncp

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters/apierror"
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

// orderStates are the states of an order by those of its site, which the vendor creates within 24
// hours.
var orderStates = map[pb.Site_State]pb.SiteOrder_State{
	pb.Site_CREATING: pb.SiteOrder_PENDING,
	pb.Site_READY:    pb.SiteOrder_APPROVED,
	pb.Site_RUNNING:  pb.SiteOrder_APPROVED,
	pb.Site_DELETED:  pb.SiteOrder_APPROVED,
}

// CreateSiteOrder is POST /sites. The vendor creates the site later; then it is to be switched on
// with EnableSite.
//
// Whether a lost request arrived is read back from the list: it then has a site of that name and
// policy that it did not have before.
func (a *Adapter) CreateSiteOrder(ctx context.Context, req *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error) {
	order := req.GetSiteOrder()
	form, err := orderForm(order)
	if err != nil {
		return nil, err
	}
	before, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.ListSitesResponse, error) {
		// here, since who settles the mutation does not have the keys
		if err := checkKeys(order.GetFairplayCertificate()); err != nil {
			return nil, err
		}
		// All of them, and not those of this name alone: one that is renamed to it later has not
		// arrived.
		all, err := a.agreedSites(ctx)
		known := &pb.ListSitesResponse{}
		for _, s := range all {
			known.Sites = append(known.Sites, &pb.Site{SiteId: s.GetSiteId()})
		}
		return known, err
	})
	if err != nil {
		return nil, err
	}
	arrived := func(ctx context.Context) (*pb.SiteOrder, bool, error) {
		now, err := a.agreedSites(ctx)
		if err != nil {
			return nil, false, err
		}
		created := slices.DeleteFunc(now, func(s *pb.Site) bool {
			policy, _ := number(word(s.GetPolicyId()))
			return s.GetDisplayName() != form.SiteName || policy != form.PolicyID || slices.ContainsFunc(before.GetSites(), func(b *pb.Site) bool { return b.GetSiteId() == s.GetSiteId() })
		})
		switch len(created) {
		case 0:
			return nil, false, nil
		case 1:
			return a.siteOrder(created[0]), true, nil
		}
		return nil, false, apierror.OutcomeUnknown("%d sites of this name have arrived since, and nothing tells which is whose", len(created))
	}
	return mutation.Do(ctx, mutation.Write[*pb.SiteOrder]{
		Step: "order",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.SiteOrder, error) {
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
			order, took, err := arrived(ctx)
			if err == nil && !took {
				err = invalid("the new site is not in the list")
			}
			if err != nil {
				return nil, errNotReadBack(err)
			}
			return order, nil
		},
		ReadBack: arrived,
		Preview: func() *pb.SiteOrder {
			return &pb.SiteOrder{DisplayName: form.SiteName, PolicyId: policyText(order), State: pb.SiteOrder_PENDING}
		},
	})
}

// GetSiteOrder is GET /sites/{siteId}: an order is known by the site that comes of it.
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

// policyText is an order's policy; the vendor's basic one where it names none.
func policyText(order *pb.SiteOrder) string {
	if order.GetPolicyId() == "" {
		return "0"
	}
	return order.GetPolicyId()
}

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
		form.FairPlayCert = &fairPlayCert{
			CertFile: keys.GetCertificateUri(), PrivateKey: keys.GetPrivateKeyUri(),
			PrivateEncryptedString: keys.GetKeyPassword(), SecretKey: keys.GetApplicationSecretKey(),
		}
	}
	return form, nil
}

func checkKeys(keys *pb.FairPlayKeys) error {
	const field = "site_order.fairplay_certificate."
	switch {
	case keys == nil:
		return nil
	case !fetchable(keys.GetCertificateUri(), ".der", ".cer"):
		return apierror.Invalid(field+"certificate_uri", "must be the http address of a .der or .cer file, where NAVER Cloud fetches the certificate")
	case !fetchable(keys.GetPrivateKeyUri(), ".pem"):
		return apierror.Invalid(field+"private_key_uri", "must be the http address of a .pem file, where NAVER Cloud fetches the private key")
	case keys.GetApplicationSecretKey() == "":
		return apierror.Invalid(field+"application_secret_key", "must be set: the key (ASK) that Apple gave out with the certificate")
	}
	return nil
}

// fetchable reports whether an address is one that the vendor can fetch: "Only supports http download
// URL", of these kinds of files.
func fetchable(address string, kinds ...string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && slices.Contains(kinds, strings.ToLower(path.Ext(u.Path)))
}

func (f *siteForm) secrets() []secret.Text {
	if f.FairPlayCert == nil {
		return nil
	}
	return []secret.Text{secret.New(f.FairPlayCert.PrivateKey), secret.New(f.FairPlayCert.PrivateEncryptedString), secret.New(f.FairPlayCert.SecretKey)}
}
