package adaptertest_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// reportRequest is a request of a list that takes a ReportFilter.
type reportRequest interface {
	proto.Message
	GetParent() string
	GetPageSize() int32
	GetPageToken() string
	GetFilter() *pb.ReportFilter
}

// reportHook is what a bug does to one of these lists: it changes the request, or the answer, or
// asks again.
type reportHook func(req reportRequest, good func(reportRequest) (proto.Message, error)) (proto.Message, error)

// throughReport makes a call of a list that takes a ReportFilter, with what is around it and what a
// bug does to it.
func throughReport[Req reportRequest, Res proto.Message](ctx context.Context, b *bugged, req Req, call func(context.Context, Req) (Res, error)) (Res, error) {
	if b.report == nil {
		return through(ctx, b, req, call)
	}
	return through(ctx, b, req, func(ctx context.Context, req Req) (res Res, err error) {
		answer, err := b.report(proto.CloneOf(req), func(req reportRequest) (proto.Message, error) { return call(ctx, req.(Req)) })
		if err == nil {
			res = answer.(Res)
		}
		return res, err
	})
}

func (b *bugged) ListLicenseUsers(ctx context.Context, req *pb.ListLicenseUsersRequest) (*pb.ListLicenseUsersResponse, error) {
	return throughReport(ctx, b, req, b.good.ListLicenseUsers)
}

func (b *bugged) ListLicenseDevices(ctx context.Context, req *pb.ListLicenseDevicesRequest) (*pb.ListLicenseDevicesResponse, error) {
	return throughReport(ctx, b, req, b.good.ListLicenseDevices)
}

func (b *bugged) ListLicenseContents(ctx context.Context, req *pb.ListLicenseContentsRequest) (*pb.ListLicenseContentsResponse, error) {
	return throughReport(ctx, b, req, b.good.ListLicenseContents)
}

func (b *bugged) ListContentUsers(ctx context.Context, req *pb.ListContentUsersRequest) (*pb.ListContentUsersResponse, error) {
	return throughReport(ctx, b, req, b.good.ListContentUsers)
}

func (b *bugged) ListPackagings(ctx context.Context, req *pb.ListPackagingsRequest) (*pb.ListPackagingsResponse, error) {
	return throughReport(ctx, b, req, b.good.ListPackagings)
}

// field finds a field of a message by its name.
func field(m proto.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByName(name)
}

// rowsOf is the list of an answer's rows.
func rowsOf(answer proto.Message) protoreflect.List {
	fields := answer.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.IsList() && f.Message() != nil {
			return answer.ProtoReflect().Mutable(f).List()
		}
	}
	panic("an answer without rows")
}

// reporting makes a bug that does this to every list that takes a ReportFilter.
func reporting(hook reportHook) func(*bugged) { return func(b *bugged) { b.report = hook } }

// askingReports changes what is asked for.
func askingReports(change func(reportRequest)) func(*bugged) {
	return reporting(func(req reportRequest, good func(reportRequest) (proto.Message, error)) (proto.Message, error) {
		change(req)
		return good(req)
	})
}

// answeringReports changes what is answered.
func answeringReports(change func(req reportRequest, answer proto.Message)) func(*bugged) {
	return reporting(func(req reportRequest, good func(reportRequest) (proto.Message, error)) (proto.Message, error) {
		answer, err := good(req)
		if err == nil {
			change(req, answer)
		}
		return answer, err
	})
}

// forgiving asks again, in another way, where the reference refuses.
func forgiving(code codes.Code, fields string, change func(reportRequest)) func(*bugged) {
	return reporting(func(req reportRequest, good func(reportRequest) (proto.Message, error)) (proto.Message, error) {
		answer, err := good(req)
		if err == nil {
			return answer, nil
		}
		if e := apierror.Convert(err); e.Code == code && (fields == "" || strings.HasPrefix(e.Violations[0].GetField(), fields)) {
			change(req)
			return good(req)
		}
		return answer, err
	})
}

func clearing(fields ...protoreflect.Name) func(reportRequest) {
	return func(req reportRequest) {
		if f := req.GetFilter(); f != nil {
			for _, name := range fields {
				f.ProtoReflect().Clear(field(f, name))
			}
		}
	}
}

// emptyForUnknown takes a site that is not there for one that holds nothing.
func emptyForUnknown(b *bugged) {
	b.report = func(req reportRequest, good func(reportRequest) (proto.Message, error)) (proto.Message, error) {
		answer, err := good(req)
		if err != nil && apierror.Convert(err).Code == codes.NotFound {
			proto.Reset(answer)
			return answer, nil
		}
		return answer, err
	}
}

