package services

import (
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// archives is the ArchiveService.
type archives struct {
	pb.UnimplementedArchiveServiceServer
	vendors *vendors.Registry
	engine  archive.Engine // nil if the archive is off
}
