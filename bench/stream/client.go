package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const site = "vendors/acme/sites/DEMO"

// overGRPC receives the whole stream, and returns the number of its rows. It checks their order.
func overGRPC(ctx context.Context, address string, slow time.Duration) (rows int, err error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	stream, err := pb.NewLicenseServiceClient(conn).StreamLicenses(ctx, &pb.StreamLicensesRequest{Parent: site})
	if err != nil {
		return 0, err
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		for _, l := range message.GetLicenses() {
			if l.GetUserId() != viewer(rows) {
				return rows, fmt.Errorf("row %d is of %s, want %s", rows, l.GetUserId(), viewer(rows))
			}
			rows++
		}
		time.Sleep(slow)
	}
}

// overREST receives the whole stream as lines of JSON, and returns the number of its rows.
func overREST(ctx context.Context, address string, slow time.Duration) (rows int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v1/"+site+"/licenses:stream", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), viewer(rows)) {
			return rows, fmt.Errorf("row %d is not of %s: %s", rows, viewer(rows), lines.Text())
		}
		if rows++; rows%1000 == 0 {
			time.Sleep(slow)
		}
	}
	return rows, lines.Err()
}

// viewer returns the user of the row at a position.
func viewer(row int) string { return fmt.Sprintf("viewer-%08d@example.com", row) }
