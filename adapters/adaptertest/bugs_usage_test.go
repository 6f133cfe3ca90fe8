package adaptertest_test

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// GetUsage makes the call with what is around it and what a bug does to it.
func (b *bugged) GetUsage(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
	return through(ctx, b, req, func(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
		if b.usage == nil {
			return b.good.GetUsage(ctx, req)
		}
		return b.usage(ctx, req)
	})
}

// tellingUsage changes the usage that is told.
func tellingUsage(change func(*pb.Usage)) func(*bugged) {
	return func(b *bugged) {
		b.usage = func(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
			usage, err := b.good.GetUsage(ctx, req)
			if err == nil {
				change(usage)
			}
			return usage, err
		}
	}
}

// usageAnyway tells the usage of today where the reference fails.
func usageAnyway(code codes.Code) func(*bugged) {
	return func(b *bugged) {
		b.usage = func(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
			usage, err := b.good.GetUsage(ctx, req)
			if err == nil || apierror.Convert(err).Code != code {
				return usage, err
			}
			if code == codes.NotFound {
				return &pb.Usage{Name: req.GetName(), Date: req.GetDate()}, nil
			}
			today := proto.CloneOf(req)
			today.Date = ""
			return b.good.GetUsage(ctx, today)
		}
	}
}

var usageBugs = []bug{
	{"GetUsage tells how many licenses, users and devices a site had", "takes devices for users", tellingUsage(func(u *pb.Usage) { u.MonthlyActiveUsers = u.GetMonthlyActiveDevices() })},
	{"GetUsage tells how many licenses, users and devices a site had", "writes the date without hyphens", tellingUsage(func(u *pb.Usage) { u.Date = "20240301" })},
	{"GetUsage without a date tells which day it measured", "repeats the date of the request", func(b *bugged) {
		b.usage = func(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
			usage, err := b.good.GetUsage(ctx, req)
			if err == nil {
				usage.Date = req.GetDate()
			}
			return usage, err
		}
	}},
	{"GetUsage of what is no day is refused", "takes any other day for today", usageAnyway(codes.InvalidArgument)},
	{"GetUsage of an unknown site is NOT_FOUND", "takes an unknown site for one without licenses", usageAnyway(codes.NotFound)},
}
