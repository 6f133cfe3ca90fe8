package main

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The numbers of sites and members, which all clients share.
const (
	pallyconSites   = 60
	pallyconMembers = 40
)

func pallyconKinds() []*opKind {
	const vendor = "pallycon"
	return []*opKind{
		newKind(vendor, pb.SiteService_CreateSiteOrder_FullMethodName, planPallyConOrder, func(o *op, a *pb.SiteOrder) {
			o.claims[0].key = lastSegment(a.GetName())
		}),
		newKind(vendor, pb.SiteService_DisableSite_FullMethodName, func(b *testbed, o *op) {
			site := b.pallyconSite(o)
			o.request = &pb.DisableSiteRequest{Name: "vendors/pallycon/sites/" + site, Message: o.token}
			o.claimChange(site, "suspend", emulator.ChangeSuspend)
		}, learnChange).resting(),
		newKind(vendor, pb.SiteService_EnableSite_FullMethodName, func(b *testbed, o *op) {
			site := b.pallyconSite(o)
			o.request = &pb.EnableSiteRequest{Name: "vendors/pallycon/sites/" + site, Message: o.token}
			o.claimChange(site, "resume", emulator.ChangeResume)
		}, learnChange).resting(),
		newKind(vendor, pb.SiteService_ExtendTrial_FullMethodName, func(b *testbed, o *op) {
			site := b.pallyconSite(o)
			o.request = &pb.ExtendTrialRequest{Name: "vendors/pallycon/sites/" + site, Message: o.token}
			o.claimChange(site, "extend_trial", emulator.ChangeExtendTrial)
		}, learnChange).resting(),
		newKind(vendor, pb.SiteService_CancelStatusChange_FullMethodName, planCancel,
			func(*op, *pb.StatusChange) {}).resting(),
		newKind(vendor, pb.SiteService_UpdateIntegration_FullMethodName, planIntegration,
			func(*op, *pb.Integration) {}),
		newKind(vendor, pb.SiteService_RegisterFairPlayCertificate_FullMethodName, planFairPlay,
			func(*op, *pb.FairPlayCertificate) {}),
		newKind(vendor, pb.MemberService_CreateMember_FullMethodName, planMember, func(o *op, a *pb.Member) {
			o.claims[0].key = lastSegment(a.GetName())
		}),
		newKind(vendor, pb.MemberService_UpdateMember_FullMethodName, planMemberUpdate,
			func(*op, *pb.Member) {}).resting(),
		newKind(vendor, pb.MemberService_ResetMemberPassword_FullMethodName, func(b *testbed, o *op) {
			seq := b.pallyconMember(o)
			o.request = &pb.ResetMemberPasswordRequest{Name: "vendors/pallycon/members/" + seq}
			o.claim(&claim{step: "reset", effect: emulator.EffectMemberPasswordReset, key: seq})
		}, func(*op, *pb.ResetMemberPasswordResponse) {}),
	}
}

// pallyconSite returns a site that other clients change too, some more often than others.
func (b *testbed) pallyconSite(o *op) string {
	n := pallyconSites
	if o.chance(0.3) {
		n /= 10
	}
	return fmt.Sprintf("S%03d", o.random.IntN(n))
}

func (b *testbed) pallyconMember(o *op) string {
	return strconv.Itoa(1 + o.random.IntN(pallyconMembers))
}

// planPallyConOrder orders sites. Some share a name but are different orders.
func planPallyConOrder(_ *testbed, o *op) {
	name := o.token
	if o.chance(0.2) {
		name = o.shared(40)
	}
	o.request = &pb.CreateSiteOrderRequest{Parent: "vendors/pallycon", SiteOrder: &pb.SiteOrder{DisplayName: name}}
	o.claim(claimBy("order", emulator.EffectSiteOrdered, "service_name", name))
}

func (o *op) claimChange(site, step, regType string) {
	o.claim(&claim{
		step: step, effect: emulator.EffectChangeRequested, by: "service",
		details: map[string]string{"service": site + "/" + emulator.ServiceDRM, "reg_type": regType},
	})
}

// learnChange learns the id of a status change. It is the op's own change if the op made a write.
func learnChange(o *op, a *pb.StatusChange) {
	if a.GetName() != "" {
		o.claims[0].key = changeKey(a.GetName())
	}
}

// changeKey returns the ledger's key of a status change, such as S001/PD001/0a1b2c3d000001.
func changeKey(name string) string {
	parts := strings.Split(name, "/")
	service, group, _ := strings.Cut(parts[5], ".")
	return parts[3] + "/" + service + "/" + group
}

// planCancel cancels a change that some client has heard of. It may be canceled or approved by now.
func planCancel(b *testbed, o *op) {
	name := b.heardChange(o)
	o.request = &pb.CancelStatusChangeRequest{Name: name}
	o.claim(&claim{step: "cancel", effect: emulator.EffectChangeCanceled, key: changeKey(name)})
}

