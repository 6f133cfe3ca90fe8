package adaptertest_test

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// hooks are what bugs do to the calls below.
type hooks struct {
	asked    func(req proto.Message)      // changes a request
	answered func(req, res proto.Message) // changes the answer to it
	writing  writeHook                    // is around a write; nil is just the call
}

// writeHook makes a write, or what a bug makes of it. A nil answer without an error is an empty
// one.
type writeHook func(ctx context.Context, req proto.Message, call func(context.Context) (proto.Message, error)) (proto.Message, error)

// hooked makes a call, whose request and answer a bug may change.
func hooked[Req, Res proto.Message](b *bugged, call func(context.Context, Req) (Res, error)) func(context.Context, Req) (Res, error) {
	return func(ctx context.Context, req Req) (Res, error) {
		if b.asked != nil {
			req = proto.CloneOf(req)
			b.asked(req)
		}
		res, err := call(ctx, req)
		if err == nil && b.answered != nil {
			b.answered(req, res)
		}
		return res, err
	}
}

// reading makes a read with all that bugs do to one.
func reading[Req, Res proto.Message](ctx context.Context, b *bugged, req Req, call func(context.Context, Req) (Res, error)) (Res, error) {
	return through(ctx, b, req, hooked(b, call))
}

// writing makes a write with all that bugs do to one.
func writing[Req, Res proto.Message](ctx context.Context, b *bugged, req Req, call func(context.Context, Req) (Res, error)) (Res, error) {
	call = hooked(b, call)
	if b.writing == nil {
		return call(ctx, req)
	}
	var none Res
	answer, err := b.writing(ctx, req, func(ctx context.Context) (proto.Message, error) { return call(ctx, req) })
	res, ok := answer.(Res)
	switch {
	case err != nil:
		return none, err
	case !ok:
		return none.ProtoReflect().New().Interface().(Res), nil
	}
	return res, nil
}

func (b *bugged) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	return writing(ctx, b, req, b.good.EnableSite)
}

func (b *bugged) ExtendTrial(ctx context.Context, req *pb.ExtendTrialRequest) (*pb.StatusChange, error) {
	return writing(ctx, b, req, b.good.ExtendTrial)
}

func (b *bugged) ListStatusChanges(ctx context.Context, req *pb.ListStatusChangesRequest) (*pb.ListStatusChangesResponse, error) {
	return reading(ctx, b, req, b.good.ListStatusChanges)
}

func (b *bugged) CancelStatusChange(ctx context.Context, req *pb.CancelStatusChangeRequest) (*pb.StatusChange, error) {
	return writing(ctx, b, req, b.good.CancelStatusChange)
}

func (b *bugged) CreateSiteOrder(ctx context.Context, req *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error) {
	return writing(ctx, b, req, b.good.CreateSiteOrder)
}

func (b *bugged) ListSiteOrders(ctx context.Context, req *pb.ListSiteOrdersRequest) (*pb.ListSiteOrdersResponse, error) {
	return reading(ctx, b, req, b.good.ListSiteOrders)
}

func (b *bugged) GetSiteOrder(ctx context.Context, req *pb.GetSiteOrderRequest) (*pb.SiteOrder, error) {
	return reading(ctx, b, req, b.good.GetSiteOrder)
}

func (b *bugged) GetIntegration(ctx context.Context, req *pb.GetIntegrationRequest) (*pb.Integration, error) {
	return reading(ctx, b, req, b.good.GetIntegration)
}

func (b *bugged) UpdateIntegration(ctx context.Context, req *pb.UpdateIntegrationRequest) (*pb.Integration, error) {
	return writing(ctx, b, req, b.good.UpdateIntegration)
}

func (b *bugged) RegisterFairPlayCertificate(ctx context.Context, req *pb.RegisterFairPlayCertificateRequest) (*pb.FairPlayCertificate, error) {
	return writing(ctx, b, req, b.good.RegisterFairPlayCertificate)
}

func (b *bugged) ListMembers(ctx context.Context, req *pb.ListMembersRequest) (*pb.ListMembersResponse, error) {
	return reading(ctx, b, req, b.good.ListMembers)
}

func (b *bugged) CreateMember(ctx context.Context, req *pb.CreateMemberRequest) (*pb.Member, error) {
	return writing(ctx, b, req, b.good.CreateMember)
}

func (b *bugged) UpdateMember(ctx context.Context, req *pb.UpdateMemberRequest) (*pb.Member, error) {
	return writing(ctx, b, req, b.good.UpdateMember)
}

func (b *bugged) ResetMemberPassword(ctx context.Context, req *pb.ResetMemberPasswordRequest) (*pb.ResetMemberPasswordResponse, error) {
	return writing(ctx, b, req, b.good.ResetMemberPassword)
}

// requesting changes every request of one type.
func requesting[Req proto.Message](change func(Req)) func(*bugged) {
	return func(b *bugged) {
		b.asked = func(req proto.Message) {
			if r, ok := req.(Req); ok {
				change(r)
			}
		}
	}
}

// showingInstead changes every answer to a request of one type.
func showingInstead[Req, Res proto.Message](change func(Req, Res)) func(*bugged) {
	return func(b *bugged) {
		b.answered = func(req, res proto.Message) {
			if r, ok := req.(Req); ok {
				change(r, res.(Res))
			}
		}
	}
}

func (b *bugged) ListDrmAccounts(ctx context.Context, req *pb.ListDrmAccountsRequest) (*pb.ListDrmAccountsResponse, error) {
	return reading(ctx, b, req, b.good.ListDrmAccounts)
}

func (b *bugged) GetDrmAccount(ctx context.Context, req *pb.GetDrmAccountRequest) (*pb.DrmAccount, error) {
	return reading(ctx, b, req, b.good.GetDrmAccount)
}

func (b *bugged) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	return writing(ctx, b, req, b.good.CreateDrmAccount)
}

func (b *bugged) DeleteDrmAccountDevice(ctx context.Context, req *pb.DeleteDrmAccountDeviceRequest) (*pb.DrmAccountDevice, error) {
	return writing(ctx, b, req, b.good.DeleteDrmAccountDevice)
}

func (b *bugged) UpdateSite(ctx context.Context, req *pb.UpdateSiteRequest) (*pb.Site, error) {
	return writing(ctx, b, req, b.good.UpdateSite)
}
