package journal_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/journal"
)

func TestSecretsAreAnsweredOnce(t *testing.T) {
	for _, c := range []struct{ req, answer, replay proto.Message }{
		{
			&pb.CreateDrmAccountRequest{RequestId: id, Parent: "vendors/v"},
			&pb.DrmAccount{Username: "u", Password: "hunter2", DeviceCount: 1},
			&pb.DrmAccount{Username: "u", DeviceCount: 1},
		},
		{
			&pb.UpdateIntegrationRequest{RequestId: id},
			&pb.Integration{Iv: "00", Credentials: []*pb.Integration_Credential{{Id: "site_key", Value: "hunter2"}, {Id: "access_key", Redacted: true}}},
			&pb.Integration{Iv: "00", Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}, {Id: "access_key", Redacted: true}}},
		},
		{
			&pb.CreateSiteOrderRequest{RequestId: id},
			&pb.SiteOrder{DisplayName: "n", FairplayCertificate: &pb.FairPlayKeys{CertificateUri: "c", PrivateKeyUri: "hunter2", KeyPassword: "hunter2", ApplicationSecretKey: "hunter2"}},
			&pb.SiteOrder{DisplayName: "n", FairplayCertificate: &pb.FairPlayKeys{CertificateUri: "c"}},
		},
	} {
		j := newJournal(t, inproc.New(nil, nil), journal.Options{})
		call := func() proto.Message {
			got, err := j.Unary(t.Context(), c.req, &grpc.UnaryServerInfo{FullMethod: methodFor(c.req)}, func(context.Context, any) (any, error) { return proto.CloneOf(c.answer), nil })
			if err != nil {
				t.Fatal(err)
			}
			return got.(proto.Message)
		}
		if first := call(); !proto.Equal(first, c.answer) {
			t.Errorf("the first answer %v, want %v", first, c.answer)
		}
		for range 2 {
			if again := call(); !proto.Equal(again, c.replay) {
				t.Errorf("answered again %v, want %v", again, c.replay)
			} else {
				proto.Reset(again) // it belongs to the caller
			}
		}
	}
}

// methodFor returns the full name of the RPC that takes a request.
func methodFor(req proto.Message) string {
	for _, rpc := range contract.RPCs() {
		if rpc.Method.Input() == req.ProtoReflect().Descriptor() {
			return rpc.FullMethod()
		}
	}
	return ""
}
