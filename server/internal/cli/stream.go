package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// stream prints the rows of a stream as they arrive. When it breaks, it continues after the last
// message that arrived, so that every row comes once.
func (s *session) stream(rpc *contract.RPC, req proto.Message, p *printer) error {
	for progress := true; progress; {
		progress = false
		err := s.repeat(rpc, req, func(ctx context.Context) error {
			return s.receive(ctx, rpc, req, p, &progress)
		})
		if err == nil {
			return nil
		}
		if s.cmd.Context().Err() != nil || !progress {
			if token := contract.Text(req.ProtoReflect(), "page_token"); token != "" {
				fmt.Fprintf(s.errs, "The stream broke. Continue with --page-token %s\n", Clean(token))
			}
			return s.failed(rpc, err)
		}
	}
	return nil
}

// receive prints the rows of one call, and keeps in the request where the next call continues.
func (s *session) receive(
	ctx context.Context, rpc *contract.RPC, req proto.Message, p *printer, progress *bool,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, rpc.FullMethod())
	if err != nil {
		return err
	}
	if err := errors.Join(stream.SendMsg(req), stream.CloseSend()); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	whole := false // All rows have arrived: only the last message has no token.
	for {
		res := rpc.NewResponse()
		if err := stream.RecvMsg(res); err != nil {
			if errors.Is(err, io.EOF) || whole {
				return nil
			}
			return err
		}
		if err := p.rows(rowsOf(res)); err != nil {
			return exitError{err, ExitFailed}
		}
		*progress = true
		token := contract.Text(res.ProtoReflect(), "next_page_token")
		contract.Set(req, "page_token", token)
		whole = token == ""
	}
}
