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

// StreamLicenses is "View license issuance history", all pages. The first message holds the first
// one of the vendor's pages. Each later message holds ten pages. If a filter matches no row of many
// pages, a message without rows shows the progress. Only the last message has no token, so that a
// client can tell a whole stream from one that was cut short.
func (a *Adapter) StreamLicenses(
	req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
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

// licenseStream is the state of one stream.
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
