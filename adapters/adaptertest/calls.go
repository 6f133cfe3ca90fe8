package adaptertest

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// mostPages is where a list that does not end is given up.
const mostPages = 5000

// listPage asks for one page of licenses.
func (s *site) listPage(ctx context.Context, filter *pb.LicenseFilter, size int32, token string) (*pb.ListLicensesResponse, error) {
	return s.Adapter.(adapters.LicenseLister).ListLicenses(ctx, &pb.ListLicensesRequest{Parent: s.name, Filter: proto.CloneOf(filter), PageSize: size, PageToken: token})
}

// list pages through the licenses to the end, with these page sizes in turn. After each page,
// between is called.
func (s *site) list(t T, filter *pb.LicenseFilter, between func(page int), sizes ...int32) []*pb.License {
	t.Helper()
	return s.listFrom(t, "", filter, between, sizes...)
}

// listFrom is list from a token on.
func (s *site) listFrom(t T, token string, filter *pb.LicenseFilter, between func(page int), sizes ...int32) []*pb.License {
	t.Helper()
	var rows []*pb.License
	for page := range mostPages {
		size := sizes[page%len(sizes)]
		res, err := s.listPage(t.Context(), filter, size, token)
		if err != nil {
			t.Fatalf("ListLicenses, page %d of size %d: %v", page, size, err)
		}
		if n := len(res.GetLicenses()); n > paging.Size(size) {
			t.Errorf("ListLicenses answers %d rows for page_size %d, which allows %d", n, size, paging.Size(size))
		}
		rows = append(rows, res.GetLicenses()...)
		if token = res.GetNextPageToken(); token == "" {
			return rows
		}
		if between != nil {
			between(page)
		}
	}
	t.Fatalf("ListLicenses with page sizes %d does not end: %d rows on %d pages", sizes, len(rows), mostPages)
	return nil
}

// receiver is the client's end of a stream. What it embeds is nil: an adapter needs no more than a
// context and Send.
type receiver struct {
	grpc.ServerStream
	ctx  context.Context
	send func(*pb.StreamLicensesResponse) error
}

func (r *receiver) Context() context.Context { return r.ctx }

func (r *receiver) Send(m *pb.StreamLicensesResponse) error { return r.send(m) }

// stream streams the licenses from a token on, and answers the messages that came. After each, got
// is called, whose error is Send's.
func (s *site) stream(ctx context.Context, filter *pb.LicenseFilter, token string, got func(*pb.StreamLicensesResponse) error) ([]*pb.StreamLicensesResponse, error) {
	var messages []*pb.StreamLicensesResponse
	to := &receiver{ctx: ctx, send: func(m *pb.StreamLicensesResponse) error {
		messages = append(messages, m)
		if got == nil {
			return nil
		}
		return got(m)
	}}
	req := &pb.StreamLicensesRequest{Parent: s.name, Filter: proto.CloneOf(filter), PageToken: token}
	err := s.Adapter.(adapters.LicenseStreamer).StreamLicenses(req, to)
	return messages, err
}

// streamed are the rows of a stream's messages.
func streamed(messages []*pb.StreamLicensesResponse) []*pb.License {
	var rows []*pb.License
	for _, m := range messages {
		rows = append(rows, m.GetLicenses()...)
	}
	return rows
}

// listSites pages through the vendor's sites.
func listSites(t T, h Harness, size int32) []*pb.Site {
	t.Helper()
	var sites []*pb.Site
	req := &pb.ListSitesRequest{Parent: vendorName(h), PageSize: size}
	for range mostPages {
		res, err := h.Adapter.(adapters.SiteLister).ListSites(t.Context(), proto.CloneOf(req))
		if err != nil {
			t.Fatalf("ListSites with page_size %d: %v", size, err)
		}
		if n := len(res.GetSites()); n > paging.Size(size) {
			t.Errorf("ListSites answers %d sites for page_size %d, which allows %d", n, size, paging.Size(size))
		}
		sites = append(sites, res.GetSites()...)
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return sites
		}
	}
	t.Fatalf("ListSites with page_size %d does not end: %d sites on %d pages", size, len(sites), mostPages)
	return nil
}