// reportBugs break every promise of every list that takes a ReportFilter, each in the same way.
var reportBugs = func() []bug {
	conditions := map[string][]protoreflect.Name{
		"ListLicenseUsers":    {"user_id"},
		"ListLicenseDevices":  {"device_model"},
		"ListLicenseContents": {"content_id"},
		"ListContentUsers":    {"user_id"},
		"ListPackagings":      {"content_id"},
	}
	var bugs []bug
	for rpc, condition := range conditions {
		bugs = append(bugs,
			bug{rpc + " shows what the vendor holds, and of this site only", "forgets the site", answeringReports(func(_ reportRequest, answer proto.Message) {
				for i := range rowsOf(answer).Len() {
					row := rowsOf(answer).Get(i).Message()
					row.Clear(field(row.Interface(), "site"))
				}
			})},
			bug{rpc + " shows what the vendor holds, and of this site only", "counts the rows of every day but the first", askingReports(func(req reportRequest) {
				f := req.ProtoReflect().Mutable(field(req, "filter")).Message().Interface().(*pb.ReportFilter)
				f.StartDate = "2024-03-02"
			})},
			bug{rpc + " gives every row exactly once, whatever the page sizes", "loses the first row of every page but the first", answeringReports(func(req reportRequest, answer proto.Message) {
				if rows := rowsOf(answer); req.GetPageToken() != "" && rows.Len() > 1 {
					rows.Set(0, rows.Get(1))
				}
			})},
			bug{rpc + " gives every row exactly once, whatever the page sizes", "counts what is on the page", answeringReports(func(_ reportRequest, answer proto.Message) {
				answer.ProtoReflect().Set(field(answer, "total_size"), protoreflect.ValueOfInt32(int32(rowsOf(answer).Len())))
			})},
			bug{rpc + " chooses exactly, with regard to case", "does not know the condition", askingReports(clearing(condition...))},
			bug{rpc + " takes both dates inclusive", "takes the end exclusive", askingReports(func(req reportRequest) {
				if f := req.GetFilter(); f.GetEndDate() != "" {
					end, _ := time.Parse(time.DateOnly, f.GetEndDate())
					f.EndDate = end.AddDate(0, 0, -1).Format(time.DateOnly)
				}
			})},
			bug{rpc + " takes both dates inclusive", "takes the start exclusive", askingReports(func(req reportRequest) {
				if f := req.GetFilter(); f.GetStartDate() != "" {
					start, _ := time.Parse(time.DateOnly, f.GetStartDate())
					f.StartDate = start.AddDate(0, 0, 1).Format(time.DateOnly)
				}
			})},
			bug{rpc + " refuses conditions that it does not take, and days that are none", "ignores what it does not take", forgiving(codes.InvalidArgument, "filter.",
				clearing("user_id", "device_id", "device_model", "drm_type", "status", "start_date", "end_date"))},
			bug{rpc + " is empty where nothing is held, and NOT_FOUND where there is no site", "takes an unknown site for an empty one", emptyForUnknown},
			bug{rpc + " goes on with a token of the same request only", "begins again where it knows no token", forgiving(codes.InvalidArgument, "page_token", func(req reportRequest) {
				req.ProtoReflect().Clear(field(req, "page_token"))
			})},
		)
	}
	for _, rpc := range []string{"ListLicenseContents", "ListContentUsers"} {
		bugs = append(bugs, bug{rpc + " counts requests with one outcome", "does not know the outcome", askingReports(clearing("status"))})
	}
	return bugs
}()

// listingPackagings answers the packagings that choose leaves of those that the vendor holds.
func listingPackagings(choose func(all []*pb.Packaging) []*pb.Packaging) func(*bugged) {
	return answeringReports(func(_ reportRequest, answer proto.Message) {
		if a, ok := answer.(*pb.ListPackagingsResponse); ok {
			a.Packagings = choose(a.GetPackagings())
		}
	})
}

// fromTheNewest pages from the newest packaging on, by positions.
func fromTheNewest(b *bugged) {
	b.report = func(req reportRequest, good func(reportRequest) (proto.Message, error)) (proto.Message, error) {
		asked, ok := req.(*pb.ListPackagingsRequest)
		if !ok {
			return good(req)
		}
		all, err := good(&pb.ListPackagingsRequest{Parent: asked.GetParent(), PageSize: 1000})
		if err != nil {
			return nil, err
		}
		rows := all.(*pb.ListPackagingsResponse).GetPackagings()
		slices.Reverse(rows)
		from := min(len(asked.GetPageToken()), len(rows))
		to := min(from+int(asked.GetPageSize()), len(rows))
		res := &pb.ListPackagingsResponse{Packagings: rows[from:to]}
		if to < len(rows) {
			res.NextPageToken = strings.Repeat("x", to)
		}
		return res, nil
	}
}

var packagingBugs = []bug{
	{"ListPackagings gives packagings of one second as often as the vendor holds them", "takes equal rows for one", listingPackagings(func(all []*pb.Packaging) []*pb.Packaging {
		return slices.CompactFunc(all, func(a, b *pb.Packaging) bool { return proto.Equal(a, b) })
	})},
	{"ListPackagings leaves the earlier packagings in their place when others arrive", "counts positions from the newest", fromTheNewest},
}
