package services

import (
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// viewers is the ViewerService.
type viewers struct {
	pb.UnimplementedViewerServiceServer
	vendors *vendors.Registry
	engine  archive.Engine // nil if the archive is off
}
