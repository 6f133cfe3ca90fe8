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

// service answers one unary call and one stream, in whatever way a test wants.
type service struct {
	pb.UnimplementedLicenseServiceServer
	answer func() error
}

func (s service) GetUsage(context.Context, *pb.GetUsageRequest) (*pb.Usage, error) {
	return &pb.Usage{}, s.answer()
}

func (s service) StreamLicenses(_ *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error {
	if err := to.Send(&pb.StreamLicensesResponse{}); err != nil {
		return err
	}
	return s.answer()
}

// dial serves over a real gRPC connection, with what the tests want and Errors alone.
func dial(t *testing.T, answer func() error) (*grpc.ClientConn, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	shape := rpcerror.Errors{Log: slog.New(slog.NewTextHandler(log, nil))}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(shape.Unary), grpc.ChainStreamInterceptor(shape.Stream), grpc.UnknownServiceHandler(rpcerror.UnknownMethod))
	pb.RegisterLicenseServiceServer(server, service{answer: answer})
	listener := bufconn.Listen(1 << 16)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///", grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return listener.DialContext(ctx)
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, log
}

// unary and stream make a call, and answer its end.
func unary(t *testing.T, conn *grpc.ClientConn) error {
	_, err := pb.NewLicenseServiceClient(conn).GetUsage(t.Context(), &pb.GetUsageRequest{})
	return err
}

func stream(t *testing.T, conn *grpc.ClientConn) error {
	s, err := pb.NewLicenseServiceClient(conn).StreamLicenses(t.Context(), &pb.StreamLicensesRequest{})
	for err == nil {
		_, err = s.Recv()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

var faces = map[string]func(*testing.T, *grpc.ClientConn) error{"unary": unary, "stream": stream}

func wantError(t *testing.T, err error, code codes.Code, reason pb.ErrorReason) {
	t.Helper()
	s, _ := status.FromError(err)
	var infos []*errdetails.ErrorInfo
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			infos = append(infos, info)
		}
	}
	if s.Code() != code || len(infos) != 1 || infos[0].GetDomain() != apierror.Domain || infos[0].GetReason() != reason.String() {
		t.Errorf("%v with %v, want %s with %s", err, infos, code, reason)
	}
}

func TestAPanicIsAnErrorAndALogLine(t *testing.T) {
	for face, call := range faces {
		conn, log := dial(t, func() error { panic("hunter2") })
		err := call(t, conn)
		wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the caller sees %v", face, err)
		}
		for _, want := range []string{"level=ERROR", "hunter2", "rpcerror_test.go", "drmhub.v1.LicenseService/"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: the log has no %q: %s", face, want, log)
			}
		}
		if err := call(t, conn); status.Code(err) != codes.Internal {
			t.Errorf("%s: the server did not survive: %v", face, err)
		}
	}
}

func TestAnErrorThatNobodyWroteForCallersIsLoggedAndNotShown(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		code   codes.Code
		reason pb.ErrorReason
		logged bool
	}{
		"plain":                   {errors.New("dsn=hunter2"), codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, true},
		"an unknown status":       {status.Error(codes.Unknown, "dsn=hunter2"), codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, true},
		"around a deadline":       {fmt.Errorf("GET /?key=hunter2: %w", context.DeadlineExceeded), codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED, false},
		"around a status":         {fmt.Errorf("GET /?key=hunter2: %w", status.Error(codes.NotFound, "no row")), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, false},
		"around one for callers":  {fmt.Errorf("GET /?key=hunter2: %w", apierror.Invalid("name", "bad")), codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID, false},
		"with one for callers":    {errors.Join(apierror.OutcomeUnknown("cut"), errors.New("hunter2")), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, false},
		"a status without reason": {status.Error(codes.Unimplemented, "method X not implemented"), codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN, false},
	} {
		for face, call := range faces {
			conn, log := dial(t, func() error { return c.err })
			err := call(t, conn)
			wantError(t, err, c.code, c.reason)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s, %s: the caller sees %v", name, face, err)
			}
			if logged := strings.Contains(log.String(), "hunter2"); logged != c.logged {
				t.Errorf("%s, %s: in the log: %v, want %v: %s", name, face, logged, c.logged, log)
			}
		}
	}
}

func TestAnErrorOfThePublicFacePassesUnchanged(t *testing.T) {
	made := apierror.InvalidRequest(&errdetails.BadRequest_FieldViolation{Field: "page_size", Description: "must be more", Reason: "INT32_GTE"}).With(apierror.Vendor, "acme")
	made.RetryAfter = 7 * time.Second
	for face, call := range faces {
		for how, sent := range map[string]error{"as it is": made, "as a status": made.GRPCStatus().Err()} {
			conn, log := dial(t, func() error { return sent })
			got, _ := status.FromError(call(t, conn))
			if !proto.Equal(got.Proto(), made.GRPCStatus().Proto()) {
				t.Errorf("%s, %s: %v, want %v", face, how, got.Proto(), made.GRPCStatus().Proto())
			}
			if log.Len() > 0 {
				t.Errorf("%s, %s: what a caller did wrong is in the log: %s", face, how, log)
			}
		}
	}
}

func TestASuccessIsLeftAlone(t *testing.T) {
	for face, call := range faces {
		conn, log := dial(t, func() error { return nil })
		if err := call(t, conn); err != nil || log.Len() > 0 {
			t.Errorf("%s: %v, log %q", face, err, log)
		}
	}
}

func TestAnUnknownMethodHasTheShapeOfAllErrors(t *testing.T) {
	conn, _ := dial(t, func() error { return nil })
	err := conn.Invoke(t.Context(), "/drmhub.v1.LicenceService/ListLicences", &pb.GetUsageRequest{}, &pb.Usage{})
	wantError(t, err, codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN)
	if !strings.Contains(err.Error(), " drmhub.v1.LicenceService/ListLicences;") {
		t.Errorf("%v does not name the method", err)
	}
	err = conn.Invoke(t.Context(), "/drmhub.v1.LicenseService/ListLicences", &pb.GetUsageRequest{}, &pb.Usage{})
	wantError(t, err, codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN)
}
