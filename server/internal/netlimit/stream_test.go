package netlimit

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// licenses streams messages of 100 KB until the client is gone, or pauses once.
type licenses struct {
	pb.UnimplementedLicenseServiceServer
	ended chan error
}

func (l licenses) StreamLicenses(
	req *pb.StreamLicensesRequest, stream grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	message := &pb.StreamLicensesResponse{NextPageToken: strings.Repeat("x", 100<<10)}
	var err error
	for i := 0; err == nil && (i < 2 || req.GetParent() == "endless"); i++ {
		if err = stream.Send(message); req.GetParent() != "endless" {
			time.Sleep(3 * short.Write) // A stream may wait for the vendor as long as it takes.
		}
	}
	l.ended <- err
	return err
}

func TestStreamThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newPipes(), grpc.NewServer(grpc.ChainStreamInterceptor(Stream(short.Write)))
		service := licenses{ended: make(chan error, 1)}
		pb.RegisterLicenseServiceServer(s, service)
		go func() { _ = s.Serve(l) }()
		defer s.Stop()
		conn, err := grpc.NewClient("passthrough:pipes", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return l.dial() }))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for parent, want := range map[string]codes.Code{"endless": codes.DeadlineExceeded, "": codes.OK} {
			req := &pb.StreamLicensesRequest{Parent: parent}
			stream, err := pb.NewLicenseServiceClient(conn).StreamLicenses(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if err := <-service.ended; status.Code(err) != want {
				t.Errorf("%q: the method ends with %v", parent, err)
			}
			for err == nil {
				_, err = stream.Recv()
			}
			if want != codes.OK && (status.Code(err) != want || !strings.Contains(err.Error(), "page_token")) {
				t.Errorf("the client gets %v", err)
			}
		}
	})
}
