package services

import (
	"google.golang.org/grpc"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// Register registers every service.
func Register(r grpc.ServiceRegistrar, all *vendors.Registry) {
	pb.RegisterVendorServiceServer(r, &vendorService{vendors: all})
	pb.RegisterSiteServiceServer(r, &sites{vendors: all})
	pb.RegisterLicenseServiceServer(r, &licenses{vendors: all})
	pb.RegisterMemberServiceServer(r, &members{vendors: all})
	pb.RegisterDrmAccountServiceServer(r, &drmAccounts{vendors: all})
	pb.RegisterProductLicenseServiceServer(r, &productLicenses{vendors: all})
}
