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

// A pager lists what the vendor holds now, as if nothing ever arrived. Its fields are what else it
// does wrong.
type pager struct {
	view   func(rows []*pb.License) []*pb.License // what it makes of the rows
	size   func(pageSize int32) int               // how many rows it returns
	total  func(all, page int) int                // what it tells as the total
	skip   int                                    // how many rows it loses between pages
	pinned bool                                   // it looks no further than the newest second at first
	twice  bool                                   // it counts the rows that arrived twice
	number bool                                   // its tokens hold a page number
	token  func(req *pb.ListLicensesRequest, at place) string
	resume func(req *pb.ListLicensesRequest, at *place) error
}

// A place is where a pager is.
type place struct {
	Offset, Page int
	Held         int // how many rows the vendor held at the last page
	End          time.Time
	Size         int32
}

func (p pager) make(b *bugged) {
	instead(func(c *call, req *pb.ListLicensesRequest) (proto.Message, error) {
		return p.list(c.ctx, c.bugged, req)
	})(b)
}

func (p pager) list(ctx context.Context, b *bugged, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
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

// allRows returns all rows that a request is about, up to a time.
func allRows(ctx context.Context, b *bugged, req *pb.ListLicensesRequest, until time.Time) ([]*pb.License, error) {
	all := &pb.ListLicensesRequest{Parent: req.GetParent(), Filter: &pb.LicenseFilter{}, PageSize: paging.MaxSize}
	proto.Merge(all.Filter, req.GetFilter())
	if !until.IsZero() {
		all.Filter.EndTime = timestamppb.New(until)
	}
	var rows []*pb.License
	for {
		res, err := b.ListLicenses(ctx, all)
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

// repeatsARow shows the last row of a page again as the first of the next.
func repeatsARow(b *bugged) {
	var last *pb.License
	on("ListLicenses", showing(func(req, res proto.Message) {
		rows := res.(*pb.ListLicensesResponse).GetLicenses()
		if len(rows) > 0 && !isFirst(req) {
			rows[0] = last
		}
		if len(rows) > 0 {
			last = proto.CloneOf(rows[len(rows)-1])
		}
	}))(b)
}

// movesFiltered pages through a filtered list as if nothing ever arrived.
func movesFiltered(c *call, req *pb.ListLicensesRequest) (proto.Message, error) {
	if req.GetFilter() != nil {
		return pager{}.list(c.ctx, c.bugged, req)
	}
	return c.run()
}

// endsWhereItFails takes a failure after the first page for the end.
func endsWhereItFails(c *call) (proto.Message, error) {
	res, err := c.run()
	if err != nil && !isFirst(c.req) {
		return nil, nil
	}
	return res, err
}

// unbound has tokens that belong to no request.
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
			return apierror.Invalid("page_token", "is no page token")
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

var pageBugs = bugs{
	"every row comes exactly once, whatever the page sizes": {
		"repeats a row between pages": repeatsARow,
		"loses a row between pages":   pager{skip: 1}.make,
		"numbers its pages":           pager{number: true}.make,
	},
	"every row of many comes exactly once, whatever the page sizes": {
		"ends after 1000 rows": pager{view: upTo1000}.make,
	},
	"equal rows come as often as the vendor holds them": {"drops equal rows": pager{view: withoutEqual}.make},
	"page_size 0 means 100, and no page is larger than 1000": {
		"takes 0 for all": pager{size: func(n int32) int {
			if n == 0 {
				return paging.MaxSize
			}
			return paging.Size(n)
		}}.make,
		"takes any size": pager{size: func(n int32) int { return max(1, int(n)) }}.make,
	},
	"total_size is how many rows match, or 0": {
		"counts the page":     pager{total: func(_, page int) int { return page }}.make,
		"counts one too many": pager{total: func(all, _ int) int { return all + 1 }}.make,
	},
	"rows that arrive at a newer second leave the earlier ones in their place": {
		"pages through what is there now":   pager{}.make,
		"loses a row for each that arrives": pager{twice: true}.make,
	},
	"rows that arrive in the newest second leave the earlier ones in their place": {
		"pages through what is there now":         pager{}.make,
		"looks no further than the newest second": pager{pinned: true}.make,
	},
	"rows that arrive leave the earlier ones in their place in a filtered list": {
		"forgets that filtered lists move too": instead(movesFiltered),
	},
	"a list fails if the vendor fails between its pages, and goes on afterwards": {
		"ends where it fails": on("ListLicenses", endsWhereItFails),
	},
}

var tokenBugs = bugs{
	"a page token goes on with another page_size": {
		"binds its tokens to page_size": sized.make,
		"numbers its pages":             pager{number: true}.make,
	},
	"a page token belongs to its request": {"binds its tokens to nothing": unbound.make},
	"a page token belongs to its method": {
		"streams from the start where it knows no token": streamsAnyToken,
	},
	"ListLicenses refuses what is no page token": {
		"begins again where it knows no token": pager{resume: func(req *pb.ListLicensesRequest, at *place) error {
			_, _ = paging.Resume(req, at)
			return nil
		}}.make,
	},
	"StreamLicenses refuses what is no page token": {
		"streams from the start where it knows no token": streamsAnyToken,
	},
}
