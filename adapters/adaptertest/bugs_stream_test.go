package adaptertest_test

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

type send = func(*pb.StreamLicensesResponse) error

// sends is a bug that changes how each message is sent.
func sends(change func(m *pb.StreamLicensesResponse, send send) error) bug {
	return func(b *bugged) {
		b.stream = func(req *pb.StreamLicensesRequest, to client) error {
			one := func(m *pb.StreamLicensesResponse) error { return change(m, to.Send) }
			return b.Adapter.StreamLicenses(req, &conduit{to, to.Context(), one})
		}
	}
}

// streamsAnyToken begins again if it knows no token.
func streamsAnyToken(b *bugged) {
	b.stream = func(req *pb.StreamLicensesRequest, to client) error {
		err := b.Adapter.StreamLicenses(req, to)
		if err != nil && apierror.Convert(err).Code == codes.InvalidArgument {
			again := &pb.StreamLicensesRequest{Parent: req.GetParent(), Filter: req.GetFilter()}
			return b.Adapter.StreamLicenses(again, to)
		}
		return err
	}
}

// sendsAllAtOnce sends all rows in one message.
func sendsAllAtOnce(b *bugged) {
	b.stream = func(req *pb.StreamLicensesRequest, to client) error {
		list := &pb.ListLicensesRequest{Parent: req.GetParent(), Filter: req.GetFilter()}
		rows, err := allRows(to.Context(), b, list, time.Time{})
		if err != nil {
			return err
		}
		return to.Send(&pb.StreamLicensesResponse{Licenses: rows})
	}
}

// streamsWhatIsThere pages through what the vendor holds now, as if nothing ever arrived.
func streamsWhatIsThere(b *bugged) {
	b.stream = func(req *pb.StreamLicensesRequest, to client) error {
		list := &pb.ListLicensesRequest{
			Parent: req.GetParent(), Filter: req.GetFilter(), PageSize: 1000, PageToken: req.GetPageToken(),
		}
		for {
			res, err := pager{}.list(to.Context(), b, list)
			if err != nil {
				return err
			}
			m := &pb.StreamLicensesResponse{Licenses: res.GetLicenses(), NextPageToken: res.GetNextPageToken()}
			if err := to.Send(m); err != nil {
				return err
			}
			if list.PageToken = res.GetNextPageToken(); list.PageToken == "" {
				return nil
			}
		}
	}
}

// endsWell ends a stream that fails with this code without an error.
func endsWell(code codes.Code) bug {
	return on("StreamLicenses", func(c *call) (proto.Message, error) {
		res, err := c.run()
		if err != nil && apierror.Convert(err).Code == code {
			return nil, nil
		}
		return res, err
	})
}

// sendsOneMessage uses one message again and again.
func sendsOneMessage(b *bugged) {
	var one pb.StreamLicensesResponse
	sends(func(m *pb.StreamLicensesResponse, send send) error {
		proto.Reset(&one)
		proto.Merge(&one, m)
		return send(&one)
	})(b)
}

var streamBugs = bugs{
	"StreamLicenses gives every row exactly once, newest first, in messages of up to 1000": {
		"drops the last message": sends(func(m *pb.StreamLicensesResponse, send send) error {
			if m.GetNextPageToken() == "" {
				return nil
			}
			return send(m)
		}),
		"sends all at once": sendsAllAtOnce,
		"sends the oldest first": sends(func(m *pb.StreamLicensesResponse, send send) error {
			slices.Reverse(m.GetLicenses())
			return send(m)
		}),
		"uses one message again and again": sendsOneMessage,
	},
	"StreamLicenses takes the filter of ListLicenses": {
		"ignores the filter": on("StreamLicenses", clearing("filter")),
	},
	"StreamLicenses goes on after any message": {
		"begins again": on("StreamLicenses", beginsAgain),
		"sends no tokens": sends(func(m *pb.StreamLicensesResponse, send send) error {
			m.NextPageToken = ""
			return send(m)
		}),
	},
	"StreamLicenses leaves the earlier rows in their place when others arrive": {
		"pages through what is there now": streamsWhatIsThere,
	},
	"StreamLicenses of an unknown site is NOT_FOUND": {"sends nothing": endsWell(codes.NotFound)},
	"StreamLicenses stops when nobody receives": {
		"ignores that": sends(func(m *pb.StreamLicensesResponse, send send) error {
			_ = send(m)
			return nil
		}),
	},
	"StreamLicenses ends with CANCELLED when the caller goes": {
		"goes on": on("StreamLicenses", func(c *call) (proto.Message, error) {
			return c.good(context.WithoutCancel(c.ctx), c.req)
		}),
		"ends well": endsWell(codes.Canceled),
	},
	"StreamLicenses fails if the vendor fails between messages, and goes on afterwards": {
		"ends well": endsWell(codes.Unavailable),
	},
}
