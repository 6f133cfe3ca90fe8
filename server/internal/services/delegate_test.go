package services_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// everything is an adapter with every capability. The generated code of each returns that this very
// method is not implemented.
type everything struct {
	bare
	pb.UnimplementedSiteServiceServer
	pb.UnimplementedLicenseServiceServer
	pb.UnimplementedMemberServiceServer
	pb.UnimplementedDrmAccountServiceServer
	pb.UnimplementedProductLicenseServiceServer
}

// vendorRPCs returns the RPCs that vendors serve.
func vendorRPCs() []*contract.RPC {
	own := []protoreflect.Name{"VendorService", "MutationService", "AuditService", "CallerService",
		"ArchiveService", "ViewerService"}
	composed := []protoreflect.Name{"ExplainLicense", "ListFairPlayCertificates"}
	return slices.DeleteFunc(contract.RPCs(), func(rpc *contract.RPC) bool {
		return slices.Contains(own, rpc.Method.Parent().Name()) || slices.Contains(composed, rpc.Method.Name())
	})
}

// call makes a call for the resource of this name, or below it.
func call(ctx context.Context, conn grpc.ClientConnInterface, rpc *contract.RPC, name string) error {
	req := rpc.NewRequest()
	if holder, field, deep := strings.Cut(rpc.Resource, "."); deep {
		m := req.ProtoReflect()
		resource := m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(holder))).Message()
		contract.Set(resource.Interface(), protoreflect.Name(field), name)
	} else {
		contract.Set(req, protoreflect.Name(rpc.Resource), name)
	}
	if !rpc.Method.IsStreamingServer() {
		return conn.Invoke(ctx, rpc.FullMethod(), req, rpc.NewResponse())
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, rpc.FullMethod())
	if err != nil {
		return err
	}
	if err := errors.Join(stream.SendMsg(req), stream.CloseSend()); err != nil {
		return err
	}
	return stream.RecvMsg(rpc.NewResponse())
}

func TestEveryMethodReachesTheCapabilityOfItsName(t *testing.T) {
	const notImplemented, unsupported = pb.ErrorReason_METHOD_UNKNOWN, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED
	for _, c := range []struct {
		adapter       adapters.Adapter
		resource      string
		code          codes.Code
		reason        pb.ErrorReason
		vendor, holds string // METHOD and NAME are those of the RPC
	}{
		{everything{}, "vendors/v/sites/s", codes.Unimplemented, notImplemented, "v", "method METHOD not implemented"},
		{everything{}, "vendors/-/sites/s", codes.Unimplemented, notImplemented, "v", "method METHOD not implemented"},
		{everything{}, "vendors/w/sites/s", codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "w", `vendor "w"`},
		{bare{}, "vendors/v/sites/s", codes.Unimplemented, unsupported, "v", " NAME;"},
	} {
		conn, _ := serve(t, configured("v", c.adapter))
		for _, rpc := range vendorRPCs() {
			method := string(rpc.Method.Name())
			if strings.Contains(c.resource, "-") && !strings.HasPrefix(method, "List") {
				continue
			}
			err := call(t.Context(), conn, rpc, c.resource)
			e := wantError(t, err, c.code, c.reason, c.vendor)
			want := strings.NewReplacer("METHOD", method, "NAME", rpc.Name).Replace(c.holds)
			if !strings.Contains(e.Message, want) {
				t.Errorf("%s of %s: %q, want %q", rpc.Name, c.resource, e.Message, want)
			}
		}
	}
}

func TestAVendorsErrorsNameTheVendor(t *testing.T) {
	a := newAccount("a")
	conn, _ := serve(t, a.configured())
	a.FailReads(adaptertest.CredentialsRejected)
	for _, method := range []string{
		pb.SiteService_GetSite_FullMethodName, pb.SiteService_ListSites_FullMethodName,
		pb.LicenseService_ListLicenses_FullMethodName, pb.LicenseService_StreamLicenses_FullMethodName,
	} {
		err := call(t.Context(), conn, contract.Lookup(method), "vendors/a/sites/s")
		e := wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED, "a")
		if e.Metadata[apierror.VendorCode] == "" {
			t.Errorf("%s loses the vendor's own code: %v", method, e.Metadata)
		}
	}
}

