// Package amino is the adapter to AminoTV's licenses of products. It follows the page "Licenses v4
// API" and AminoTV's other public pages. Names such as SUSPENDEDADMIN and renew_record are from
// them.
//
// A license is immutable at AminoTV. To change a license, it is deleted and another one is created.
// If an operator has Irdeto, AminoTV creates and deletes an entitlement there with each license, in
// the same call. Nothing in AminoTV's API shows whether that succeeded. Points that the pages leave
// open are settings of Config.
package amino

import (
	"context"
	"net/http"
	"time"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxBody bounds a response in bytes. It is four times the size of a page of 1000 rows of 1 KiB.
const maxBody = 4 << 20

// vendorName is the name of the vendor in messages.
const vendorName = "AminoTV"

// Adapter is the adapter to AminoTV for one operator.
type Adapter struct {
	id     string // of the vendor account, as in names
	config Config
	vendor *upstream.Client
	header http.Header // of every request; nobody changes it
	now    func() time.Time
}

var (
	_ adapters.Adapter                    = (*Adapter)(nil)
	_ adapters.ProductLister              = (*Adapter)(nil)
	_ adapters.ProductGetter              = (*Adapter)(nil)
	_ adapters.ProductCreator             = (*Adapter)(nil)
	_ adapters.ProductLicenseLister       = (*Adapter)(nil)
	_ adapters.ProductLicenseGetter       = (*Adapter)(nil)
	_ adapters.ProductLicenseCreator      = (*Adapter)(nil)
	_ adapters.ProductLicenseDeleter      = (*Adapter)(nil)
	_ adapters.ProductLicenseBatchCreator = (*Adapter)(nil)
	_ adapters.ProductLicenseBatchDeleter = (*Adapter)(nil)
	_ adapters.ProductLicenseReplacer     = (*Adapter)(nil)
	_ adapters.ProductUpdater             = (*Adapter)(nil)
)

// New returns an adapter with a checked configuration.
func New(id string, config Config, connection upstream.Connection) (adapters.Adapter, error) {
	authorization := config.authorization()
	secrets := []secret.Text{config.Token, config.APIKey}
	vendor, err := upstream.New(upstream.Options{
		VendorName: vendorName,
		BaseURL:    config.BaseURL,
		Connection: connection,
		Network:    config.Network,
		Sign: func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", authorization)
			return nil
		},
		Secrets: func() []secret.Text { return secrets },
		Failure: failure,
		Limits:  config.Limits,
		MaxBody: maxBody,
		Templates: []string{
			productsPath, productsPath + "/{product}", licensesPath, licensesPath + "/{license}",
			base + "/users/{user}/licenses",
		},
	})
	if err != nil {
		return nil, err
	}
	header := http.Header{"Accept": {config.ContentType}}
	return &Adapter{id: id, config: config, vendor: vendor, header: header, now: time.Now}, nil
}

// Describe returns drmhub's own page size, since AminoTV's bound is not public. Batches are
// composed, since AminoTV's batch calls do not show the result of each item.
func (a *Adapter) Describe() adapters.Description {
	var unsupported []string
	if !a.config.ProductUpdates {
		unsupported = append(unsupported, pb.ProductLicenseService_UpdateProduct_FullMethodName)
	}
	return adapters.Description{
		DisplayName: vendorName,
		Unsupported: unsupported,
		Limits: &pb.Vendor_Limits{
			MaxPageSize:       int32(a.config.MaxPageSize),
			PushedDownFilters: []string{pb.ProductLicenseService_ListProductLicenses_FullMethodName[1:] + ":user"},
			RequestsPerSecond: a.vendor.RequestsPerSecond(),
		},
		Composed: []string{
			pb.ProductLicenseService_BatchCreateProductLicenses_FullMethodName,
			pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName,
			pb.ProductLicenseService_ReplaceProductLicense_FullMethodName,
		},
	}
}

// Check lists one product. AminoTV shows no level of access.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	_, err := rows[productResource](ctx, a, productsPath, 0, 1)
	return "", err
}

func (a *Adapter) productName(id string) string { return names.Product.Name(a.id, id) }

func (a *Adapter) licenseName(id string) string { return names.ProductLicense.Name(a.id, id) }
