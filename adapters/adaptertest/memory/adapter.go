// Package memory is the reference adapter. It keeps every promise of the conformance suite, to a
// vendor that lives in the same memory. Read it to see what an adapter owes. A real one differs in
// how it calls its vendor.
package memory

import (
	"context"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Adapter speaks to a Vendor.
type Adapter struct{ vendor *Vendor }

// New returns an adapter to the vendor.
func New(vendor *Vendor) *Adapter { return &Adapter{vendor} }

// Describe names the calls that the adapter makes of others. The vendor filters nothing.
func (a *Adapter) Describe() adapters.Description {
	return adapters.Description{
		DisplayName: "Reference",
		Limits:      &pb.Vendor_Limits{MaxPageSize: paging.MaxSize},
		Composed: []string{
			pb.SiteService_GetSite_FullMethodName,
			pb.SiteService_GetSiteOrder_FullMethodName,
			pb.ProductLicenseService_GetProduct_FullMethodName,
			pb.ProductLicenseService_GetProductLicense_FullMethodName,
			pb.ProductLicenseService_BatchCreateProductLicenses_FullMethodName,
			pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName,
			pb.ProductLicenseService_ReplaceProductLicense_FullMethodName,
		},
	}
}

// Check reads the sites. The vendor does not say what the key may do.
func (a *Adapter) Check(ctx context.Context) (accessLevel string, err error) {
	_, err = a.vendor.Sites.List(ctx)
	return "", err
}

// onlyDRM refuses every service that the vendor does not have.
func onlyDRM(service pb.Site_Service) error {
	if service != pb.Site_SERVICE_UNSPECIFIED && service != pb.Site_DRM {
		return apierror.Invalid("service", "must be DRM: this vendor has no other service")
	}
	return nil
}
