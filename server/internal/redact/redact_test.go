package redact_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/contract/contracttest"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// A redaction is a message and what is kept of it. In both, hunter2 is a secret.
type redaction struct{ sent, kept proto.Message }

func redactions() []redaction {
	account := func(password string) *pb.DrmAccount {
		return &pb.DrmAccount{Username: "u", Password: password, DeviceCount: 1}
	}
	list := func(password string) *pb.ListDrmAccountsResponse {
		accounts := []*pb.DrmAccount{{Username: "v"}, account(password)}
		return &pb.ListDrmAccountsResponse{DrmAccounts: accounts, NextPageToken: "n"}
	}
	// A credential without a value is empty, or somebody else redacted it.
	integration := func(siteKey *pb.Integration_Credential) *pb.Integration {
		others := []*pb.Integration_Credential{siteKey, {Id: "access_key", Redacted: true}, {Id: "kms_token"}}
		return &pb.Integration{Iv: "00", Credentials: others}
	}
	redacted := &pb.Integration_Credential{Id: "site_key", Redacted: true}
	order := func(secret string) *pb.SiteOrder {
		keys := &pb.FairPlayKeys{
			CertificateUri: "c", PrivateKeyUri: secret, KeyPassword: secret, ApplicationSecretKey: secret,
		}
		return &pb.SiteOrder{DisplayName: "n", FairplayCertificate: keys}
	}
	register := func(key []byte) *pb.RegisterFairPlayCertificateRequest {
		return &pb.RegisterFairPlayCertificateRequest{Name: "vendors/v/sites/s", PrivateKey: key}
	}
	licenses := &pb.ListLicensesResponse{Licenses: []*pb.License{{UserId: "u"}}}
	return []redaction{
		{account("hunter2"), account("")},
		{list("hunter2"), list("")},
		{integration(&pb.Integration_Credential{Id: "site_key", Value: "hunter2"}), integration(redacted)},
		{order("hunter2"), order("")},
		{register([]byte("hunter2")), register(nil)},
		{integration(redacted), integration(redacted)},
		{licenses, licenses},
		{&pb.Site{}, &pb.Site{}},
	}
}

func TestWithout(t *testing.T) {
	for _, c := range redactions() {
		before := proto.CloneOf(c.sent)
		kept := redact.Without(c.sent)
		if !proto.Equal(kept, c.kept) {
			t.Errorf("got %v, want %v", kept, c.kept)
		}
		proto.Reset(kept)
		if !proto.Equal(c.sent, before) {
			t.Errorf("the message changed, or shares memory with the copy: %v, before %v", c.sent, before)
		}
		if holds := !proto.Equal(c.sent, c.kept); redact.Has(c.sent) != holds || redact.Has(c.kept) {
			t.Errorf("Has returns %t for %v, and %t for %v", redact.Has(c.sent), c.sent, redact.Has(c.kept), c.kept)
		}
	}
}

// TestEverySecretOfTheContractIsFound fills every message of the contract, at every depth.
func TestEverySecretOfTheContractIsFound(t *testing.T) {
	with := 0
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		if mt.Descriptor().ParentFile().Package() != "drmhub.v1" {
			return true
		}
		m := mt.New()
		secrets := contracttest.FillSecrets(m, "hunter2")
		if secrets > 0 {
			with++
		}
		if redact.Has(m.Interface()) != (secrets > 0) || contract.CanHoldSecrets(mt.Descriptor()) != (secrets > 0) {
			t.Errorf("%s has %d secrets", mt.Descriptor().FullName(), secrets)
		}
		if redact.Has(redact.Without(m.Interface())) {
			t.Errorf("a secret is left in %s", mt.Descriptor().FullName())
		}
		return true
	})
	if with < 10 {
		t.Errorf("only %d messages can hold a secret", with)
	}
}

func BenchmarkHas(b *testing.B) {
	page := &pb.ListLicensesResponse{}
	for range 1000 {
		page.Licenses = append(page.Licenses, &pb.License{
			Site: "vendors/v/sites/s", UserId: "u", ContentId: "c", DeviceId: "d", DeviceModel: "m",
			Platform: "p", VendorDrmType: "Widevine",
		})
	}
	for b.Loop() {
		redact.Has(page)
	}
}