func planIntegration(b *testbed, o *op) {
	site := b.pallyconSite(o)
	i := &pb.Integration{Name: "vendors/pallycon/sites/" + site + "/integration"}
	field, value := "token_duration", strconv.Itoa(1000+o.number)
	switch o.random.IntN(3) {
	case 0:
		i.TokenDuration = &durationpb.Duration{Seconds: int64(1000 + o.number)}
	case 1:
		field, value = "license_callback_url", "https://callback.example/"+o.token
		i.LicenseCallbackUrl = value
	case 2:
		field, value = "package_callback_url", "https://callback.example/"+o.token
		i.PackageCallbackUrl = value
	}
	o.request = &pb.UpdateIntegrationRequest{Integration: i, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{field}}}
	c := claimBy("update", emulator.EffectIntegrationUpdated, field, value)
	c.key = site
	o.claim(c)
	o.sets["pallycon "+site+" "+field] = value
}

func planFairPlay(b *testbed, o *op) {
	site := b.pallyconSite(o)
	serial := int64(0x10000 + o.number)
	o.request = &pb.RegisterFairPlayCertificateRequest{
		Name: "vendors/pallycon/sites/" + site, Certificate: b.apple.certificate(serial),
		PrivateKey: b.apple.pem, KeyPassword: applePassword, ApplicationSecretKey: "00112233445566778899aabbccddeeff",
	}
	number := strconv.FormatInt(serial, 16)
	c := claimBy("register", emulator.EffectCertificateRegistered, "serial_number", number)
	c.key = site
	o.claim(c)
}

var pallyconGroups = map[pb.Member_Group]string{
	pb.Member_BUSINESS: "1000", pb.Member_TECHNICAL_SUPPORT: "1001", pb.Member_CLIENT: "1014",
}

var pallyconStates = map[pb.Member_State]string{
	pb.Member_ACTIVE: emulator.MemberActive, pb.Member_INACTIVE: emulator.MemberInactive,
}

func anyGroup(o *op) pb.Member_Group { return pb.Member_Group(1 + o.random.IntN(len(pallyconGroups))) }

// planMember creates members. Some share an address, which only one member can have.
func planMember(_ *testbed, o *op) {
	email, group := o.token+"@campaign.example", anyGroup(o)
	if o.chance(0.2) {
		email = o.shared(60) + "@campaign.example"
	}
	o.request = &pb.CreateMemberRequest{Parent: "vendors/pallycon", Member: &pb.Member{Email: email, Group: group}}
	o.claim(&claim{
		step: "create", effect: emulator.EffectMemberCreated, by: "member_email",
		details: map[string]string{"member_email": email, "group_seq": pallyconGroups[group]},
	})
}

func planMemberUpdate(b *testbed, o *op) {
	seq := b.pallyconMember(o)
	m := &pb.Member{Name: "vendors/pallycon/members/" + seq}
	c := &claim{step: "update", effect: emulator.EffectMemberUpdated, key: seq, details: map[string]string{}}
	var mask []string
	if which := o.random.IntN(3); which != 0 {
		m.Group = anyGroup(o)
		mask = append(mask, "group")
		c.details["group_seq"] = pallyconGroups[m.GetGroup()]
		if which == 2 {
			m.State = pb.Member_State(1 + o.random.IntN(2))
		}
	} else {
		m.State = pb.Member_State(1 + o.random.IntN(2))
	}
	if m.GetState() != pb.Member_STATE_UNSPECIFIED {
		mask = append(mask, "state")
		c.details["status_code"] = pallyconStates[m.GetState()]
	}
	o.request = &pb.UpdateMemberRequest{Member: m, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}}
	o.claim(c)
	for name, value := range c.details {
		o.sets["pallycon member "+seq+" "+name] = value
	}
}

// pallyconWrite returns the RPC that makes a write, or "" for a read.
func pallyconWrite(method, path, body string) string {
	switch {
	case method == "GET":
		return ""
	case strings.HasSuffix(path, "/siteId/approve"):
		return "CreateSiteOrder"
	case strings.HasSuffix(path, "/member/repw"):
		return "ResetMemberPassword"
	case strings.HasSuffix(path, "/account/member") && method == "POST":
		return "CreateMember"
	case strings.HasSuffix(path, "/account/member"):
		return "UpdateMember"
	case strings.Contains(path, "/fpscert/"):
		return "RegisterFairPlayCertificate"
	case strings.Contains(path, "/drm/setting/"):
		return "UpdateIntegration"
	case strings.Contains(body, emulator.ChangeSuspend):
		return "DisableSite"
	case strings.Contains(body, emulator.ChangeResume):
		return "EnableSite"
	case strings.Contains(body, emulator.ChangeExtendTrial):
		return "ExtendTrial"
	}
	return "CancelStatusChange"
}
