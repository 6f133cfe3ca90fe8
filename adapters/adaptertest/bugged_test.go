package adaptertest_test

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const vendorKey = "hunter2/hunter2"

// bugged is the reference adapter, whose methods a bug can replace by others.
type bugged struct {
	good   *memory.Adapter
	vendor *memory.Vendor

	describe func() adapters.Description
	check    func(context.Context) (string, error)
	sites    func(context.Context, *pb.ListSitesRequest) (*pb.ListSitesResponse, error)
	site     func(context.Context, *pb.GetSiteRequest) (*pb.Site, error)
	list     func(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error)
	stream   func(*pb.StreamLicensesRequest, grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error
	disable  func(context.Context, *pb.DisableSiteRequest) (*pb.StatusChange, error)
	report   reportHook // of every list that takes a ReportFilter; nil changes nothing
	usage    func(context.Context, *pb.GetUsageRequest) (*pb.Usage, error)

	hooks

	// around, where a bug sets it, is around every call to the vendor that reads.
	around func(ctx context.Context, call func(context.Context) error) error
}

func newBugged(good *memory.Adapter, vendor *memory.Vendor) *bugged {
	return &bugged{
		good: good, vendor: vendor,
		describe: good.Describe, check: good.Check, sites: good.ListSites, site: good.GetSite,
		list: good.ListLicenses, stream: good.StreamLicenses, disable: good.DisableSite,
		around: func(ctx context.Context, call func(context.Context) error) error { return call(ctx) },
	}
}

func (b *bugged) Describe() adapters.Description { return b.describe() }

func (b *bugged) Check(ctx context.Context) (level string, err error) {
	return level, b.around(ctx, func(ctx context.Context) error { level, err = b.check(ctx); return err })
}

func (b *bugged) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	return through(ctx, b, req, b.sites)
}

func (b *bugged) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	return through(ctx, b, req, b.site)
}

func (b *bugged) ListLicenses(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	return through(ctx, b, req, b.list)
}

func (b *bugged) StreamLicenses(req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error {
	return b.around(to.Context(), func(ctx context.Context) error { return b.stream(req, &conduit{to, ctx, to.Send}) })
}

func (b *bugged) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	return b.disable(ctx, req)
}

// through makes a read with what is around it.
func through[Req, Res proto.Message](ctx context.Context, b *bugged, req Req, call func(context.Context, Req) (Res, error)) (res Res, err error) {
	err = b.around(ctx, func(ctx context.Context) error { res, err = call(ctx, req); return err })
	return res, err
}

// conduit is a stream with another context or another Send.
type conduit struct {
	grpc.ServerStreamingServer[pb.StreamLicensesResponse]
	ctx  context.Context
	send func(*pb.StreamLicensesResponse) error
}

func (c *conduit) Context() context.Context { return c.ctx }

func (c *conduit) Send(m *pb.StreamLicensesResponse) error { return c.send(m) }
