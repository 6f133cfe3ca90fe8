package adaptertest_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// These are what goes wrong in any list.

// asking is a hook that changes a request.
func asking(change func(req proto.Message)) hook {
	return func(c *call) (proto.Message, error) {
		change(c.req)
		return c.run()
	}
}

// showing is a hook that changes a response.
func showing(change func(req, res proto.Message)) hook {
	return func(c *call) (proto.Message, error) {
		res, err := c.run()
		if err == nil {
			change(c.req, res)
		}
		return res, err
	}
}

// clearing is a hook that leaves a field of the request out.
func clearing(name protoreflect.Name) hook {
	return asking(func(req proto.Message) { req.ProtoReflect().Clear(field(req, name)) })
}

// isFirst reports whether a request is for the first page.
func isFirst(req proto.Message) bool { return req.(paging.Request).GetPageToken() == "" }

var (
	endsAfterTheFirst = showing(func(_, res proto.Message) {
		res.ProtoReflect().Clear(field(res, "next_page_token"))
	})
	ignoresThePageSize = asking(func(req proto.Message) {
		req.ProtoReflect().Set(field(req, "page_size"), protoreflect.ValueOfInt32(paging.MaxSize))
	})
	losesARow = showing(func(req, res proto.Message) {
		if rows := rowsOf(res); !isFirst(req) {
			rows.Set(0, rows.Get(rows.Len()-1))
			rows.Truncate(rows.Len() - 1)
		}
	})
	showsARowTwice = showing(func(req, res proto.Message) {
		if rows := rowsOf(res); isFirst(req) && rows.Len() > 1 {
			rows.Set(1, protoreflect.ValueOfMessage(proto.Clone(rows.Get(0).Message().Interface()).ProtoReflect()))
		}
	})
	countsThePage = showing(func(_, res proto.Message) {
		res.ProtoReflect().Set(field(res, "total_size"), protoreflect.ValueOfInt32(int32(rowsOf(res).Len())))
	})
	showsAnEmptyRow = showing(func(_, res proto.Message) { rowsOf(res).AppendMutable() })
	beginsAgain     = clearing("page_token")
)

// listBugs are the bugs of the lists of a vendor account.
func listBugs() bugs {
	all := bugs{}
	for rpc, l := range map[string]struct{ rows, of string }{
		"ListSiteOrders": {"order", " of this request"}, "ListMembers": {"member", ""}, "ListProducts": {"product", ""},
		"ListDrmAccounts": {"account", " of this request"}, "ListProductLicenses": {"license", " of this request"},
	} {
		every := fmt.Sprintf(" gives every %s exactly once, as the vendor holds it, whatever the page sizes", l.rows)
		all.add(rpc, every, map[string]hook{
			"ends after the first page": endsAfterTheFirst, "ignores the page size": ignoresThePageSize,
			"loses a row between pages": losesARow, "shows a row twice": showsARowTwice,
			"counts the rows of a page": countsThePage,
		})
		all.add(rpc, " without "+l.rows+"s is empty", map[string]hook{"shows an empty row": showsAnEmptyRow})
		all.add(rpc, " refuses what is no page token"+l.of, map[string]hook{"begins again": beginsAgain})
	}
	all.add("ListSites", " gives every site exactly once, whatever the page size", map[string]hook{
		"ends after the first page": endsAfterTheFirst, "ignores the page size": ignoresThePageSize,
		"loses a row between pages": losesARow, "shows a row twice": showsARowTwice,
		"counts the rows of a page": countsThePage,
	})
	all.add("ListSites", " refuses what is no page token", map[string]hook{"ignores tokens": beginsAgain})
	return all
}

// These are what goes wrong in a list that takes a ReportFilter.

func filterOf(req proto.Message) *pb.ReportFilter {
	return req.ProtoReflect().Mutable(field(req, "filter")).Message().Interface().(*pb.ReportFilter)
}

// unfiltered leaves conditions out.
func unfiltered(conditions ...protoreflect.Name) func(proto.Message) {
	return func(req proto.Message) {
		f := filterOf(req)
		for _, name := range conditions {
			f.ProtoReflect().Clear(field(f, name))
		}
	}
}

// forgives calls again, with another request, if the request was refused for a field.
func forgives(prefix string, change func(proto.Message)) hook {
	return func(c *call) (proto.Message, error) {
		res, err := c.run()
		if err == nil {
			return res, nil
		}
		e := apierror.Convert(err)
		if e.Code != codes.InvalidArgument || !strings.HasPrefix(e.Violations[0].GetField(), prefix) {
			return res, err
		}
		change(c.req)
		return c.run()
	}
}

// emptyIfNotFound takes a site that is not there for one that holds nothing.
func emptyIfNotFound(c *call) (proto.Message, error) {
	res, err := c.run()
	if err != nil && apierror.Convert(err).Code == codes.NotFound {
		return nil, nil
	}
	return res, err
}

