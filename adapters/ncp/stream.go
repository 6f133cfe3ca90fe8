package ncp

import (
	"context"
	"io"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/ncp/licensehistory"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/streaming"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// StreamLicenses is "View license issuance history", all pages: the first message holds what the
// first one of the vendor's pages gave, and each of the others what ten gave that were read at
// once. Where a filter finds nothing for many pages, messages without rows tell how far it has
// come. The last message, and no other, has no token, so that a stream that was cut short cannot
// pass for a whole one.
func (a *Adapter) StreamLicenses(req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return apierror.Invalid("parent", "%v", err)
	}
	s := &licenseStream{search: a.newLicenseSearch(ids[1], req.GetFilter()), req: req}
	if _, err := paging.Resume(req, &s.at); err != nil {
		return err
	}
	return streaming.Send(to, s.next)
}

// licenseStream is where a stream of licenses stands.
type licenseStream struct {
	search *licenseSearch
	req    *pb.StreamLicensesRequest
	at     licensehistory.Cursor
}

// next returns the next message, and io.EOF after the last one.
func (s *licenseStream) next(ctx context.Context) (*pb.StreamLicensesResponse, error) {
	if s.at.Done() {
		return nil, io.EOF
	}
	rows, next, err := s.search.next(ctx, s.at, paging.MaxSize, true)
	if err != nil {
		return nil, err
	}
	s.at = next
	message := &pb.StreamLicensesResponse{Licenses: rows}
	if !next.Done() {
		message.NextPageToken, err = paging.Token(s.req, next)
	}
	return message, err
}
