package services_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/auth"
)

func TestCoverage(t *testing.T) {
	engine := archivetest.NewMemory()
	const site = "vendors/v/sites/s"
	fill(t, engine, 1, site)
	for _, span := range []archive.Span{{From: begin + 10, To: begin + 20}, {From: begin + 30, To: begin + 40}} {
		if _, err := engine.Replace(t.Context(), archive.Replacement{Site: site, Span: span, Final: true}); err != nil {
			t.Fatal(err)
		}
	}
	client := archiveOf(t, engine, auth.Identity{}, configured("v", historical{}))
	for _, c := range []struct {
		from, to int64 // after begin; -1 means open
		want     string
	}{
		{-1, -1, "30 40"},
		{35, -1, "35 40"},
		{-1, 15, "10 15"},
		{12, 18, "12 18 complete"},
		{10, 20, "10 20 complete"},
		{10, 40, "30 40"},
		{20, 30, "-"},
		{15, 31, "30 31"},
	} {
		filter := &pb.ArchiveFilter{}
		if c.from >= 0 {
			filter.StartTime = &timestamppb.Timestamp{Seconds: begin + c.from}
		}
		if c.to >= 0 {
			filter.EndTime = &timestamppb.Timestamp{Seconds: begin + c.to}
		}
		page, err := client.SearchLicenses(t.Context(), &pb.SearchLicensesRequest{Parent: site, Filter: filter})
		if err != nil {
			t.Fatal(err)
		}
		got, covered := "-", page.GetCoverage()[0]
		if covered.GetStartTime() != nil {
			got = fmt.Sprint(covered.GetStartTime().GetSeconds()-begin, " ", covered.GetEndTime().GetSeconds()-begin)
		}
		if covered.GetComplete() {
			got += " complete"
		}
		if got != c.want {
			t.Errorf("[%d, %d): %s, want %s", c.from, c.to, got, c.want)
		}
	}
}
