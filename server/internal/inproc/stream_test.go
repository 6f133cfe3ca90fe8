package inproc_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/inproc"
)

type streamServer = grpc.ServerStreamingServer[pb.StreamLicensesResponse]

// licenses is a service made of one function.
type licenses struct {
	pb.UnimplementedLicenseServiceServer
	stream func(*pb.StreamLicensesRequest, streamServer) error
}

func (l *licenses) StreamLicenses(req *pb.StreamLicensesRequest, s streamServer) error {
	return l.stream(req, s)
}

func streaming(stream func(*pb.StreamLicensesRequest, streamServer) error, interceptors ...grpc.StreamServerInterceptor) pb.LicenseServiceClient {
	conn := inproc.New(nil, interceptors)
	pb.RegisterLicenseServiceServer(conn, &licenses{stream: stream})
	return pb.NewLicenseServiceClient(conn)
}

func row(token string) *pb.StreamLicensesResponse {
	return &pb.StreamLicensesResponse{NextPageToken: token}
}

func TestStreamDeliversRowsThenTheEnd(t *testing.T) {
	defer goleak.VerifyNone(t)
	client := streaming(func(req *pb.StreamLicensesRequest, s streamServer) error {
		if md := metadata.ValueFromIncomingContext(s.Context(), "k"); !slices.Equal(md, []string{"v"}) {
			t.Errorf("incoming metadata %q", md)
		}
		if err := s.SetHeader(metadata.Pairs("h", req.GetParent())); err != nil {
			t.Error(err)
		}
		s.SetTrailer(metadata.Pairs("t", "2"))
		for _, token := range []string{"a", "b"} {
			if err := s.Send(row(token)); err != nil {
				return err
			}
		}
		if err := grpc.SetHeader(s.Context(), metadata.Pairs("h", "late")); err == nil {
			t.Error("a header could be set after the first row")
		}
		return nil
	})
	var header, trailer metadata.MD
	ctx := metadata.AppendToOutgoingContext(t.Context(), "k", "v")
	s, err := client.StreamLicenses(ctx, &pb.StreamLicensesRequest{Parent: "p"}, grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil {
		t.Fatal(err)
	}
	if h, err := s.Header(); err != nil || !slices.Equal(h.Get("h"), []string{"p"}) {
		t.Errorf("header %v, %v", h, err)
	}
	for _, want := range []string{"a", "b"} {
		if m, err := s.Recv(); err != nil || m.GetNextPageToken() != want {
			t.Errorf("row %v, %v", m, err)
		}
	}
	for range 2 {
		if _, err := s.Recv(); err != io.EOF {
			t.Errorf("end %v, want it repeated", err)
		}
	}
	if !slices.Equal(s.Trailer().Get("t"), []string{"2"}) || !slices.Equal(trailer.Get("t"), []string{"2"}) || !slices.Equal(header.Get("h"), []string{"p"}) {
		t.Errorf("trailer %v, options %v %v", s.Trailer(), header, trailer)
	}
}

func TestStreamEndsWithTheHandlersError(t *testing.T) {
	client := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
		if err := s.Send(row("a")); err != nil {
			return err
		}
		return status.Error(codes.Unavailable, "gone")
	})
	s, err := client.StreamLicenses(t.Context(), &pb.StreamLicensesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Recv(); status.Code(err) != codes.Unavailable {
			t.Errorf("end %v", err)
		}
	}
}

