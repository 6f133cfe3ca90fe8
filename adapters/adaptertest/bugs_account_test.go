package adaptertest_test

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// blindly makes a vendor's write on a site before it looks what stands.
func blindly[Req interface {
	proto.Message
	GetName() string
}](write func(b *bugged, ctx context.Context, name string) error) func(*bugged) {
	return around(func(ctx context.Context, req Req, b *bugged, call callOf) (proto.Message, error) {
		err := bypassesLog(ctx, func(ctx context.Context) error { return write(b, ctx, req.GetName()) })
		if err != nil {
			return nil, err
		}
		return call(ctx)
	})
}

var changeBugs = []bug{
	{"EnableSite of a site that is on sends nothing", "does not look what stands", blindly[*pb.EnableSiteRequest](func(b *bugged, ctx context.Context, name string) error {
		return b.vendor.Sites.Change(ctx, name, func(s *pb.Site) error { memory.Turn(s, true); return nil })
	})},
	{"ExtendTrial that is still pending is not sent again", "does not look what stands", blindly[*pb.ExtendTrialRequest](func(b *bugged, ctx context.Context, name string) error {
		_, err := b.vendor.Changes.Add(ctx, &pb.StatusChange{Site: name, State: pb.StatusChange_PENDING})
		return err
	})},
	{"ListStatusChanges tells of what was asked for, of the service that the filter chooses", "shows nothing", showingInstead(func(_ *pb.ListStatusChangesRequest, res *pb.ListStatusChangesResponse) {
		res.StatusChanges = nil
	})},
	{"ListStatusChanges tells of what was asked for, of the service that the filter chooses", "ignores the filter", requesting(func(req *pb.ListStatusChangesRequest) { req.Filter = nil })},
	{"ListStatusChanges of a site without changes is empty", "shows an empty change", showingInstead(func(_ *pb.ListStatusChangesRequest, res *pb.ListStatusChangesResponse) {
		res.StatusChanges = append(res.StatusChanges, &pb.StatusChange{})
	})},
	{"ListStatusChanges of an unknown site is NOT_FOUND", "shows an empty list", swallowingErrors},
	{"CancelStatusChange takes the change back", "only says so", around(func(_ context.Context, req *pb.CancelStatusChangeRequest, _ *bugged, _ callOf) (proto.Message, error) {
		return &pb.StatusChange{Name: req.GetName(), Type: pb.StatusChange_EXTEND_TRIAL, State: pb.StatusChange_CANCELLED}, nil
	})},
	{"CancelStatusChange of what is canceled sends nothing, and answers what stands", "does not look what stands", blindly[*pb.CancelStatusChangeRequest](func(b *bugged, ctx context.Context, name string) error {
		return b.vendor.Changes.Change(ctx, name, func(c *pb.StatusChange) error { c.State = pb.StatusChange_CANCELLED; return nil })
	})},
	{"CancelStatusChange of what the vendor has approved is FAILED_PRECONDITION", "takes any failure for a success", around(hidesFailure[*pb.CancelStatusChangeRequest])},
}

// pagingOrders and pagingMembers change a page of the list.
func pagingOrders(change func(*pb.ListSiteOrdersRequest, *pb.ListSiteOrdersResponse)) func(*bugged) {
	return showingInstead(change)
}

func pagingMembers(change func(*pb.ListMembersRequest, *pb.ListMembersResponse)) func(*bugged) {
	return showingInstead(change)
}

const (
	everyOrder   = "ListSiteOrders gives every order exactly once, as the vendor holds it, whatever the page sizes"
	chosenOrders = "ListSiteOrders chooses exactly by every condition, and by all at once"
	everyMember  = "ListMembers gives every member exactly once, as the vendor holds it, whatever the page sizes"
)

