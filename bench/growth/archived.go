package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// withArchive is the configuration of a server whose vendors do not respond. The archive has their
// rows.
const withArchive = listeners + `
archive: {enabled: true, dsn: %q, interval: 24h, keep: 876000h}
vendors:
  - id: pallycon
    pallycon: {base_url: "http://127.0.0.1:1", account_id: bench, account_seq: "1", service_api_key: {env: BENCH_KEY}}
  - id: ncp
    ncp: {base_url: "http://127.0.0.1:1", access_key: {env: BENCH_KEY}, secret_key: {env: BENCH_KEY}}
`

// archived measures more and more archived licenses, in one file of SQLite.
func (b *bench) archived(ctx context.Context, sizes []int) error {
	c := b.curve("archived", slices.Concat(stateFigures(), []figure{mebibytes("file")}, latencies("a search"),
		latencies("a user's licenses"), latencies("a site's months"), latencies("a site's days"),
		[]figure{{"export of 100,000", "%.0f ms", true}})...)
	for _, n := range sizes {
		values, err := b.withArchived(ctx, n)
		if err != nil {
			return err
		}
		c.add(n, values)
	}
	return c.end()
}

func (b *bench) withArchived(ctx context.Context, n int) ([]float64, error) {
	run, err := program.Begin("growth")
	if err != nil {
		return nil, err
	}
	defer run.Close()
	file := filepath.Join(run.Folder, "archive.db")
	measure, err := program.Compile(ctx, run.Folder, "server/internal/archive/measure")
	if err != nil {
		return nil, err
	}
	//nolint:gosec // It was built above.
	fill := exec.CommandContext(ctx, measure, "-dsn", "sqlite:"+file, "-rows", strconv.Itoa(n))
	fill.Stderr = os.Stderr
	if err := fill.Run(); err != nil {
		return nil, fmt.Errorf("filling the archive: %w", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	s, err := b.serve(ctx, run, "drmhub", fmt.Sprintf(withArchive, "sqlite::memory:", "sqlite:"+file))
	if err != nil {
		return nil, err
	}
	user, err := anyUser(ctx, s.conns[0])
	if err != nil {
		return nil, err
	}
	took, err := b.latencies(ctx, s, search(&pb.ArchiveFilter{}), search(&pb.ArchiveFilter{UserId: user}),
		summarize(pb.SummarizeLicensesRequest_MONTH), summarize(pb.SummarizeLicensesRequest_DAY))
	if err != nil {
		return nil, err
	}
	exported, err := export(ctx, s.conns[0], min(n/2, 100_000))
	if err != nil {
		return nil, err
	}
	state, err := s.state()
	return slices.Concat(state, []float64{float64(info.Size()) / (1 << 20)}, took, []float64{exported}), err
}

const everywhere = "vendors/-/sites/-"

func search(filter *pb.ArchiveFilter) call {
	return func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
		req := &pb.SearchLicensesRequest{Parent: everywhere, Filter: filter}
		_, err := pb.NewArchiveServiceClient(conn).SearchLicenses(ctx, req)
		return err
	}
}

// anyUser returns a user of the newest licenses.
func anyUser(ctx context.Context, conn *grpc.ClientConn) (string, error) {
	req := &pb.SearchLicensesRequest{Parent: everywhere}
	res, err := pb.NewArchiveServiceClient(conn).SearchLicenses(ctx, req)
	if err != nil {
		return "", err
	}
	for _, l := range res.GetLicenses() {
		if l.GetUserId() != "" {
			return l.GetUserId(), nil
		}
	}
	return "", errors.New("no license has a user")
}

// summarize counts the licenses, users and devices of the largest site. The archive keeps the
// counts of months, and reads all rows of the site for those of days.
func summarize(interval pb.SummarizeLicensesRequest_Interval) call {
	return func(ctx context.Context, conn *grpc.ClientConn, _ int) error {
		_, err := pb.NewArchiveServiceClient(conn).SummarizeLicenses(ctx, &pb.SummarizeLicensesRequest{
			Parent: "vendors/pallycon/sites/S000", Interval: interval, TimeZone: "Asia/Seoul",
		})
		return err
	}
}

// export receives this number of licenses, and returns the milliseconds for 100,000 of them.
func export(ctx context.Context, conn *grpc.ClientConn, want int) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	stream, err := pb.NewArchiveServiceClient(conn).ExportLicenses(ctx, &pb.ExportLicensesRequest{Parent: everywhere})
	if err != nil {
		return 0, err
	}
	rows := 0
	for rows < want {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		rows += len(message.GetLicenses())
	}
	took := float64(time.Since(began)) / float64(time.Millisecond)
	return took / float64(rows) * 100_000, nil
}
