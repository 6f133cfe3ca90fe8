package services_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// everything is an adapter with every capability, none of which works: the generated code answers
// that this very method is not implemented.
type everything struct {
	bare
	pb.UnimplementedSiteServiceServer
	pb.UnimplementedLicenseServiceServer
	pb.UnimplementedMemberServiceServer
	pb.UnimplementedDrmAccountServiceServer
	pb.UnimplementedProductLicenseServiceServer
}

// vendorMethods are the RPCs that vendors answer.
func vendorMethods() []protoreflect.MethodDescriptor {
	var all []protoreflect.MethodDescriptor
	for _, f := range []protoreflect.FileDescriptor{
		pb.File_drmhub_v1_site_service_proto,
		pb.File_drmhub_v1_license_service_proto,
		pb.File_drmhub_v1_member_service_proto,
		pb.File_drmhub_v1_drm_account_service_proto,
		pb.File_drmhub_v1_product_license_service_proto,
	} {
		methods := f.Services().Get(0).Methods()
		for i := range methods.Len() {
			all = append(all, methods.Get(i))
		}
	}
	return all
}

// call calls any RPC for the resource of this name, or below it.
func call(ctx context.Context, conn grpc.ClientConnInterface, method protoreflect.MethodDescriptor, name string) error {
	full := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
	req := newMessage(method.Input())
	address(req.ProtoReflect(), name)
	if !method.IsStreamingServer() {
		return conn.Invoke(ctx, full, req, newMessage(method.Output()))
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, full)
	if err != nil {
		return err
	}
	if err := errors.Join(stream.SendMsg(req), stream.CloseSend()); err != nil {
		return err
	}
	return stream.RecvMsg(newMessage(method.Output()))
}

func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	found, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(err)
	}
	return found.New().Interface()
}

// address writes the name into a request where its URL has it: in name, parent, or the name of its
// first message.
func address(m protoreflect.Message, name string) {
	fields := m.Descriptor().Fields()
	switch first := fields.Get(0); first.Kind() {
	case protoreflect.MessageKind:
		address(m.Mutable(first).Message(), name)
	default:
		m.Set(first, protoreflect.ValueOfString(name))
	}
}

func TestEveryMethodReachesTheCapabilityOfItsName(t *testing.T) {
	conn, _ := serve(t, configured("v", everything{}))
	for _, method := range vendorMethods() {
		parents := []string{"vendors/v/sites/s"}
		if strings.HasPrefix(string(method.Name()), "List") {
			parents = append(parents, "vendors/-/sites/s")
		}
		for _, name := range parents {
			e := wantError(t, call(t.Context(), conn, method, name), codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN)
			if want := "method " + string(method.Name()) + " not implemented"; e.Message != want {
				t.Errorf("%s of %s reaches something else: %q, want %q", method.FullName(), name, e.Message, want)
			}
			wantVendor(t, e, "v")
		}
	}
}

func TestAVendorWithoutTheCapability(t *testing.T) {
	conn, _ := serve(t, configured("v", bare{}))
	for _, method := range vendorMethods() {
		e := wantError(t, call(t.Context(), conn, method, "vendors/v/sites/s"), codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED)
		wantVendor(t, e, "v")
		if want := string(method.Parent().FullName()) + "/" + string(method.Name()); !strings.Contains(e.Message, " "+want+";") {
			t.Errorf("%q does not name %s", e.Message, want)
		}
	}
}

func TestAVendorThatIsNotConfigured(t *testing.T) {
	conn, _ := serve(t, configured("v", everything{}))
	for _, method := range vendorMethods() {
		e := wantError(t, call(t.Context(), conn, method, "vendors/w/sites/s"), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
		wantVendor(t, e, "w")
	}
}

func TestAVendorsErrorsSayWhichVendor(t *testing.T) {
	a := newAccount("a")
	conn, _ := serve(t, a.configured())
	a.FailReads(adaptertest.CredentialsRejected)
	for _, method := range vendorMethods() {
		switch method.Name() {
		case "GetSite", "ListSites", "ListLicenses", "StreamLicenses":
			e := wantError(t, call(t.Context(), conn, method, "vendors/a/sites/s"), codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
			wantVendor(t, e, "a")
			if e.Metadata["vendor_code"] == "" {
				t.Errorf("%s loses the vendor's own code: %v", method.Name(), e.Metadata)
			}
		}
	}
}

func TestAnErrorThatNobodyWroteForCallersGoesToTheLog(t *testing.T) {
	leak := listing(func(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		return nil, errors.New("row 7 of hunter2's table")
	})
	for _, parent := range []string{"vendors/v/sites/s", "vendors/-/sites/-"} {
		conn, log := serve(t, configured("v", leak))
		_, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: parent})
		e := wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)
		wantVendor(t, e, "v")
		if strings.Contains(e.Message, "hunter2") {
			t.Errorf("%s: the caller sees %q", parent, e.Message)
		}
		if !strings.Contains(log.String(), "hunter2's table") {
			t.Errorf("%s: the log does not say what happened: %q", parent, log.String())
		}
	}
}

func TestAnswersPassUnchanged(t *testing.T) {
	a := newAccount("a")
	a.put("s", 2)
	conn, _ := serve(t, a.configured())
	ctx := mutation.NewContext(t.Context(), mutation.NewMemory())
	change, err := pb.NewSiteServiceClient(conn).DisableSite(ctx, &pb.DisableSiteRequest{Name: "vendors/a/sites/s"})
	if err != nil || change.GetState() != pb.StatusChange_APPLIED || change.GetAppliedSite().GetEnabled() {
		t.Errorf("%v, %v", change, err)
	}
	page, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/a/sites/s", PageSize: 1})
	if err != nil || len(page.GetLicenses()) != 1 || page.GetTotalSize() != 2 || page.GetNextPageToken() == "" {
		t.Errorf("one vendor's page: %v, %v", page, err)
	}
	stream, err := pb.NewLicenseServiceClient(conn).StreamLicenses(t.Context(), &pb.StreamLicensesRequest{Parent: "vendors/a/sites/s"})
	if err != nil {
		t.Fatal(err)
	}
	if message, err := stream.Recv(); err != nil || len(message.GetLicenses()) != 2 {
		t.Errorf("the stream: %v, %v", message, err)
	}
}
