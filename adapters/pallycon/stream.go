package pallycon

import (
	"context"
	"io"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	"github.com/drmhub/drmhub/adapters/streaming"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var _ adapters.LicenseStreamer = (*Adapter)(nil)

// StreamLicenses is "Get DRM License List", page by page. A message holds the rows of one of the
// vendor's pages. If a filter finds nothing for many pages, messages without rows show the
// progress. Only the last message has no token, so that a caller notices a stream that was cut
// short.
func (a *Adapter) StreamLicenses(
	req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return apierror.Invalid("parent", "%v", err)
	}
	s := &licenseStream{list: a.newLicenseList(ids[1], req.GetFilter()), req: req, at: &listing.Cursor{}}
	if s.resumed, err = paging.Resume(req, s.at); err != nil {
		return err
	}
	return streaming.Send(to, s.next)
}

// A licenseStream is a stream of licenses and its position.
type licenseStream struct {
	list    *licenseList
	req     *pb.StreamLicensesRequest
	at      *listing.Cursor // nil at the end
	resumed bool
}

// next returns the next message, and io.EOF after the last one.
func (s *licenseStream) next(ctx context.Context) (*pb.StreamLicensesResponse, error) {
	if s.at == nil {
		return nil, io.EOF
	}
	l := s.list
	rows, next, err := l.reader(true).Next(ctx, *s.at, paging.MaxSize)
	if err != nil {
		return nil, l.adapter.orNoSite(ctx, l.siteID, err)
	}
	if !s.resumed && l.count == 0 {
		// An empty stream of a site that does not exist would mislead.
		if _, err := l.adapter.findSite(ctx, l.siteID); err != nil {
			return nil, err
		}
	}
	s.resumed, s.at = true, next
	message := &pb.StreamLicensesResponse{}
	if message.Licenses, err = l.adapter.licenses(l.siteID, rows); err != nil {
		return nil, err
	}
	if next != nil {
		message.NextPageToken, err = paging.Token(s.req, next)
	}
	return message, err
}
