package adaptertest

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// packagingReport is checked like the reports about licenses: a packaging is made of one row's
// content and time.
var packagingReport = report[*pb.Packaging]{
	rpc:   "ListPackagings",
	needs: needs(capability[adapters.PackagingLister]()),
	takes: []string{"start_date", "end_date", "content_id"},
	page: func(ctx context.Context, h Harness, q reportQuery) (reportPage[*pb.Packaging], error) {
		req := &pb.ListPackagingsRequest{Parent: q.parent, Filter: proto.CloneOf(q.filter), PageSize: q.size, PageToken: q.token}
		res, err := h.Adapter.(adapters.PackagingLister).ListPackagings(ctx, req)
		return reportPage[*pb.Packaging]{res, res.GetPackagings(), res.GetNextPageToken(), res.GetTotalSize()}, err
	},
	id:  func(l *pb.License, id string) { l.ContentId = id },
	put: (*site).putPackagings,
	made: func(siteName string, of []*pb.License) []*pb.Packaging {
		var rows []*pb.Packaging
		for _, l := range of {
			row := packaging(l)
			row.Site = siteName
			rows = append(rows, row)
		}
		return rows
	},
}

var packagingPromises = []Promise{
	{"ListPackagings gives packagings of one second as often as the vendor holds them", packagingReport.needs, packagingsOfOneSecond},
	{"ListPackagings leaves the earlier packagings in their place when others arrive", packagingReport.needs, packagingsThatArrive},
}

func packaging(l *pb.License) *pb.Packaging {
	return &pb.Packaging{ContentId: l.GetContentId(), Track: "HD", CreateTime: l.GetCreateTime(), UpdateTime: l.GetCreateTime()}
}

// putPackagings lets the vendor hold a packaging for each row, whose content and time it has.
func (s *site) putPackagings(rows ...*pb.License) {
	var arriving []*pb.Packaging
	for _, l := range rows {
		s.rows = append(s.rows, row{seeded: l})
		arriving = append(arriving, packaging(l))
	}
	s.PutPackagings(s.id, arriving...)
}

func packagingsOfOneSecond(t T, h Harness) {
	s := newSite(t, h)
	for i := range 40 {
		at := midnight.Add(time.Duration(i/4) * time.Second)
		s.putPackagings(license(fmt.Sprintf("content-%d", i/2), at)) // two and two are equal
	}
	for _, size := range []int32{1, 3, 4, 39, 1000} {
		sameRows(t, fmt.Sprintf("page_size %d", size), packagingReport.list(t, s, nil, size), packagingReport.want(s, nil))
	}
}

func packagingsThatArrive(t T, h Harness) {
	s := newSite(t, h)
	packagingReport.manyRows(s, 40)
	held := packagingReport.want(s, nil)
	var got []*pb.Packaging
	q := reportQuery{parent: s.name, size: 3}
	for i := range mostPages {
		p, err := packagingReport.page(t.Context(), h, q)
		if err != nil {
			t.Fatalf("ListPackagings, page %d: %v", i, err)
		}
		got = append(got, p.rows...)
		if q.token = p.token; q.token == "" {
			break
		}
		if i < 6 { // or a list that follows the newest rows would never end
			s.putPackagings(license("late", midnight.Add(time.Minute+time.Duration(i)*time.Second)))
		}
	}
	sameRows(t, "ListPackagings", got, held, packagingReport.want(s, nil)[len(held):]...)
}