var orderBugs = []bug{
	{"CreateSiteOrder is found again", "answers another's name", showingInstead(func(_ *pb.CreateSiteOrderRequest, res *pb.SiteOrder) { res.Name += "0" })},
	{everyOrder, "ends after the first page", pagingOrders(func(_ *pb.ListSiteOrdersRequest, res *pb.ListSiteOrdersResponse) { res.NextPageToken = "" })},
	{everyOrder, "ignores the page size", requesting(func(req *pb.ListSiteOrdersRequest) { req.PageSize = paging.MaxSize })},
	{everyOrder, "loses an order between pages", pagingOrders(func(req *pb.ListSiteOrdersRequest, res *pb.ListSiteOrdersResponse) {
		if req.GetPageToken() != "" {
			res.SiteOrders = res.SiteOrders[1:]
		}
	})},
	{everyOrder, "shows every order as pending", pagingOrders(func(_ *pb.ListSiteOrdersRequest, res *pb.ListSiteOrdersResponse) {
		for _, o := range res.GetSiteOrders() {
			o.State = pb.SiteOrder_PENDING
		}
	})},
	{everyOrder, "counts the orders of a page", pagingOrders(func(_ *pb.ListSiteOrdersRequest, res *pb.ListSiteOrdersResponse) {
		res.TotalSize = int32(len(res.GetSiteOrders()))
	})},
	{everyOrder, "shows names that are not canonical", pagingOrders(func(_ *pb.ListSiteOrdersRequest, res *pb.ListSiteOrdersResponse) {
		for _, o := range res.GetSiteOrders() {
			o.Name += "%41"
		}
	})},
	{chosenOrders, "ignores the account", requesting(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().AccountId = "" })},
	{chosenOrders, "ignores the site", requesting(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().SiteId = "" })},
	{chosenOrders, "ignores the status", requesting(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().VendorStatus = "" })},
	{chosenOrders, "ignores the first day", requesting(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().StartDate = "" })},
	{chosenOrders, "ignores the last day", requesting(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().EndDate = "" })},
	{"ListSiteOrders without orders is empty", "shows an empty order", pagingOrders(func(_ *pb.ListSiteOrdersRequest, res *pb.ListSiteOrdersResponse) {
		res.SiteOrders = append(res.SiteOrders, &pb.SiteOrder{})
	})},
	{"ListSiteOrders refuses what is no page token of this request", "begins again", requesting(func(req *pb.ListSiteOrdersRequest) { req.PageToken = "" })},
	{"GetSiteOrder shows what ListSiteOrders shows", "shows less", showingInstead(func(_ *pb.GetSiteOrderRequest, res *pb.SiteOrder) { res.DisplayName = "" })},
	{"GetSiteOrder of an unknown order is NOT_FOUND", "shows an empty order", swallowingErrors},
}

var integrationBugs = []bug{
	{"GetIntegration with view FULL shows what the vendor holds", "shows no values", requesting(func(req *pb.GetIntegrationRequest) { req.View = pb.Integration_BASIC })},
	{"GetIntegration with another view shows all but the values of credentials", "shows the values", requesting(func(req *pb.GetIntegrationRequest) { req.View = pb.Integration_FULL })},
	{"GetIntegration with another view shows all but the values of credentials", "does not say that it left them out", showingInstead(func(_ *pb.GetIntegrationRequest, res *pb.Integration) {
		for _, c := range res.GetCredentials() {
			c.Redacted = false
		}
	})},
	{"GetIntegration of an unknown site is NOT_FOUND", "shows an empty integration", swallowingErrors},
	{"UpdateIntegration takes effect once, and says what became of it", "shows the values", showingInstead(func(_ *pb.UpdateIntegrationRequest, res *pb.Integration) {
		res.GetCredentials()[0].Value = "the key"
	})},
	{"UpdateIntegration changes what its mask names, and nothing else", "ignores the mask", requesting(func(req *pb.UpdateIntegrationRequest) {
		req.UpdateMask.Paths = []string{"license_callback_url", "package_callback_url", "token_duration"}
	})},
	{"UpdateIntegration changes what its mask names, and nothing else", "takes no address away", requesting(func(req *pb.UpdateIntegrationRequest) {
		if req.GetIntegration().GetLicenseCallbackUrl() == "" {
			req.UpdateMask.Paths = nil
		}
	})},
	{"UpdateIntegration refuses a token_duration of parts of a second", "rounds", requesting(func(req *pb.UpdateIntegrationRequest) {
		req.Integration.TokenDuration = &durationpb.Duration{Seconds: req.GetIntegration().GetTokenDuration().GetSeconds()}
	})},
}

// oneByOne tells the first mistake only.
func oneByOne(ctx context.Context, _ *pb.RegisterFairPlayCertificateRequest, _ *bugged, call callOf) (proto.Message, error) {
	res, err := call(ctx)
	if err == nil {
		return res, nil
	}
	e := *apierror.Convert(err)
	e.Violations = e.Violations[:min(1, len(e.Violations))]
	return nil, &e
}

func quotesThePassword(ctx context.Context, req *pb.RegisterFairPlayCertificateRequest, _ *bugged, call callOf) (proto.Message, error) {
	res, err := call(ctx)
	if err == nil {
		return res, nil
	}
	return nil, apierror.Convert(err).With(apierror.VendorMessage, "not with "+req.GetKeyPassword())
}

func looksForTheKey(ctx context.Context, req *pb.RegisterFairPlayCertificateRequest, _ *bugged, call callOf) (proto.Message, error) {
	if len(req.GetPrivateKey()) == 0 {
		return nil, apierror.Invalid("private_key", "must be set")
	}
	return call(ctx)
}