// shiftDay moves a day of the filter.
func shiftDay(day func(*pb.ReportFilter) *string, days int) hook {
	return asking(func(req proto.Message) {
		at := day(filterOf(req))
		if t, err := time.Parse(time.DateOnly, *at); err == nil {
			*at = t.AddDate(0, 0, days).Format(time.DateOnly)
		}
	})
}

// reportBugs break every promise of every list that takes a ReportFilter, each in the same way.
func reportBugs() bugs {
	all := bugs{}
	for rpc, condition := range map[string]protoreflect.Name{
		"ListLicenseUsers": "user_id", "ListLicenseDevices": "device_model", "ListLicenseContents": "content_id",
		"ListContentUsers": "user_id", "ListPackagings": "content_id",
	} {
		for promise, byName := range map[string]map[string]hook{
			"shows what the vendor holds, and of this site only": {
				"forgets the site": showing(func(_, res proto.Message) {
					for i := range rowsOf(res).Len() {
						row := rowsOf(res).Get(i).Message()
						row.Clear(field(row.Interface(), "site"))
					}
				}),
				"counts the rows of every day but the first": asking(func(req proto.Message) {
					filterOf(req).StartDate = "2024-03-02"
				}),
			},
			"gives every row exactly once, whatever the page sizes": {
				"loses a row between pages": losesARow, "counts the rows of a page": countsThePage,
			},
			"chooses exactly, with regard to case": {"ignores the condition": asking(unfiltered(condition))},
			"takes both dates inclusive": {
				"takes the start exclusive": shiftDay(func(f *pb.ReportFilter) *string { return &f.StartDate }, 1),
				"takes the end exclusive":   shiftDay(func(f *pb.ReportFilter) *string { return &f.EndDate }, -1),
			},
			"refuses conditions that it does not take, and dates that are no days": {
				"ignores what it does not take": forgives("filter.", unfiltered("user_id", "device_id", "device_model",
					"drm_type", "status", "start_date", "end_date")),
			},
			"is empty for a site without rows, and NOT_FOUND for an unknown site": {
				"takes an unknown site for an empty one": emptyIfNotFound,
			},
			"goes on with a token of the same request only": {
				"begins again where it knows no token": forgives("page_token", func(req proto.Message) {
					req.ProtoReflect().Clear(field(req, "page_token"))
				}),
			},
		} {
			all.add(rpc, " "+promise, byName)
		}
	}
	for _, rpc := range []string{"ListLicenseContents", "ListContentUsers"} {
		all.add(rpc, " counts licenses of one status", map[string]hook{
			"ignores the outcome": asking(unfiltered("status")),
		})
	}
	return all
}

// fromTheNewest pages from the newest packaging on, by positions.
func fromTheNewest(c *call, req *pb.ListPackagingsRequest) (proto.Message, error) {
	all, err := c.good(c.ctx, &pb.ListPackagingsRequest{Parent: req.GetParent(), PageSize: 1000})
	if err != nil {
		return nil, err
	}
	rows := all.(*pb.ListPackagingsResponse).GetPackagings()
	slices.Reverse(rows)
	from := min(len(req.GetPageToken()), len(rows))
	to := min(from+int(req.GetPageSize()), len(rows))
	res := &pb.ListPackagingsResponse{Packagings: rows[from:to]}
	if to < len(rows) {
		res.NextPageToken = strings.Repeat("x", to)
	}
	return res, nil
}

var packagingBugs = bugs{
	"ListPackagings gives packagings of one second as often as the vendor holds them": {
		"takes equal rows for one": shows(func(res *pb.ListPackagingsResponse) {
			equal := func(a, b *pb.Packaging) bool { return proto.Equal(a, b) }
			res.Packagings = slices.CompactFunc(res.Packagings, equal)
		}),
	},
	"ListPackagings leaves the earlier packagings in their place when others arrive": {
		"counts positions from the newest": instead(fromTheNewest),
	},
}

var usageBugs = bugs{
	"GetUsage counts the licenses, users and devices of a site": {
		"takes devices for users": shows(func(u *pb.Usage) { u.MonthlyActiveUsers = u.GetMonthlyActiveDevices() }),

		"writes the date without hyphens": shows(func(u *pb.Usage) { u.Date = "20240301" }),
	},
	"GetUsage without a date says which day it measured": {
		"repeats the date of the request": instead(func(c *call, req *pb.GetUsageRequest) (proto.Message, error) {
			res, err := c.run()
			if err == nil {
				res.(*pb.Usage).Date = req.GetDate()
			}
			return res, err
		}),
	},
	"GetUsage of a date that is no day is refused": {
		"takes any other day for today": on("GetUsage", forgives("date", func(req proto.Message) {
			req.(*pb.GetUsageRequest).Date = ""
		})),
	},
	"GetUsage of an unknown site is NOT_FOUND": {
		"takes an unknown site for one without licenses": on("GetUsage", emptyIfNotFound),
	},
}
