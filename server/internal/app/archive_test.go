package app_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// archived waits until the archive has read a site once, from its newest license to its oldest.
func (h *testServer) archived(t *testing.T, site string) {
	t.Helper()
	req := &pb.SyncArchiveRequest{Name: site + "/archive"}
	if _, err := pb.NewArchiveServiceClient(h.conn).SyncArchive(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func TestQuestionsToTheArchive(t *testing.T) {
	h := start(t)
	h.archived(t, demo)
	for _, c := range casesIn("questions") {
		t.Run(c.name, func(t *testing.T) { c.check(t, h, h) })
	}
}

// export reads a whole export.
func (h *testServer) export(ctx context.Context, req *pb.ExportLicensesRequest) (rows []*pb.License, err error) {
	stream, err := pb.NewArchiveServiceClient(h.conn).ExportLicenses(ctx, req, grpc.WaitForReady(true))
	for err == nil {
		var m *pb.ExportLicensesResponse
		m, err = stream.Recv()
		rows = append(rows, m.GetLicenses()...)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return rows, err
}