func TestInternalErrorsGoToTheLog(t *testing.T) {
	for _, parent := range []string{"vendors/v/sites/s", "vendors/-/sites/-"} {
		conn, log := serve(t, configured("v", listing(func(*pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			return nil, errors.New("row 7 of hunter2's table")
		})))
		_, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: parent})
		e := wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, "v")
		if strings.Contains(e.Message, "hunter2") {
			t.Errorf("%s: the caller sees %q", parent, e.Message)
		}
		if !strings.Contains(log.String(), "hunter2's table") {
			t.Errorf("%s: the log does not say what happened: %q", parent, log.String())
		}
	}
}

func TestResponsesPassUnchanged(t *testing.T) {
	conn, _ := serve(t, holding("a", "s", 2).configured())
	ctx := mutation.NewContext(t.Context(), mutation.NewMemory())
	change, err := pb.NewSiteServiceClient(conn).DisableSite(ctx, &pb.DisableSiteRequest{Name: "vendors/a/sites/s"})
	if err != nil || change.GetState() != pb.StatusChange_APPLIED || change.GetAppliedSite().GetEnabled() {
		t.Errorf("%v, %v", change, err)
	}
	page, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/a/sites/s", PageSize: 1})
	if err != nil || len(page.GetLicenses()) != 1 || page.GetTotalSize() != 2 || page.GetNextPageToken() == "" {
		t.Errorf("one vendor's page: %v, %v", page, err)
	}
	req := &pb.StreamLicensesRequest{Parent: "vendors/a/sites/s"}
	stream, err := pb.NewLicenseServiceClient(conn).StreamLicenses(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if message, err := stream.Recv(); err != nil || len(message.GetLicenses()) != 2 {
		t.Errorf("the stream: %v, %v", message, err)
	}
}

// halves is an adapter whose batches succeed in their first item only.
type halves struct{ bare }

func (halves) results() []*pb.ProductLicenseResult {
	made := &pb.ProductLicense{Name: "vendors/v/productLicenses/l"}
	failed := apierror.NotFound("there is no such thing").With(apierror.VendorCode, "4711").GRPCStatus().Proto()
	return []*pb.ProductLicenseResult{
		{Result: &pb.ProductLicenseResult_ProductLicense{ProductLicense: made}},
		{Result: &pb.ProductLicenseResult_Error{Error: failed}},
	}
}

func (h halves) BatchCreateProductLicenses(
	context.Context, *pb.BatchCreateProductLicensesRequest,
) (*pb.BatchCreateProductLicensesResponse, error) {
	return &pb.BatchCreateProductLicensesResponse{Results: h.results()}, nil
}

func (h halves) BatchDeleteProductLicenses(
	context.Context, *pb.BatchDeleteProductLicensesRequest,
) (*pb.BatchDeleteProductLicensesResponse, error) {
	return &pb.BatchDeleteProductLicensesResponse{Results: h.results()}, nil
}

func TestTheErrorOfAnItemNamesTheVendor(t *testing.T) {
	conn, _ := serve(t, configured("v", halves{}))
	client := pb.NewProductLicenseServiceClient(conn)
	create := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/v"}
	created, err := client.BatchCreateProductLicenses(t.Context(), create)
	if err != nil {
		t.Fatal(err)
	}
	remove := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v"}
	deleted, err := client.BatchDeleteProductLicenses(t.Context(), remove)
	if err != nil {
		t.Fatal(err)
	}
	for _, results := range [][]*pb.ProductLicenseResult{created.GetResults(), deleted.GetResults()} {
		if len(results) != 2 || results[0].GetProductLicense().GetName() != "vendors/v/productLicenses/l" {
			t.Fatalf("%v", results)
		}
		err := status.ErrorProto(results[1].GetError())
		e := wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "v")
		if e.Message != "there is no such thing" || e.Metadata[apierror.VendorCode] != "4711" {
			t.Errorf("the item's error is %v %v", e, e.Metadata)
		}
	}
}