var fairPlayBugs = []bug{
	{"RegisterFairPlayCertificate takes effect once, and says what became of it", "does not say which certificate", showingInstead(func(_ *pb.RegisterFairPlayCertificateRequest, res *pb.FairPlayCertificate) {
		res.SerialNumber = ""
	})},
	{"RegisterFairPlayCertificate that is tried answers what was found", "answers nothing", showingInstead(func(_ *pb.RegisterFairPlayCertificateRequest, res *pb.FairPlayCertificate) {
		proto.Reset(res)
	})},
	{"RegisterFairPlayCertificate finds every mistake at once, and sends nothing", "finds one at a time", around(oneByOne)},
	{"RegisterFairPlayCertificate finds every mistake at once, and sends nothing", "finds none", around(hidesFailure[*pb.RegisterFairPlayCertificateRequest])},
	{"RegisterFairPlayCertificate that has succeeded is answered from its record, which keeps no secrets", "looks for the private key each time", around(looksForTheKey)},
	{"RegisterFairPlayCertificate shows no secret in an error", "quotes the password", around(quotesThePassword)},
}

var memberBugs = []bug{
	{everyMember, "ends after the first page", pagingMembers(func(_ *pb.ListMembersRequest, res *pb.ListMembersResponse) { res.NextPageToken = "" })},
	{everyMember, "ignores the page size", requesting(func(req *pb.ListMembersRequest) { req.PageSize = paging.MaxSize })},
	{everyMember, "shows everybody as active", pagingMembers(func(_ *pb.ListMembersRequest, res *pb.ListMembersResponse) {
		for _, m := range res.GetMembers() {
			m.State = pb.Member_ACTIVE
		}
	})},
	{everyMember, "shows a member twice", pagingMembers(func(req *pb.ListMembersRequest, res *pb.ListMembersResponse) {
		if req.GetPageToken() == "" && len(res.GetMembers()) > 1 {
			res.Members[1] = proto.CloneOf(res.Members[0])
		}
	})},
	{"ListMembers without members is empty", "shows an empty member", pagingMembers(func(_ *pb.ListMembersRequest, res *pb.ListMembersResponse) {
		res.Members = append(res.Members, &pb.Member{})
	})},
	{"ListMembers refuses what is no page token", "begins again", requesting(func(req *pb.ListMembersRequest) { req.PageToken = "" })},
	{"CreateMember is listed", "forgets the group", requesting(func(req *pb.CreateMemberRequest) { req.Member.Group = pb.Member_GROUP_UNSPECIFIED })},
	{"CreateMember with the e-mail address of a member is ALREADY_EXISTS, and sends nothing", "does not look", around(func(ctx context.Context, req *pb.CreateMemberRequest, b *bugged, call callOf) (proto.Message, error) {
		if err := bypassesLog(ctx, func(ctx context.Context) error { _, err := b.vendor.Members.Add(ctx, req.GetMember()); return err }); err != nil {
			return nil, err
		}
		return call(ctx)
	})},
	{"CreateMember with the e-mail address of a member is ALREADY_EXISTS, and sends nothing", "answers the one that is there", around(hidesFailure[*pb.CreateMemberRequest])},
	{"UpdateMember takes a member as it was read, and refuses another e-mail address", "ignores the address", requesting(func(req *pb.UpdateMemberRequest) { req.Member.Email = "" })},
	{"UpdateMember takes a member as it was read, and refuses another e-mail address", "takes no address at all", around(func(ctx context.Context, req *pb.UpdateMemberRequest, _ *bugged, call callOf) (proto.Message, error) {
		if req.GetMember().GetEmail() != "" {
			return nil, apierror.Invalid("member.email", "cannot be changed")
		}
		return call(ctx)
	})},
	{"UpdateMember changes what its mask names, and nobody else", "ignores the mask", requesting(func(req *pb.UpdateMemberRequest) { req.UpdateMask.Paths = []string{"group", "state"} })},
	{"UpdateMember changes what its mask names, and nobody else", "changes everybody", around(func(ctx context.Context, req *pb.UpdateMemberRequest, b *bugged, call callOf) (proto.Message, error) {
		all, err := b.vendor.Members.List(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			err := bypassesLog(ctx, func(ctx context.Context) error {
				return b.vendor.Members.Change(ctx, m.GetName(), func(m *pb.Member) error { m.State = req.GetMember().GetState(); return nil })
			})
			if err != nil {
				return nil, err
			}
		}
		return call(ctx)
	})},
}

var accountBugs = slices.Concat(changeBugs, orderBugs, integrationBugs, fairPlayBugs, memberBugs, slices.Concat(writeBugs...))