func TestHeaderOfAStreamWithoutRowsComesWithItsEnd(t *testing.T) {
	client := streaming(func(*pb.StreamLicensesRequest, streamServer) error { return errors.New("at once") })
	s, err := client.StreamLicenses(t.Context(), &pb.StreamLicensesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if h, err := s.Header(); err != nil || len(h) > 0 {
		t.Errorf("header %v, %v", h, err)
	}
	if _, err := s.Recv(); status.Code(err) != codes.Unknown {
		t.Errorf("end %v", err)
	}
}

func TestStreamInterceptorsRunInOrder(t *testing.T) {
	var order []string
	interceptor := func(name string) grpc.StreamServerInterceptor {
		return func(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if info.FullMethod != pb.LicenseService_StreamLicenses_FullMethodName || !info.IsServerStream || info.IsClientStream {
				t.Errorf("info %+v", info)
			}
			order = append(order, name)
			return next(srv, s)
		}
	}
	client := streaming(func(*pb.StreamLicensesRequest, streamServer) error { return nil }, interceptor("first"), interceptor("second"))
	s, err := client.StreamLicenses(t.Context(), &pb.StreamLicensesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != io.EOF {
		t.Errorf("end %v", err)
	}
	if !slices.Equal(order, []string{"first", "second"}) {
		t.Errorf("order %v", order)
	}
}

func TestARowIsTakenBeforeTheHandlerGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		client := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
			for {
				if err := s.Send(row("r")); err != nil {
					return err
				}
				sent++
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s, err := client.StreamLicenses(ctx, &pb.StreamLicensesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for taken := range 3 {
			synctest.Wait()
			if sent != taken {
				t.Errorf("%d rows sent while %d were taken", sent, taken)
			}
			if _, err := s.Recv(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCancellingEndsTheHandlerThoughNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended error
		client := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
			for {
				if ended = s.Send(row("r")); ended != nil {
					return ended
				}
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		s, err := client.StreamLicenses(ctx, &pb.StreamLicensesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait() // and the bubble fails the test if the handler's goroutine outlives it
		if status.Code(ended) != codes.Canceled {
			t.Errorf("the handler's Send answered %v", ended)
		}
	})
}

func TestCancellingFreesTheReaderThoughTheHandlerDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client := streaming(func(*pb.StreamLicensesRequest, streamServer) error { <-release; return nil })
		ctx, cancel := context.WithCancel(t.Context())
		s, err := client.StreamLicenses(ctx, &pb.StreamLicensesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		go func() { synctest.Wait(); cancel() }()
		if _, err := s.Header(); status.Code(err) != codes.Canceled {
			t.Errorf("header %v", err)
		}
		if _, err := s.Recv(); status.Code(err) != codes.Canceled {
			t.Errorf("row %v", err)
		}
		close(release)
		synctest.Wait()
		if _, err := s.Recv(); status.Code(err) != codes.Canceled {
			t.Errorf("end %v, want it repeated even when the handler has ended otherwise", err)
		}
	})
}

func TestDeadlineEndsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
			<-s.Context().Done()
			return s.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 1e9)
		defer cancel()
		s, err := client.StreamLicenses(ctx, &pb.StreamLicensesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("end %v", err)
		}
	})
}

func TestAStreamTakesOneRequest(t *testing.T) {
	conn := inproc.New(nil, nil)
	pb.RegisterLicenseServiceServer(conn, &licenses{stream: func(_ *pb.StreamLicensesRequest, s streamServer) error {
		if err := s.RecvMsg(&pb.StreamLicensesRequest{}); err != io.EOF {
			t.Errorf("second request: %v, want the end", err)
		}
		return nil
	}})
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, pb.LicenseService_StreamLicenses_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SendMsg(&pb.StreamLicensesRequest{}), s.CloseSend()); err != nil {
		t.Fatal(err)
	}
	if err := s.SendMsg(&pb.StreamLicensesRequest{}); status.Code(err) != codes.Internal {
		t.Errorf("a second request: %v", err)
	}
	if err := s.RecvMsg(&pb.StreamLicensesResponse{}); err != io.EOF {
		t.Errorf("end %v", err)
	}
}

func TestAStreamIsNotBegunAfterTheEndOfItsContext(t *testing.T) {
	client := streaming(func(*pb.StreamLicensesRequest, streamServer) error { t.Error("the handler ran"); return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.StreamLicenses(ctx, &pb.StreamLicensesRequest{}); status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
}
