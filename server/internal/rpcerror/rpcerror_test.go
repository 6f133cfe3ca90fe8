package rpcerror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
)

// service ends a unary call and a stream in the way that a test orders.
type service struct {
	pb.UnimplementedLicenseServiceServer
	end func() error
}

func (s service) GetUsage(context.Context, *pb.GetUsageRequest) (*pb.Usage, error) {
	return &pb.Usage{}, s.end()
}

func (s service) StreamLicenses(
	_ *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	if err := to.Send(&pb.StreamLicensesResponse{}); err != nil {
		return err
	}
	return s.end()
}

// dial serves over a real gRPC connection, with the interceptors of this package alone.
func dial(t *testing.T, end func() error) (*grpc.ClientConn, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	shape := rpcerror.Errors{Log: slog.New(slog.NewTextHandler(log, nil))}
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(shape.Unary, rpcerror.Readable), grpc.ChainStreamInterceptor(shape.Stream),
		grpc.UnknownServiceHandler(rpcerror.UnknownMethod), grpc.ForceServerCodecV2(rpcerror.Codec()))
	pb.RegisterLicenseServiceServer(server, service{end: end})
	listener := bufconn.Listen(1 << 16)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	dialer := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	conn, err := grpc.NewClient("passthrough:///", grpc.WithContextDialer(dialer),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, log
}

// faces make a call, and return how it ends.
var faces = map[string]func(*testing.T, *grpc.ClientConn) error{
	"unary": func(t *testing.T, conn *grpc.ClientConn) error {
		_, err := pb.NewLicenseServiceClient(conn).GetUsage(t.Context(), &pb.GetUsageRequest{})
		return err
	},
	"stream": func(t *testing.T, conn *grpc.ClientConn) error {
		s, err := pb.NewLicenseServiceClient(conn).StreamLicenses(t.Context(), &pb.StreamLicensesRequest{})
		for err == nil {
			_, err = s.Recv()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	},
}

func wantError(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	s, _ := status.FromError(err)
	var infos []*errdetails.ErrorInfo
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			infos = append(infos, info)
		}
	}
	if s.Code() != code || len(infos) != 1 || infos[0].GetDomain() != apierror.Domain ||
		infos[0].GetReason() != reason {
		t.Errorf("%v with %v, want %s with %s", err, infos, code, reason)
	}
}

func TestAnInternalErrorIsLoggedAndNotShown(t *testing.T) {
	around := func(err error) error { return fmt.Errorf("GET /?key=hunter2: %w", err) }
	plain, panicked := errors.New("dsn=hunter2"), errors.New("a panic")
	unknown := status.Error(codes.Unknown, "hunter2")
	both := errors.Join(apierror.OutcomeUnknown("x"), plain)
	for name, c := range map[string]struct {
		err    error
		code   codes.Code
		reason string
		logged string // after the level and the method
	}{
		"a panic":                {panicked, codes.Internal, "INTERNAL_FAILURE", "rpcerror_test.go"},
		"plain":                  {plain, codes.Internal, "INTERNAL_FAILURE", "hunter2"},
		"an unknown status":      {unknown, codes.Internal, "INTERNAL_FAILURE", "hunter2"},
		"around a deadline":      {around(context.DeadlineExceeded), codes.DeadlineExceeded, "DEADLINE_PASSED", ""},
		"around a status":        {around(status.Error(codes.NotFound, "x")), codes.NotFound, "RESOURCE_NOT_FOUND", ""},
		"around one for callers": {around(apierror.Invalid("f", "x")), codes.InvalidArgument, "REQUEST_INVALID", ""},
		"with one for callers":   {both, codes.Unknown, "OUTCOME_UNKNOWN", ""},
		"without a reason":       {status.Error(codes.Unimplemented, "x"), codes.Unimplemented, "METHOD_UNKNOWN", ""},
	} {
		for face, call := range faces {
			t.Run(name+" "+face, func(t *testing.T) {
				conn, log := dial(t, func() error {
					if c.err == panicked {
						panic("hunter2")
					}
					return c.err
				})
				for range 2 { // The server survives a panic.
					err := call(t, conn)
					wantError(t, err, c.code, c.reason)
					if strings.Contains(err.Error(), "hunter2") {
						t.Errorf("the caller sees %v", err)
					}
				}
				if logged := log.Len() > 0; logged != (c.logged != "") {
					t.Errorf("the log: %s", log)
				}
				for _, want := range []string{"level=ERROR", "hunter2", "drmhub.v1.LicenseService/", c.logged} {
					if c.logged != "" && !strings.Contains(log.String(), want) {
						t.Errorf("the log has no %q: %s", want, log)
					}
				}
			})
		}
	}
}

func TestAnErrorOfThePublicFacePassesUnchanged(t *testing.T) {
	violation := &errdetails.BadRequest_FieldViolation{Field: "page_size", Description: "is bad", Reason: "INT32_GTE"}
	made := apierror.InvalidRequest(violation).With(apierror.Vendor, "acme")
	made.RetryAfter = 7 * time.Second
	for face, call := range faces {
		for _, sent := range []error{made, made.GRPCStatus().Err(), nil} {
			conn, log := dial(t, func() error { return sent })
			got := status.Convert(call(t, conn)).Proto()
			if want := status.Convert(sent).Proto(); !proto.Equal(got, want) || log.Len() > 0 {
				t.Errorf("%s: %v, want %v; the log: %s", face, got, want, log)
			}
		}
	}
}

func TestAnUnknownServiceHasTheShapeOfAllErrors(t *testing.T) {
	conn, _ := dial(t, func() error { return nil })
	err := conn.Invoke(t.Context(), "/drmhub.v1.LicensService/ListLicenses", &pb.GetUsageRequest{}, &pb.Usage{})
	wantError(t, err, codes.Unimplemented, "METHOD_UNKNOWN")
	if !strings.Contains(err.Error(), " drmhub.v1.LicensService/ListLicenses;") {
		t.Errorf("%v does not name the method", err)
	}
}
