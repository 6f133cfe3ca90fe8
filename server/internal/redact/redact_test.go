package redact_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/redact"
)

func TestWithout(t *testing.T) {
	for _, c := range []struct {
		held      bool
		say, kept proto.Message
	}{
		{
			true,
			&pb.DrmAccount{Username: "u", Password: "hunter2", DeviceCount: 1},
			&pb.DrmAccount{Username: "u", DeviceCount: 1},
		},
		{
			true,
			&pb.ListDrmAccountsResponse{DrmAccounts: []*pb.DrmAccount{{Username: "u"}, {Username: "v", Password: "hunter2"}}, NextPageToken: "n"},
			&pb.ListDrmAccountsResponse{DrmAccounts: []*pb.DrmAccount{{Username: "u"}, {Username: "v"}}, NextPageToken: "n"},
		},
		{
			true, // what has no value was redacted by somebody else, or is empty
			&pb.Integration{Iv: "00", Credentials: []*pb.Integration_Credential{{Id: "site_key", Value: "hunter2"}, {Id: "access_key", Redacted: true}, {Id: "kms_token"}}},
			&pb.Integration{Iv: "00", Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}, {Id: "access_key", Redacted: true}, {Id: "kms_token"}}},
		},
		{
			true,
			&pb.SiteOrder{DisplayName: "n", FairplayCertificate: &pb.FairPlayKeys{CertificateUri: "c", PrivateKeyUri: "hunter2", KeyPassword: "hunter2", ApplicationSecretKey: "hunter2"}},
			&pb.SiteOrder{DisplayName: "n", FairplayCertificate: &pb.FairPlayKeys{CertificateUri: "c"}},
		},
		{
			true,
			&pb.RegisterFairPlayCertificateRequest{Name: "vendors/v/sites/s", PrivateKey: []byte("hunter2")},
			&pb.RegisterFairPlayCertificateRequest{Name: "vendors/v/sites/s"},
		},
		{
			false,
			&pb.Integration{Iv: "00", Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}}},
			&pb.Integration{Iv: "00", Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}}},
		},
		{
			false,
			&pb.ListLicensesResponse{Licenses: []*pb.License{{UserId: "u"}}},
			&pb.ListLicensesResponse{Licenses: []*pb.License{{UserId: "u"}}},
		},
		{false, &pb.Site{}, &pb.Site{}},
	} {
		said := proto.CloneOf(c.say)
		kept := redact.Without(c.say)
		if !proto.Equal(kept, c.kept) {
			t.Errorf("got %v, want %v", kept, c.kept)
		}
		if !proto.Equal(c.say, said) {
			t.Errorf("it changed the message itself: %v, before %v", c.say, said)
		}
		proto.Reset(kept)
		if !proto.Equal(c.say, said) {
			t.Errorf("the copy shares memory with %v", said)
		}
		if redact.Has(c.say) != c.held || redact.Has(c.kept) {
			t.Errorf("Has says %v for %v, and %v for what is kept of it", redact.Has(c.say), c.say, redact.Has(c.kept))
		}
	}
}

// Every message of the contract is filled as far down as it goes: wherever it can hold a secret,
// that is found.
func TestEverySecretOfTheContractIsFound(t *testing.T) {
	with := 0
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		if mt.Descriptor().ParentFile().Package() != "drmhub.v1" {
			return true
		}
		m := mt.New()
		secrets := fill(m)
		if secrets > 0 {
			with++
		}
		if redact.Has(m.Interface()) != (secrets > 0) {
			t.Errorf("%s has %d secrets", mt.Descriptor().FullName(), secrets)
		}
		if redact.Has(redact.Without(m.Interface())) {
			t.Errorf("a secret is left in %s", mt.Descriptor().FullName())
		}
		return true
	})
	if with < 10 {
		t.Errorf("%d messages can hold a secret: is the contract there?", with)
	}
}

// fill gives every secret in a message, and below it, a value, and counts them.
func fill(m protoreflect.Message) (secrets int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch marked := f.Options().(*descriptorpb.FieldOptions).GetDebugRedact(); {
		case marked && f.Kind() == protoreflect.BytesKind:
			m.Set(f, protoreflect.ValueOfBytes([]byte("hunter2")))
			secrets++
		case marked:
			m.Set(f, protoreflect.ValueOfString("hunter2"))
			secrets++
		case f.Message() == nil || f.IsMap() || f.Message().ParentFile().Package() != "drmhub.v1":
		case f.IsList():
			secrets += fill(m.Mutable(f).List().AppendMutable().Message())
		default:
			secrets += fill(m.Mutable(f).Message())
		}
	}
	return secrets
}

func BenchmarkHas(b *testing.B) {
	page := &pb.ListLicensesResponse{}
	for range 1000 {
		page.Licenses = append(page.Licenses, &pb.License{Site: "vendors/v/sites/s", UserId: "u", ContentId: "c", DeviceId: "d", DeviceModel: "m", Platform: "p", VendorDrmType: "Widevine"})
	}
	for b.Loop() {
		redact.Has(page)
	}
}
