package services_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// failing is an engine whose scan fails after some rows.
type failing struct {
	archive.Engine
	after int
}

func (f failing) Scan(
	ctx context.Context, q archive.Question, below archive.Key, yield func([]archive.Row) error,
) error {
	seen := 0
	return f.Engine.Scan(ctx, q, below, func(rows []archive.Row) error {
		if seen += len(rows); seen > f.after {
			return errDown
		}
		return yield(rows)
	})
}

func TestAnExportIsCompleteAndContinues(t *testing.T) {
	for _, rows := range []int{0, 1, 1000, 1001, 2500} {
		engine := archivetest.NewMemory()
		const site = "vendors/v/sites/s"
		fill(t, engine, max(rows, 1), site)
		filter := &pb.ArchiveFilter{}
		if rows == 0 {
			filter.ContentId = "none"
		}
		for _, after := range []int{0, 1, 2, 3, 9} { // thousands of rows, then a failure
			req := &pb.ExportLicensesRequest{Parent: site, Filter: filter}
			got, end := export(t, archiveOf(t, failing{engine, after * 1000}, auth.Identity{},
				configured("v", historical{})), req)
			if failed := rows > after*1000; (apierror.Convert(orNil(end)).Code == codes.Unavailable) != failed {
				t.Fatalf("%d rows, a failure after %d thousand: %v", rows, after, end)
			}
			more, end := export(t, archiveOf(t, engine, auth.Identity{}, configured("v", historical{})), req)
			if got = append(got, more...); !errors.Is(end, io.EOF) || len(got) != rows {
				t.Errorf("%d rows, a failure after %d thousand: %d, %v", rows, after, len(got), end)
			}
			for i, l := range got {
				if l.GetContentId() != fmt.Sprint("s", rows-1-i) {
					t.Fatalf("row %d is %s", i, l.GetContentId())
				}
			}
		}
	}
}

// export reads an export until it ends, and sets the token that continues it. An export that has
// ended is not read again.
func export(t *testing.T, client pb.ArchiveServiceClient, req *pb.ExportLicensesRequest) (rows []*pb.License, _ error) {
	t.Helper()
	if req.GetPageToken() == "done" {
		return nil, io.EOF
	}
	stream, err := client.ExportLicenses(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		m, err := stream.Recv()
		if err != nil {
			return rows, err
		}
		if len(m.GetLicenses()) > paging.MaxSize || (n == 0) != (len(m.GetCoverage()) == 1) {
			t.Errorf("message %d has %d rows and the coverage %v", n, len(m.GetLicenses()), m.GetCoverage())
		}
		rows = append(rows, m.GetLicenses()...)
		if req.PageToken = m.GetNextPageToken(); req.GetPageToken() == "" {
			req.PageToken = "done"
		}
	}
}
