package services

import (
	"google.golang.org/grpc"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// Parts are what the services work with.
type Parts struct {
	Vendors *vendors.Registry
	// Archive is nil where the configuration turns it off.
	Archive archive.Engine
	// Syncer keeps Archive up to date.
	Syncer *syncer.Syncer
}

// Register registers every service.
func Register(r grpc.ServiceRegistrar, p Parts) {
	all := p.Vendors
	pb.RegisterVendorServiceServer(r, &vendorService{vendors: all})
	pb.RegisterSiteServiceServer(r, &sites{vendors: all})
	pb.RegisterLicenseServiceServer(r, &licenses{vendors: all, engine: p.Archive})
	pb.RegisterArchiveServiceServer(r, &archives{vendors: all, engine: p.Archive, syncer: p.Syncer})
	pb.RegisterViewerServiceServer(r, &viewers{vendors: all, engine: p.Archive})
	pb.RegisterMemberServiceServer(r, &members{vendors: all})
	pb.RegisterDrmAccountServiceServer(r, &drmAccounts{vendors: all})
	pb.RegisterProductLicenseServiceServer(r, &productLicenses{vendors: all})
}
