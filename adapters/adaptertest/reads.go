package adaptertest

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// read is a call that changes nothing.
type read struct {
	name string
	call func(context.Context) (proto.Message, error)
}

// reads are all the reads that the adapter has, about a site that the vendor holds.
func reads(t T, h Harness) []read {
	t.Helper()
	all := []read{{"Check", func(ctx context.Context) (proto.Message, error) {
		_, err := h.Adapter.Check(ctx)
		return nil, err
	}}}
	if h.PutSites == nil {
		return all
	}
	s := newSite(t, h)
	if h.PutLicenses != nil {
		s.put(history(3)...)
	}
	if a, ok := h.Adapter.(adapters.SiteLister); ok {
		all = append(all, read{"ListSites", func(ctx context.Context) (proto.Message, error) {
			return a.ListSites(ctx, &pb.ListSitesRequest{Parent: vendorName(h)})
		}})
	}
	return append(all, s.reads()...)
}

// reads are the reads about this one site.
func (s *site) reads() []read {
	var all []read
	if a, ok := s.Adapter.(adapters.SiteGetter); ok {
		all = append(all, read{"GetSite", func(ctx context.Context) (proto.Message, error) {
			return a.GetSite(ctx, &pb.GetSiteRequest{Name: s.name})
		}})
	}
	if has[adapters.LicenseLister](s.Adapter) {
		all = append(all, read{"ListLicenses", func(ctx context.Context) (proto.Message, error) {
			return s.listPage(ctx, nil, 0, "")
		}})
	}
	if has[adapters.LicenseStreamer](s.Adapter) {
		all = append(all, read{"StreamLicenses", func(ctx context.Context) (proto.Message, error) {
			messages, err := s.stream(ctx, nil, "", nil)
			return &pb.StreamLicensesResponse{Licenses: streamed(messages)}, err
		}})
	}
	return all
}

func vendorName(h Harness) string { return names.Vendor.Name(h.Vendor) }
