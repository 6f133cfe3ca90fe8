package adaptertest_test

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// pager pages through what the vendor holds now, as if nothing ever arrived. Its functions are what
// can go wrong with that.
type pager struct {
	view  func(rows []*pb.License) []*pb.License // what it makes of the rows
	size  func(pageSize int32) int               // how many rows it answers
	total func(all, page int) int                // what it tells as the total
	// how many rows it loses between pages
	skip int
	// it looks no further than the newest second at the first page
	pinned bool
	// it counts the rows that arrived twice over
	twice  bool
	number bool                                               // its tokens hold a page number
	token  func(req *pb.ListLicensesRequest, at place) string // how it writes tokens
	resume func(req *pb.ListLicensesRequest, at *place) error // how it reads them
}

// place is where a pager stands.
type place struct {
	Offset, Page int
	Held         int // rows, when the page before was read
	End          time.Time
	Size         int32
}

func (p pager) make(b *bugged) { b.list = p.list(b) }

func (p pager) list(b *bugged) func(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	return func(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		var at place
		if err := p.resumed(req, &at); err != nil {
			return nil, err
		}
		rows, err := allRows(ctx, b, req, at.End)
		if err != nil {
			return nil, err
		}
		if p.pinned && at.End.IsZero() && len(rows) > 0 {
			at.End = rows[0].GetCreateTime().AsTime().Add(time.Second)
		}
		if p.view != nil {
			rows = p.view(rows)
		}
		size := paging.Size(req.GetPageSize())
		if p.size != nil {
			size = p.size(req.GetPageSize())
		}
		if p.number {
			at.Offset = at.Page * size
		}
		if p.twice && at.Held > 0 {
			at.Offset += 2 * (len(rows) - at.Held)
		}
		at.Held = len(rows)
		from := min(at.Offset, len(rows))
		to := min(from+size, len(rows))
		res := &pb.ListLicensesResponse{Licenses: rows[from:to]}
		if p.total != nil {
			res.TotalSize = int32(p.total(len(rows), to-from))
		}
		if to < len(rows) {
			at.Offset, at.Page = to+p.skip, at.Page+1
			res.NextPageToken = p.written(req, at)
		}
		return res, nil
	}
}

func (p pager) resumed(req *pb.ListLicensesRequest, at *place) error {
	if p.resume != nil {
		return p.resume(req, at)
	}
	_, err := paging.Resume(req, at)
	return err
}

func (p pager) written(req *pb.ListLicensesRequest, at place) string {
	if p.token != nil {
		return p.token(req, at)
	}
	token, err := paging.Token(req, at)
	if err != nil {
		panic(err)
	}
	return token
}

// allRows are all rows that a request is about, up to a time.
func allRows(ctx context.Context, b *bugged, req *pb.ListLicensesRequest, until time.Time) ([]*pb.License, error) {
	all := &pb.ListLicensesRequest{Parent: req.GetParent(), Filter: proto.CloneOf(req.GetFilter()), PageSize: paging.MaxSize}
	if !until.IsZero() {
		if all.Filter == nil {
			all.Filter = &pb.LicenseFilter{}
		}
		all.Filter.EndTime = timestamppb.New(until)
	}
	var rows []*pb.License
	for {
		res, err := b.good.ListLicenses(ctx, all)
		if err != nil {
			return nil, err
		}
		rows = append(rows, res.GetLicenses()...)
		if all.PageToken = res.GetNextPageToken(); all.PageToken == "" {
			return rows, nil
		}
	}
}

// withoutEqual drops rows that are equal to one before.
func withoutEqual(rows []*pb.License) []*pb.License {
	var kept []*pb.License
	seen := map[string]bool{}
	for _, l := range rows {
		if key := l.String(); !seen[key] {
			seen[key] = true
			kept = append(kept, l)
		}
	}
	return kept
}

func upTo1000(rows []*pb.License) []*pb.License { return rows[:min(len(rows), 1000)] }

// repeating shows the last row of a page again as the first of the next.
func repeating(b *bugged) {
	var last *pb.License
	b.list = func(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		res, err := b.good.ListLicenses(ctx, req)
		rows := res.GetLicenses()
		if len(rows) > 0 && req.GetPageToken() != "" {
			rows[0] = last
		}
		if len(rows) > 0 {
			last = proto.CloneOf(rows[len(rows)-1])
		}
		return res, err
	}
}

