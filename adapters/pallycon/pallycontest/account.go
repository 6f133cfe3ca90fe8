package pallycontest

import (
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// withAccount adds status changes, orders, integrations and members to a harness.
func withAccount(h adaptertest.Harness, vendorSide *emulator.Emulator) adaptertest.Harness {
	h.Approve = func(siteID string) {
		if _, err := vendorSide.Approve(siteID, emulator.ServiceDRM); err != nil {
			panic(err)
		}
	}
	h.SiteOrders = &adaptertest.Resource[*pb.SiteOrder]{
		Put: func(orders ...*pb.SiteOrder) {
			for _, o := range orders {
				vendorSide.PutSiteOrders(vendorOrder(o))
			}
		},
		Show: showOrder,
	}
	h.Integration = func(siteID string) *pb.Integration { return showIntegration(vendorSide.Integration(siteID)) }
	h.Members = &adaptertest.Resource[*pb.Member]{
		Put: func(members ...*pb.Member) {
			for _, m := range members {
				vendorSide.PutMembers(vendorMember(m))
			}
		},
		Show: showMember,
	}
	return h
}

// effects are the kinds of effects that calls of the adapter have. The vendor's own acts have
// others.
var effects = []string{
	emulator.EffectChangeRequested, emulator.EffectChangeCanceled, emulator.EffectSiteOrdered,
	emulator.EffectIntegrationUpdated, emulator.EffectCertificateRegistered,
	emulator.EffectMemberCreated, emulator.EffectMemberUpdated, emulator.EffectMemberPasswordReset,
}

// writes returns how many changes of the adapter have taken effect.
func writes(ledger *twin.Ledger) int {
	n := 0
	for _, e := range ledger.Effects() {
		if slices.Contains(effects, e.Kind) {
			n++
		}
	}
	return n
}

var orderStatuses = map[pb.SiteOrder_State]string{
	pb.SiteOrder_PENDING:  emulator.OrderPending,
	pb.SiteOrder_APPROVED: emulator.OrderApproved,
	pb.SiteOrder_REJECTED: emulator.OrderRejected,
}

func vendorOrder(o *pb.SiteOrder) emulator.SiteOrder {
	order := emulator.SiteOrder{
		AccountID: o.GetAccountId(), ServiceName: o.GetDisplayName(),
		Status: orderStatuses[o.GetState()], RegTime: o.GetCreateTime().AsTime(),
	}
	if ids, err := names.Site.IDs(o.GetSite()); err == nil {
		order.SiteID = ids[1]
	}
	if o.GetUpdateTime() != nil {
		order.UpdateTime = o.GetUpdateTime().AsTime()
	}
	return order
}

func showOrder(o *pb.SiteOrder) *pb.SiteOrder {
	o.VendorStatus = orderStatuses[o.GetState()]
	return o
}

func showIntegration(i emulator.Integration) *pb.Integration {
	return &pb.Integration{
		Credentials: []*pb.Integration_Credential{
			{Id: "site_key", Value: i.SiteKey},
			{Id: "access_key", Value: i.AccessKey},
			{Id: "kms_token", Value: i.KMSToken},
		},
		Iv:                 i.IV,
		LicenseCallbackUrl: i.LicenseCallbackURL,
		PackageCallbackUrl: i.PackageCallbackURL,
		TokenDuration:      durationpb.New(i.TokenDuration),
	}
}

var (
	memberGroups = map[pb.Member_Group]int{
		pb.Member_BUSINESS: 1000, pb.Member_TECHNICAL_SUPPORT: 1001, pb.Member_CLIENT: 1014,
	}
	memberStates = map[pb.Member_State]string{pb.Member_ACTIVE: "MT001", pb.Member_INACTIVE: "MT002"}
)

func vendorMember(m *pb.Member) emulator.Member {
	registered, err := time.Parse(time.DateOnly, m.GetCreateDate())
	if err != nil {
		panic(err)
	}
	return emulator.Member{
		MemberEmail: m.GetEmail(), RegTime: registered,
		GroupSeq: memberGroups[m.GetGroup()], StatusCode: memberStates[m.GetState()],
	}
}

func showMember(m *pb.Member) *pb.Member {
	m.VendorGroup = strconv.Itoa(memberGroups[m.GetGroup()])
	m.VendorState = memberStates[m.GetState()]
	return m
}
