package services

import (
	"cmp"
	"context"
	"io"
	"slices"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/streaming"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// An exportPosition is the point at which an export continues.
type exportPosition struct {
	Below archive.Key `json:"k"`
}

// ExportLicenses streams the matching rows of all chosen sites, the newest first.
func (s *archives) ExportLicenses(
	req *pb.ExportLicensesRequest, stream grpc.ServerStreamingServer[pb.ExportLicensesResponse],
) error {
	ctx := stream.Context()
	at := exportPosition{Below: newestKey}
	if _, err := paging.Resume(req, &at); err != nil {
		return err
	}
	question, within, err := newQuestion(req.GetFilter())
	if err != nil {
		return err
	}
	chosen, err := s.choose(ctx, req.GetParent())
	if err != nil {
		return err
	}
	question.Sites = chosen.names()
	ctx, cancel := context.WithCancel(ctx)
	scan := s.scan(ctx, question, at.Below)
	defer scan.reading.Wait()
	defer cancel()
	first := &pb.ExportLicensesResponse{Coverage: chosen.coverage(within), Unreachable: chosen.unreachable}
	return streaming.Send(stream, func(context.Context) (*pb.ExportLicensesResponse, error) {
		message := cmp.Or(first, &pb.ExportLicensesResponse{})
		first = nil
		return scan.next(req, message)
	})
}

// A scan reads rows ahead of the stream that sends them.
type scan struct {
	batches chan []archive.Row // at most paging.MaxSize rows each
	err     error              // of the reading, once batches is closed
	held    []archive.Row      // the batch to send next
	begun   bool
	reading panics.Group
}

// scan begins to read the matching rows below a key.
func (s *archives) scan(ctx context.Context, question archive.Question, below archive.Key) *scan {
	r := &scan{batches: make(chan []archive.Row, 1)}
	r.reading.Go(func() {
		defer close(r.batches)
		r.err = s.engine.Scan(ctx, question, below, func(rows []archive.Row) error { return r.add(ctx, rows) })
	})
	return r
}

// add passes rows to the stream that sends them. It blocks until the stream has room for all of
// them.
func (r *scan) add(ctx context.Context, rows []archive.Row) error {
	for batch := range slices.Chunk(rows, paging.MaxSize) {
		select {
		case r.batches <- batch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// next fills the next message of an export. It is one batch behind the reading, so that the last
// message has no token. An export without rows has one message. One that fails sends first what was
// read before.
func (r *scan) next(
	req *pb.ExportLicensesRequest, message *pb.ExportLicensesResponse,
) (*pb.ExportLicensesResponse, error) {
	if !r.begun {
		r.held = <-r.batches
		if r.held == nil && r.err != nil {
			return nil, r.err
		}
		r.begun = true
	} else if r.held == nil {
		return nil, cmp.Or(r.err, io.EOF)
	}
	rows := r.held
	message.Licenses = licensesOf(rows)
	var err error
	if r.held = <-r.batches; r.held != nil || r.err != nil {
		message.NextPageToken, err = paging.Token(req, exportPosition{rows[len(rows)-1].Key})
	}
	return message, err
}
