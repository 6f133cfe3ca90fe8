package ncp

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/ncp/licensehistory"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// StreamLicenses is "View license issuance history", all pages: the first message holds what the
// first one of the vendor's pages gave, and each of the others what ten gave that were read at
// once. Where a filter finds nothing for many pages, messages without rows tell how far it has
// come. The last message, and no other, has no token, so that a stream that was cut short cannot
// pass for a whole one.
//
// While a message is sent, the next one is fetched, and no more than that: a slow client slows the
// calls to the vendor down.
func (a *Adapter) StreamLicenses(req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return apierror.Invalid("parent", "%v", err)
	}
	s := &licenseStream{search: a.newLicenseSearch(ids[1], req.GetFilter()), req: req}
	if _, err := paging.Resume(req, &s.at); err != nil {
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
		case f.mistake != nil:
			panic(f.mistake) // here it is caught, and there it would end the program
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
	search *licenseSearch
	req    *pb.StreamLicensesRequest
	at     licensehistory.Cursor
}

// fetched is a message, or why there is none.
type fetched struct {
	message *pb.StreamLicensesResponse
	err     error
	mistake error
}

// fetch fetches messages, to the last one or to a failure, and hands each over as soon as the one
// before has been sent.
func (s *licenseStream) fetch(ctx context.Context, to chan<- fetched) {
	defer close(to)
	for !s.at.Done() {
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
			f = fetched{mistake: fmt.Errorf("%v\n%s", p, debug.Stack())}
		}
	}()
	f.message, f.err = s.next(ctx)
	return f
}

// next is the next message.
func (s *licenseStream) next(ctx context.Context) (*pb.StreamLicensesResponse, error) {
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
