package pallycon

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var _ adapters.PackagingLister = (*Adapter)(nil)

// packagingRow is an element of data in "Get DRM Packaging History".
type packagingRow struct {
	CID         string `json:"cid"`
	Track       string `json:"track"`
	CreatedTime string `json:"created_time"`
	UpdateTime  string `json:"update_time"`

	unreadable error // what is wrong with a value, or nil
}

// ListPackagings is "Get DRM Packaging History". Only PallyCon applies the period, because the
// guide does not say which of a row's two times it is about.
func (a *Adapter) ListPackagings(
	ctx context.Context, req *pb.ListPackagingsRequest,
) (*pb.ListPackagingsResponse, error) {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return nil, apierror.Invalid("parent", "%v", err)
	}
	f := req.GetFilter()
	if err := checkReport("ListPackagings", f, "start_date", "end_date", "content_id"); err != nil {
		return nil, err
	}
	var at listing.PackagingCursor
	resumed, err := paging.Resume(req, &at)
	if err != nil {
		return nil, err
	}
	if resumed && !at.Valid() {
		return nil, apierror.Invalid("page_token", "is not valid for this request; start again without page_token")
	}
	params := url.Values{"site_id": {ids[1]}}
	a.setPeriod(params, f.GetStartDate(), f.GetEndDate())
	if f.GetContentId() != "" {
		params.Set("search_condition", "cid")
		params.Set("search_keyword", f.GetContentId())
	}
	list := listing.Packagings[packagingRow]{
		ReadAfter: func(ctx context.Context, created, update string) ([]packagingRow, int, error) {
			return a.readPackagings(ctx, params, created, update)
		},
		// The vendor's search may match substrings.
		Match: func(r packagingRow) bool {
			return meets(r.unreadable != nil, condition{f.GetContentId(), r.CID})
		},
	}
	rows, more, err := list.Next(ctx, &at, paging.Size(req.GetPageSize()))
	if err != nil {
		return nil, a.orNoSite(ctx, ids[1], err)
	}
	if !resumed && len(rows) == 0 {
		// An empty history of a site that does not exist would mislead.
		if _, err := a.findSite(ctx, ids[1]); err != nil {
			return nil, err
		}
	}
	res := &pb.ListPackagingsResponse{}
	for _, r := range rows {
		row, err := a.packaging(ids[1], r)
		if err != nil {
			return nil, err
		}
		res.Packagings = append(res.Packagings, row)
	}
	if more {
		res.NextPageToken, err = paging.Token(req, at)
	}
	return res, err
}

// Times returns the times that a row is listed by. A track that was never packaged again may have
// no update_time.
func (r packagingRow) Times() (created, update string) {
	return r.CreatedTime, cmp.Or(r.UpdateTime, r.CreatedTime)
}

func (a *Adapter) readPackagings(
	ctx context.Context, params url.Values, created, update string,
) ([]packagingRow, int, error) {
	if created != "" {
		params.Set("last_created_time_cid", created)
		params.Set("last_update_time", update)
	}
	response, err := get[jsonx.Rows[packagingRow]](ctx, a, call{"/drm/pack", "UA003001100"}, params)
	if err != nil {
		return nil, 0, err
	}
	rows := make([]packagingRow, len(response.Data))
	for i, r := range response.Data {
		if rows[i], err = a.packagingRow(r); err != nil {
			return nil, 0, err
		}
	}
	return rows, response.Count, nil
}

// packagingRow returns a row of a page. The list is read by its times, so a row without them ends
// it.
func (a *Adapter) packagingRow(r jsonx.Row[packagingRow]) (packagingRow, error) {
	row, thing := r.Value, "a packaging of content "+strconv.Quote(r.Value.CID)
	var err error
	row.CreatedTime, err = a.second(jsonx.Time{Text: row.CreatedTime, Path: r.Path() + ".created_time"})
	if err == nil && row.CreatedTime == "" {
		err = &jsonx.Misfit{Path: r.Path() + ".created_time", Expected: "a time"}
	}
	if err == nil {
		row.UpdateTime, err = a.second(jsonx.Time{Text: row.UpdateTime, Path: r.Path() + ".update_time"})
	}
	switch {
	case err != nil:
		return row, unreadable(thing, err)
	case row.CID == "":
		row.unreadable = unreadable("a packaging", r.Lacks("cid"))
	case r.Misfit != nil:
		row.unreadable = unreadable(thing, r.Misfit)
	}
	return row, nil
}

func (a *Adapter) packaging(siteID string, r packagingRow) (*pb.Packaging, error) {
	if r.unreadable != nil {
		return nil, r.unreadable
	}
	p := &pb.Packaging{Site: a.siteName(siteID), ContentId: r.CID, Track: r.Track}
	for _, t := range []struct {
		text string
		into **timestamppb.Timestamp
	}{{r.CreatedTime, &p.CreateTime}, {r.UpdateTime, &p.UpdateTime}} {
		at, err := time.ParseInLocation(secondFormat, t.text, a.config.TimeZone)
		stamp := timestamppb.New(at)
		switch {
		case err == nil && stamp.IsValid(): // No response could hold another one.
			*t.into = stamp
		case t.text != "":
			return nil, listing.PackagingsContradiction("a time is not yyyyMMddHHmmss")
		}
	}
	return p, nil
}