// onlyUnfilteredIsStable pages through a filtered list as if nothing ever arrived.
func onlyUnfilteredIsStable(b *bugged) {
	moving := pager{}.list(b)
	b.list = func(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		if req.GetFilter() != nil {
			return moving(ctx, req)
		}
		return b.good.ListLicenses(ctx, req)
	}
}

func endingWhereItFails(req *pb.ListLicensesRequest, res *pb.ListLicensesResponse, err error) (*pb.ListLicensesResponse, error) {
	if err != nil && req.GetPageToken() != "" {
		return &pb.ListLicensesResponse{}, nil
	}
	return res, err
}

// unbound reads and writes tokens that belong to no request.
var unbound = pager{
	token: func(_ *pb.ListLicensesRequest, at place) string {
		body, err := json.Marshal(at)
		if err != nil {
			panic(err)
		}
		return string(body)
	},
	resume: func(req *pb.ListLicensesRequest, at *place) error {
		if req.GetPageToken() != "" && json.Unmarshal([]byte(req.GetPageToken()), at) != nil {
			return apierror.Invalid("page_token", "is none")
		}
		return nil
	},
}

// sized refuses a token with another page size.
var sized = pager{
	token: func(req *pb.ListLicensesRequest, at place) string {
		at.Size = req.GetPageSize()
		return pager{}.written(req, at)
	},
	resume: func(req *pb.ListLicensesRequest, at *place) error {
		resumed, err := paging.Resume(req, at)
		if resumed && at.Size != req.GetPageSize() {
			return apierror.Invalid("page_token", "is of another page size")
		}
		return err
	},
}

var pageBugs = []bug{
	{"every row comes exactly once, whatever the page sizes", "repeats a row between pages", repeating},
	{"every row comes exactly once, whatever the page sizes", "loses a row between pages", pager{skip: 1}.make},
	{"every row comes exactly once, whatever the page sizes", "numbers its pages", pager{number: true}.make},
	{"every row of many comes exactly once, whatever the page sizes", "ends after 1000 rows", pager{view: upTo1000}.make},
	{"equal rows come as often as the vendor holds them", "drops equal rows", pager{view: withoutEqual}.make},
	{"page_size 0 means 100, and no page is larger than 1000", "takes 0 for all", pager{size: func(n int32) int {
		if n == 0 {
			return paging.MaxSize
		}
		return paging.Size(n)
	}}.make},
	{"page_size 0 means 100, and no page is larger than 1000", "takes any size", pager{size: func(n int32) int { return max(1, int(n)) }}.make},
	{"total_size is how many rows match, or 0", "counts the page", pager{total: func(_, page int) int { return page }}.make},
	{"total_size is how many rows match, or 0", "counts one too many", pager{total: func(all, _ int) int { return all + 1 }}.make},
	{"rows that arrive at a newer second leave the earlier ones in their place", "pages through what is there now", pager{}.make},
	{"rows that arrive at a newer second leave the earlier ones in their place", "loses a row for each that arrives", pager{twice: true}.make},
	{"rows that arrive in the newest second leave the earlier ones in their place", "pages through what is there now", pager{}.make},
	{"rows that arrive in the newest second leave the earlier ones in their place", "looks no further than the newest second", pager{pinned: true}.make},
	{"rows that arrive leave the earlier ones in their place in a filtered list", "forgets that filtered lists move too", onlyUnfilteredIsStable},
	{"a list that the vendor fails in the middle of fails, and goes on afterwards", "ends where it fails", answering(endingWhereItFails)},
}

var tokenBugs = []bug{
	{"a page token goes on with another page_size", "binds its tokens to page_size", sized.make},
	{"a page token goes on with another page_size", "numbers its pages", pager{number: true}.make},
	{"a page token belongs to its request", "binds its tokens to nothing", unbound.make},
	{"a page token belongs to its method", "streams from the start where it knows no token", streamingAnyToken},
	{"ListLicenses refuses what is no page token", "begins again where it knows no token", pager{resume: func(req *pb.ListLicensesRequest, at *place) error {
		_, _ = paging.Resume(req, at)
		return nil
	}}.make},
	{"StreamLicenses refuses what is no page token", "streams from the start where it knows no token", streamingAnyToken},
	{"ListSites refuses what is no page token", "ignores tokens", unsized},
}
