package adaptertest_test

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

type client = grpc.ServerStreamingServer[pb.StreamLicensesResponse]

// sending changes how each message is sent.
func sending(change func(m *pb.StreamLicensesResponse, send func(*pb.StreamLicensesResponse) error) error) func(*bugged) {
	return streaming(nil, change)
}

// streaming changes the request, and how each message is sent.
func streaming(ask func(*pb.StreamLicensesRequest), change func(*pb.StreamLicensesResponse, func(*pb.StreamLicensesResponse) error) error) func(*bugged) {
	return func(b *bugged) {
		b.stream = func(req *pb.StreamLicensesRequest, to client) error {
			req = proto.CloneOf(req)
			if ask != nil {
				ask(req)
			}
			send := to.Send
			if change != nil {
				send = func(m *pb.StreamLicensesResponse) error { return change(m, to.Send) }
			}
			return b.good.StreamLicenses(req, &conduit{to, to.Context(), send})
		}
	}
}

// streamingAnyToken begins again where it knows no token.
func streamingAnyToken(b *bugged) {
	b.stream = func(req *pb.StreamLicensesRequest, to client) error {
		err := b.good.StreamLicenses(req, to)
		if err != nil && apierror.Convert(err).Code == codes.InvalidArgument {
			return b.good.StreamLicenses(&pb.StreamLicensesRequest{Parent: req.GetParent(), Filter: req.GetFilter()}, to)
		}
		return err
	}
}

// streamingAtOnce sends all rows in one message.
func streamingAtOnce(b *bugged) {
	b.stream = func(req *pb.StreamLicensesRequest, to client) error {
		rows, err := allRows(to.Context(), b, &pb.ListLicensesRequest{Parent: req.GetParent(), Filter: req.GetFilter()}, time.Time{})
		if err != nil {
			return err
		}
		return to.Send(&pb.StreamLicensesResponse{Licenses: rows})
	}
}

// streamingWhatIsThere pages through what the vendor holds now, as if nothing ever arrived.
func streamingWhatIsThere(b *bugged) {
	page := pager{}.list(b)
	b.stream = func(req *pb.StreamLicensesRequest, to client) error {
		asked := &pb.ListLicensesRequest{Parent: req.GetParent(), Filter: req.GetFilter(), PageSize: 1000, PageToken: req.GetPageToken()}
		for {
			res, err := page(to.Context(), asked)
			if err != nil {
				return err
			}
			if err := to.Send(&pb.StreamLicensesResponse{Licenses: res.GetLicenses(), NextPageToken: res.GetNextPageToken()}); err != nil {
				return err
			}
			if asked.PageToken = res.GetNextPageToken(); asked.PageToken == "" {
				return nil
			}
		}
	}
}

// endingWell ends a stream without an error once a message was sent.
func endingWell(code codes.Code) func(*bugged) {
	return func(b *bugged) {
		b.stream = func(req *pb.StreamLicensesRequest, to client) error {
			err := b.good.StreamLicenses(req, to)
			if err != nil && apierror.Convert(err).Code == code {
				return nil
			}
			return err
		}
	}
}

// detached goes on when the caller has gone.
func detached(b *bugged) {
	b.stream = func(req *pb.StreamLicensesRequest, to client) error {
		return b.good.StreamLicenses(req, &conduit{to, context.WithoutCancel(to.Context()), to.Send})
	}
}

var streamBugs = []bug{
	{"StreamLicenses gives every row exactly once, newest first, in messages of up to 1000", "drops the last message", sending(func(m *pb.StreamLicensesResponse, send func(*pb.StreamLicensesResponse) error) error {
		if m.GetNextPageToken() == "" {
			return nil
		}
		return send(m)
	})},
	{"StreamLicenses gives every row exactly once, newest first, in messages of up to 1000", "sends all at once", streamingAtOnce},
	{"StreamLicenses gives every row exactly once, newest first, in messages of up to 1000", "sends the oldest first", sending(func(m *pb.StreamLicensesResponse, send func(*pb.StreamLicensesResponse) error) error {
		slices.Reverse(m.GetLicenses())
		return send(m)
	})},
	{"StreamLicenses gives every row exactly once, newest first, in messages of up to 1000", "uses one message again and again", func(b *bugged) {
		var again pb.StreamLicensesResponse
		sending(func(m *pb.StreamLicensesResponse, send func(*pb.StreamLicensesResponse) error) error {
			proto.Reset(&again)
			proto.Merge(&again, m)
			return send(&again)
		})(b)
	}},
	{"StreamLicenses takes the filter of ListLicenses", "ignores the filter", streaming(func(req *pb.StreamLicensesRequest) { req.Filter = nil }, nil)},
	{"StreamLicenses goes on after any message", "begins again", streaming(func(req *pb.StreamLicensesRequest) { req.PageToken = "" }, nil)},
	{"StreamLicenses goes on after any message", "sends no tokens", sending(func(m *pb.StreamLicensesResponse, send func(*pb.StreamLicensesResponse) error) error {
		m.NextPageToken = ""
		return send(m)
	})},
	{"StreamLicenses leaves the earlier rows in their place when others arrive", "pages through what is there now", streamingWhatIsThere},
	{"StreamLicenses of an unknown site is NOT_FOUND", "sends nothing", endingWell(codes.NotFound)},
	{"StreamLicenses stops when nobody receives", "ignores that", sending(func(m *pb.StreamLicensesResponse, send func(*pb.StreamLicensesResponse) error) error {
		_ = send(m)
		return nil
	})},
	{"StreamLicenses ends with CANCELLED when the caller goes", "goes on", detached},
	{"StreamLicenses ends with CANCELLED when the caller goes", "ends well", endingWell(codes.Canceled)},
	{"StreamLicenses that the vendor fails in the middle of fails, and goes on afterwards", "ends well", endingWell(codes.Unavailable)},
}
