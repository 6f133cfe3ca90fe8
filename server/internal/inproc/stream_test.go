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

type (
	streamServer   = grpc.ServerStreamingServer[pb.StreamLicensesResponse]
	streamLicenses = func(*pb.StreamLicensesRequest, streamServer) error
)

// licenses is a service with one method.
type licenses struct {
	pb.UnimplementedLicenseServiceServer
	stream streamLicenses
}

func (l *licenses) StreamLicenses(req *pb.StreamLicensesRequest, s streamServer) error {
	return l.stream(req, s)
}

func streaming(stream streamLicenses, interceptors ...grpc.StreamServerInterceptor) pb.LicenseServiceClient {
	conn := inproc.New(nil, interceptors)
	pb.RegisterLicenseServiceServer(conn, &licenses{stream: stream})
	return pb.NewLicenseServiceClient(conn)
}

// open starts a stream from this handler.
func open(
	ctx context.Context, t *testing.T, stream streamLicenses, opts ...grpc.CallOption,
) grpc.ServerStreamingClient[pb.StreamLicensesResponse] {
	t.Helper()
	s, err := streaming(stream).StreamLicenses(ctx, &pb.StreamLicensesRequest{Parent: "p"}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func row(token string) *pb.StreamLicensesResponse {
	return &pb.StreamLicensesResponse{NextPageToken: token}
}

// wantEnd checks that a stream ends with this code, and stays at its end. OK is io.EOF.
func wantEnd(t *testing.T, s grpc.ServerStreamingClient[pb.StreamLicensesResponse], code codes.Code) {
	t.Helper()
	for range 2 {
		_, err := s.Recv()
		if code == codes.OK && err != io.EOF || code != codes.OK && status.Code(err) != code {
			t.Errorf("the end is %v, want %s", err, code)
		}
	}
}

func TestStreamDeliversRowsThenTheEnd(t *testing.T) {
	defer goleak.VerifyNone(t)
	var header, trailer metadata.MD
	ctx := metadata.AppendToOutgoingContext(t.Context(), "k", "v")
	s := open(ctx, t, func(req *pb.StreamLicensesRequest, s streamServer) error {
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
			t.Error("SetHeader succeeds after the first row")
		}
		return nil
	}, grpc.Header(&header), grpc.Trailer(&trailer))
	h, err := s.Header()
	if err != nil {
		t.Errorf("header: %v", err)
	}
	for _, want := range []string{"a", "b"} {
		if m, err := s.Recv(); err != nil || m.GetNextPageToken() != want {
			t.Errorf("row %v, %v", m, err)
		}
	}
	wantEnd(t, s, codes.OK)
	for _, md := range []metadata.MD{h, header} {
		if !slices.Equal(md.Get("h"), []string{"p"}) {
			t.Errorf("header %v", md)
		}
	}
	for _, md := range []metadata.MD{s.Trailer(), trailer} {
		if !slices.Equal(md.Get("t"), []string{"2"}) {
			t.Errorf("trailer %v", md)
		}
	}
}

func TestStreamEndsWithTheHandlersError(t *testing.T) {
	s := open(t.Context(), t, func(_ *pb.StreamLicensesRequest, s streamServer) error {
		if err := s.Send(row("a")); err != nil {
			return err
		}
		return status.Error(codes.Unavailable, "gone")
	})
	if _, err := s.Recv(); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, s, codes.Unavailable)

	s = open(t.Context(), t, func(*pb.StreamLicensesRequest, streamServer) error { return errors.New("at once") })
	if h, err := s.Header(); err != nil || len(h) > 0 {
		t.Errorf("the header of a stream without rows: %v, %v", h, err)
	}
	wantEnd(t, s, codes.Unknown)
}

func TestStreamInterceptorsRunInOrder(t *testing.T) {
	var order []string
	interceptor := func(name string) grpc.StreamServerInterceptor {
		return func(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			want := grpc.StreamServerInfo{
				FullMethod: pb.LicenseService_StreamLicenses_FullMethodName, IsServerStream: true,
			}
			if *info != want {
				t.Errorf("info %+v", info)
			}
			order = append(order, name)
			return next(srv, s)
		}
	}
	client := streaming(func(*pb.StreamLicensesRequest, streamServer) error { return nil },
		interceptor("first"), interceptor("second"))
	s, err := client.StreamLicenses(t.Context(), &pb.StreamLicensesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wantEnd(t, s, codes.OK)
	if !slices.Equal(order, []string{"first", "second"}) {
		t.Errorf("order %v", order)
	}
}

func TestARowIsTakenBeforeTheHandlerContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		var ended error
		ctx, cancel := context.WithCancel(t.Context())
		s := open(ctx, t, func(_ *pb.StreamLicensesRequest, s streamServer) error {
			for {
				if ended = s.Send(row("r")); ended != nil {
					return ended
				}
				sent++
			}
		})
		for taken := range 3 {
			synctest.Wait()
			if sent != taken {
				t.Errorf("%d rows sent while %d were taken", sent, taken)
			}
			if _, err := s.Recv(); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		synctest.Wait() // The bubble fails the test if the handler's goroutine outlives it.
		if status.Code(ended) != codes.Canceled {
			t.Errorf("Send in the handler returned %v", ended)
		}
	})
}

func TestCancelingFreesTheReaderOfAStuckHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		s := open(ctx, t, func(*pb.StreamLicensesRequest, streamServer) error { <-release; return nil })
		go func() { synctest.Wait(); cancel() }()
		if _, err := s.Header(); status.Code(err) != codes.Canceled {
			t.Errorf("header %v", err)
		}
		wantEnd(t, s, codes.Canceled)
		close(release)
		synctest.Wait()
		wantEnd(t, s, codes.Canceled) // although the handler has returned nil
	})
}

func TestDeadlineEndsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1e9)
		defer cancel()
		s := open(ctx, t, func(_ *pb.StreamLicensesRequest, s streamServer) error {
			<-s.Context().Done()
			return s.Send(row("too late"))
		})
		wantEnd(t, s, codes.DeadlineExceeded)
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
	const name = pb.LicenseService_StreamLicenses_FullMethodName
	s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, name)
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
