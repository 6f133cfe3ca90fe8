package pallycon

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var _ adapters.LicenseStreamer = (*Adapter)(nil)

// StreamLicenses is "Get DRM License List", page by page: a message holds what one of the vendor's
// pages gave. Where a filter finds nothing for many pages, messages without rows tell how far it
// has come. The last message, and no other, has no token, so that a stream that was cut short
// cannot pass for a whole one.
//
// While a message is sent, the next one is fetched, and no more than that: a slow client slows the
// calls to the vendor down.
func (a *Adapter) StreamLicenses(req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return apierror.Invalid("parent", "%v", err)
	}
	s := &licenseStream{list: a.newLicenseList(ids[1], req.GetFilter()), req: req, at: &listing.Cursor{}}
	if s.resumed, err = paging.Resume(req, s.at); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(to.Context())
	messages := make(chan fetched) // without room, so that what is fetched ahead is one message
	var fetching sync.WaitGroup
	fetching.Go(func() { s.fetch(ctx, messages) })
	defer fetching.Wait()
	defer cancel()

	for f := range messages {
		switch {
		case f.panic != nil:
			panic(f.panic) // here it is caught, and there it would end the program
		case f.err != nil:
			return f.err
		}
		if err := to.Send(f.message); err != nil {
			if to.Context().Err() != nil {
				return apierror.FromContext(to.Context())
			}
			return err
		}
		if f.message.GetNextPageToken() == "" {
			return nil
		}
	}
	return apierror.FromContext(to.Context()) // nothing else stops fetching before the end
}

// licenseStream is where a stream of licenses stands.
type licenseStream struct {
	list    *licenseList
	req     *pb.StreamLicensesRequest
	at      *listing.Cursor // nil at the end
	resumed bool
}

// fetched is a message, or why there is none.
type fetched struct {
	message *pb.StreamLicensesResponse
	err     error
	panic   error
}

// fetch fetches messages, to the last one or to a failure, and hands each over as soon as the one
// before has been sent.
func (s *licenseStream) fetch(ctx context.Context, to chan<- fetched) {
	defer close(to)
	for s.at != nil {
		f := s.safely(ctx)
		select {
		case to <- f:
		case <-ctx.Done():
			return
		}
		if f.message == nil {
			return
		}
	}
}

func (s *licenseStream) safely(ctx context.Context) (f fetched) {
	defer func() {
		if p := recover(); p != nil {
			f = fetched{panic: fmt.Errorf("%v\n%s", p, debug.Stack())}
		}
	}()
	f.message, f.err = s.next(ctx)
	return f
}

// next is the next message.
func (s *licenseStream) next(ctx context.Context) (*pb.StreamLicensesResponse, error) {
	l := s.list
	rows, next, err := l.reader(true).Next(ctx, *s.at, paging.MaxSize)
	if err != nil {
		return nil, l.adapter.orNoSite(ctx, l.siteID, err)
	}
	if !s.resumed && l.count == 0 {
		// an empty stream of a site that is not there would mislead
		if _, err := l.adapter.findSite(ctx, l.siteID); err != nil {
			return nil, err
		}
	}
	s.resumed, s.at = true, next
	message := &pb.StreamLicensesResponse{Licenses: make([]*pb.License, len(rows))}
	for i := range rows {
		if message.Licenses[i], err = l.adapter.license(l.siteID, &rows[i]); err != nil {
			return nil, err
		}
	}
	if next != nil {
		message.NextPageToken, err = paging.Token(s.req, next)
	}
	return message, err
}
