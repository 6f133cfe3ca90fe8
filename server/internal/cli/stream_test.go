package cli

import (
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/environment"
)

// breaking streams two messages, and breaks after each of them.
type breaking struct {
	pb.UnimplementedLicenseServiceServer
}

func (breaking) StreamLicenses(
	req *pb.StreamLicensesRequest, stream grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	message := &pb.StreamLicensesResponse{Licenses: []*pb.License{{ContentId: "first"}}, NextPageToken: "second"}
	if req.GetPageToken() == "second" {
		message = &pb.StreamLicensesResponse{Licenses: []*pb.License{{ContentId: "second"}}}
	}
	if err := stream.Send(message); err != nil {
		return err
	}
	return status.Error(codes.Unavailable, "the connection breaks")
}

// serve starts a server of gRPC, to which commands go until the test ends.
func serve(t *testing.T, register func(*grpc.Server)) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	register(server)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	t.Setenv(environment.Server, listener.Addr().String())
}

// TestABrokenStreamShowsEachRowOnce breaks the stream also between the last row and its end.
func TestABrokenStreamShowsEachRowOnce(t *testing.T) {
	serve(t, func(s *grpc.Server) { pb.RegisterLicenseServiceServer(s, breaking{}) })
	out, errs, err := run(t.Context(), "", strings.Fields("licenses stream vendors/a/sites/b -o ndjson --retries 0")...)
	first, second := strings.Count(out, `"first"`), strings.Count(out, `"second"`)
	if err != nil || first != 1 || second != 1 {
		t.Errorf("%v: %d first and %d second rows\n%s", err, first, second, errs)
	}
}
