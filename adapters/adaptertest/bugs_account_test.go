package adaptertest_test

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var changeBugs = bugs{
	"EnableSite of a site that is on sends nothing": {
		"does not look first": before(func(ctx context.Context, v *vendor, req *pb.EnableSiteRequest) error {
			return v.Sites.Change(ctx, req.GetName(), func(*pb.Site) error { return nil })
		}),
	},
	"ExtendTrial that is still pending is not sent again": {
		"does not look first": before(func(ctx context.Context, v *vendor, req *pb.ExtendTrialRequest) error {
			_, err := v.Changes.Add(ctx, &pb.StatusChange{Site: req.GetName(), State: pb.StatusChange_PENDING})
			return err
		}),
	},
	"ListStatusChanges shows each request, of the service that the filter chooses": {
		"shows nothing":      shows(func(res *pb.ListStatusChangesResponse) { res.StatusChanges = nil }),
		"ignores the filter": on("ListStatusChanges", clearing("filter")),
	},
	"ListStatusChanges of a site without changes is empty": {
		"shows an empty change": on("ListStatusChanges", showsAnEmptyRow),
	},
	"ListStatusChanges of an unknown site is NOT_FOUND": {"shows an empty list": swallowsErrors},
	"CancelStatusChange cancels the change": {
		"only says so": instead(func(_ *call, req *pb.CancelStatusChangeRequest) (proto.Message, error) {
			return &pb.StatusChange{
				Name: req.GetName(), Type: pb.StatusChange_EXTEND_TRIAL, State: pb.StatusChange_CANCELLED,
			}, nil
		}),
		"hides what is canceled": shows(func(res *pb.ListStatusChangesResponse) {
			res.StatusChanges = slices.DeleteFunc(res.GetStatusChanges(), func(c *pb.StatusChange) bool {
				return c.GetState() == pb.StatusChange_CANCELLED
			})
		}),
	},
	"CancelStatusChange of a canceled change sends nothing, and returns the change": {
		"does not look first": before(func(ctx context.Context, v *vendor, req *pb.CancelStatusChangeRequest) error {
			return v.Changes.Change(ctx, req.GetName(), func(c *pb.StatusChange) error {
				c.State = pb.StatusChange_CANCELLED
				return nil
			})
		}),
	},
	"CancelStatusChange of an approved change is FAILED_PRECONDITION": {
		"takes any failure for a success": on("CancelStatusChange", hidesFailure),
	},
}

var orderBugs = bugs{
	"CreateSiteOrder is found again": {
		"returns another's name": on("CreateSiteOrder", misnames),
	},
	"ListSiteOrders gives every order exactly once, as the vendor holds it, whatever the page sizes": {
		"shows every order as pending":       showsOrders(func(o *pb.SiteOrder) { o.State = pb.SiteOrder_PENDING }),
		"shows names that are not canonical": showsOrders(func(o *pb.SiteOrder) { o.Name += "%41" }),
	},
	"ListSiteOrders chooses exactly by every condition, and by all at once": {
		"ignores the account":   asks(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().AccountId = "" }),
		"ignores the site":      asks(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().SiteId = "" }),
		"ignores the status":    asks(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().VendorStatus = "" }),
		"ignores the first day": asks(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().StartDate = "" }),
		"ignores the last day":  asks(func(req *pb.ListSiteOrdersRequest) { req.GetFilter().EndDate = "" }),
	},
	"GetSiteOrder shows what ListSiteOrders shows": {
		"shows less": on("GetSiteOrder", showing(func(_, res proto.Message) { res.(*pb.SiteOrder).DisplayName = "" })),
	},
	"GetSiteOrder of an unknown order is NOT_FOUND": {"shows an empty order": swallowsErrors},
}

// showsOrders is a bug that changes every order of the list.
func showsOrders(change func(*pb.SiteOrder)) bug {
	return shows(func(res *pb.ListSiteOrdersResponse) {
		for _, o := range res.GetSiteOrders() {
			change(o)
		}
	})
}

var integrationBugs = bugs{
	"GetIntegration with view FULL shows what the vendor holds": {
		"shows no values": asks(func(req *pb.GetIntegrationRequest) { req.View = pb.Integration_BASIC }),
	},
	"GetIntegration with another view shows all but the values of credentials": {
		"shows the values": asks(func(req *pb.GetIntegrationRequest) { req.View = pb.Integration_FULL }),
		"does not say that it left them out": shows(func(res *pb.Integration) {
			for _, c := range res.GetCredentials() {
				c.Redacted = false
			}
		}),
	},
	"GetIntegration of an unknown site is NOT_FOUND": {"shows an empty integration": swallowsErrors},
	"UpdateIntegration takes effect once, and returns the outcome": {
		"shows the values": shows(func(res *pb.Integration) { res.GetCredentials()[0].Value = "the key" }),
	},
	"UpdateIntegration changes what its mask names, and nothing else": {
		"ignores the mask": asks(func(req *pb.UpdateIntegrationRequest) {
			req.UpdateMask.Paths = []string{"license_callback_url", "package_callback_url", "token_duration"}
		}),
		"takes no address away": asks(func(req *pb.UpdateIntegrationRequest) {
			if req.GetIntegration().GetLicenseCallbackUrl() == "" {
				req.UpdateMask.Paths = nil
			}
		}),
	},
	"UpdateIntegration refuses a token_duration of parts of a second": {
		"rounds": asks(func(req *pb.UpdateIntegrationRequest) {
			whole := req.GetIntegration().GetTokenDuration().GetSeconds()
			req.Integration.TokenDuration = &durationpb.Duration{Seconds: whole}
		}),
	},
}

