package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// configuration is that of a server whose vendors do not respond. The archive has their rows.
const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: "sqlite::memory:"}
archive: {enabled: true, dsn: %q, interval: 24h, keep: 876000h}
vendors:
  - id: pallycon
    pallycon: {base_url: "http://127.0.0.1:1", account_id: bench, account_seq: "1", service_api_key: {env: BENCH_KEY}}
  - id: ncp
    ncp: {base_url: "http://127.0.0.1:1", access_key: {env: BENCH_KEY}, secret_key: {env: BENCH_KEY}}
`

const everywhere = "vendors/-/sites/-"

// overServer asks the real server, exports a million rows, and reads the server's memory.
func overServer(ctx context.Context, run *program.Run, dsn string, t *table) error {
	s, err := run.Serve(ctx, "drmhub", fmt.Sprintf(configuration, dsn), "BENCH_KEY=bench-key-0123456789abcdef01234567")
	if err != nil {
		return err
	}
	conns, stop, err := load.Dial(s.GRPC)
	if err != nil {
		return err
	}
	run.OnClose(stop)
	idle, err := s.Memory("VmHWM")
	if err != nil {
		return err
	}
	client := pb.NewArchiveServiceClient(conns[0])
	if err := ask(ctx, client, t); err != nil {
		return err
	}
	rows, took, err := export(ctx, client)
	if err != nil {
		return fmt.Errorf("exporting, after %d rows: %w", rows, err)
	}
	t.add(figure{
		Name: "export over gRPC, beside the scan", Engine: float64(rows) / took.Seconds(), Raw: t.scan, Unit: "rows/s",
		Note: fmt.Sprintf("%d rows", rows),
	})
	peak, err := s.Memory("VmHWM")
	t.add(figure{
		Name: "the server's memory while it is asked, and exports", Engine: mebibytes(peak), Unit: "MiB",
		Note: fmt.Sprintf("%.0f MiB before", mebibytes(idle)),
	})
	return err
}

func mebibytes(bytes int) float64 { return float64(bytes) / (1 << 20) }

// ask makes searches and summaries over gRPC, and reports what a search takes.
func ask(ctx context.Context, client pb.ArchiveServiceClient, t *table) error {
	var fastest time.Duration
	for i := range 20 {
		began := time.Now()
		res, err := client.SearchLicenses(ctx, &pb.SearchLicensesRequest{Parent: everywhere})
		if err != nil {
			return err
		}
		if took := time.Since(began); i == 0 || took < fastest {
			fastest = took
		}
		user := res.GetLicenses()[i%len(res.GetLicenses())].GetUserId()
		_, err = client.SearchLicenses(ctx, &pb.SearchLicensesRequest{
			Parent: everywhere, Filter: &pb.ArchiveFilter{UserId: user},
		})
		if err != nil {
			return err
		}
	}
	for _, by := range []*pb.SummarizeLicensesRequest{
		{Parent: "vendors/pallycon/sites/S000", Interval: pb.SummarizeLicensesRequest_DAY},
		{
			Parent: "vendors/pallycon/sites/S000", OrderBy: "device_count desc",
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_USER},
		},
		{Parent: everywhere, GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_ERROR_CODE}},
	} {
		if _, err := client.SummarizeLicenses(ctx, by); err != nil {
			return err
		}
	}
	t.add(figure{
		Name: "a search over gRPC, the fastest of 20", Engine: float64(fastest) / float64(time.Millisecond), Unit: "ms",
		Note: "with the number of all rows; the vendors do not respond",
	})
	return nil
}

// export receives a million rows.
func export(ctx context.Context, client pb.ArchiveServiceClient) (rows int, took time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	stream, err := client.ExportLicenses(ctx, &pb.ExportLicensesRequest{Parent: everywhere})
	if err != nil {
		return 0, 0, err
	}
	for rows < 1_000_000 {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rows, 0, err
		}
		rows += len(message.GetLicenses())
	}
	return rows, time.Since(began), nil
}