// tellsOneMistake is a bug that tells the first mistake only.
var tellsOneMistake = fails(func(e *apierror.Error) *apierror.Error {
	e.Violations = e.Violations[:min(1, len(e.Violations))]
	return e
})

var fairPlayBugs = bugs{
	"GetFairPlayCertificate returns the certificate that was registered last": {
		"does not say how long it is valid": shows(func(res *pb.FairPlayCertificate) { res.ExpireTime = nil }),
	},
	"GetFairPlayCertificate takes nothing else for a certificate, and never says that it is gone": {
		"returns none": on("GetFairPlayCertificate", hidesFailure),
		"says that it is gone": on("GetFairPlayCertificate", func(c *call) (proto.Message, error) {
			if res, err := c.run(); err == nil {
				return res, nil
			}
			return nil, apierror.New(codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "none")
		}),
	},
	"GetFairPlayCertificate of an unknown site is NOT_FOUND": {
		"returns none": on("GetFairPlayCertificate", func(c *call) (proto.Message, error) {
			if res, err := c.run(); err == nil {
				return res, nil
			}
			return &pb.FairPlayCertificate{}, nil
		}),
	},
	"RegisterFairPlayCertificate takes effect once, and returns the outcome": {
		"does not say which certificate": shows(func(res *pb.FairPlayCertificate) { res.SerialNumber = "" }),
	},
	"RegisterFairPlayCertificate in a dry run returns the certificate": {
		"returns nothing": shows(func(res *pb.FairPlayCertificate) { proto.Reset(res) }),
	},
	"RegisterFairPlayCertificate finds every mistake at once, and sends nothing": {
		"finds one at a time": tellsOneMistake,
		"finds none":          on("RegisterFairPlayCertificate", hidesFailure),
	},
	"RegisterFairPlayCertificate takes files in the forms that people have": {
		"refuses an expired certificate": on("RegisterFairPlayCertificate", func(c *call) (proto.Message, error) {
			res, err := c.run()
			if held, ok := res.(*pb.FairPlayCertificate); ok && held.GetExpireTime().AsTime().Before(time.Now()) {
				return nil, apierror.Invalid("certificate", "expired")
			}
			return res, err
		}),
	},
	"RegisterFairPlayCertificate that has succeeded returns its record, which holds no secrets": {
		"looks for the private key each time": on("RegisterFairPlayCertificate", wantsTheKey),
	},
	"RegisterFairPlayCertificate is settled by the served certificate alone, if another one was served before": {
		"looks for the private key each time": on("RegisterFairPlayCertificate", wantsTheKey),
		"takes silence for success":           on("RegisterFairPlayCertificate", hidesFailure),
	},
	"RegisterFairPlayCertificate shows no secret in an error": {
		"quotes the password": on("RegisterFairPlayCertificate", func(c *call) (proto.Message, error) {
			password := c.req.(*pb.RegisterFairPlayCertificateRequest).GetKeyPassword()
			return c.failing(func(err error) error {
				return apierror.Convert(err).With(apierror.VendorMessage, "not with "+password)
			})
		}),
	},
}

func wantsTheKey(c *call) (proto.Message, error) {
	if len(c.req.(*pb.RegisterFairPlayCertificateRequest).GetPrivateKey()) == 0 {
		return nil, apierror.Invalid("private_key", "must be set")
	}
	return c.run()
}

var memberBugs = bugs{
	"ListMembers gives every member exactly once, as the vendor holds it, whatever the page sizes": {
		"shows everybody as active": shows(func(res *pb.ListMembersResponse) {
			for _, m := range res.GetMembers() {
				m.State = pb.Member_ACTIVE
			}
		}),
	},
	"CreateMember is listed": {
		"forgets the group": asks(func(req *pb.CreateMemberRequest) { req.Member.Group = pb.Member_GROUP_UNSPECIFIED }),
	},
	"CreateMember with the e-mail address of a member is ALREADY_EXISTS, and sends nothing": {
		"does not look": before(func(ctx context.Context, v *vendor, req *pb.CreateMemberRequest) error {
			_, err := v.Members.Add(ctx, req.GetMember())
			return err
		}),
		"returns the one that is there": on("CreateMember", hidesFailure),
	},
	"UpdateMember takes a member as it was read, and refuses another e-mail address": {
		"ignores the address": asks(func(req *pb.UpdateMemberRequest) { req.Member.Email = "" }),
		"takes no address at all": instead(func(c *call, req *pb.UpdateMemberRequest) (proto.Message, error) {
			if req.GetMember().GetEmail() != "" {
				return nil, apierror.Invalid("member.email", "cannot be changed")
			}
			return c.run()
		}),
	},
	"UpdateMember changes what its mask names, and nobody else": {
		"ignores the mask": asks(func(req *pb.UpdateMemberRequest) {
			req.UpdateMask.Paths = []string{"group", "state"}
		}),
		"changes everybody": before(func(ctx context.Context, v *vendor, req *pb.UpdateMemberRequest) error {
			return changeAll(ctx, v.Members, func(m *pb.Member) { m.State = req.GetMember().GetState() })
		}),
	},
	"ResetMemberPassword whose response is lost has an unknown outcome, and settles with one effect": {
		"reads back in vain": instead(readsBackInVain),
	},
}
