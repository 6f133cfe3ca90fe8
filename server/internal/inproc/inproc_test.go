package inproc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/inproc"
)

type getVendor = func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error)

// vendors is a service with one method.
type vendors struct {
	pb.UnimplementedVendorServiceServer
	get getVendor
}

func (v vendors) GetVendor(ctx context.Context, req *pb.GetVendorRequest) (*pb.Vendor, error) {
	return v.get(ctx, req)
}

func dial(get getVendor, interceptors ...grpc.UnaryServerInterceptor) (*inproc.Conn, pb.VendorServiceClient) {
	conn := inproc.New(interceptors, nil)
	pb.RegisterVendorServiceServer(conn, vendors{get: get})
	return conn, pb.NewVendorServiceClient(conn)
}

// TestTheResponseIsShared checks what the caller's message holds after a call: all that the handler
// returned, and nothing else.
func TestTheResponseIsShared(t *testing.T) {
	limits := &pb.Vendor_Limits{}
	unknown := []byte{0xf8, 0xff, 0x01, 0x07} // field 4095, varint 7
	conn, _ := dial(func(_ context.Context, req *pb.GetVendorRequest) (*pb.Vendor, error) {
		v := &pb.Vendor{Name: req.GetName(), Limits: limits}
		v.ProtoReflect().SetUnknown(unknown)
		return v, nil
	})
	get := func(out proto.Message) error {
		req := &pb.GetVendorRequest{Name: "vendors/v"}
		return conn.Invoke(t.Context(), pb.VendorService_GetVendor_FullMethodName, req, out)
	}
	got := &pb.Vendor{Kind: "left over"}
	if err := get(got); err != nil {
		t.Fatal(err)
	}
	if got.GetName() != "vendors/v" || got.GetKind() != "" || !slices.Equal(got.ProtoReflect().GetUnknown(), unknown) {
		t.Errorf("got %v", got)
	}
	if got.GetLimits() != limits {
		t.Error("the nested message was copied, want it shared")
	}
	if err := get(&pb.Site{}); status.Code(err) != codes.Internal {
		t.Errorf("a message of another type: %v", err)
	}
}

func TestInterceptorsRunInOrderAndSeeTheCallersRequest(t *testing.T) {
	var order []string
	interceptor := func(name string) grpc.UnaryServerInterceptor {
		return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			order = append(order, name+" "+info.FullMethod+" "+req.(*pb.GetVendorRequest).GetName())
			return next(ctx, req)
		}
	}
	_, client := dial(func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) {
		order = append(order, "handler")
		return &pb.Vendor{}, nil
	}, interceptor("first"), interceptor("second"))
	if _, err := client.GetVendor(t.Context(), &pb.GetVendorRequest{Name: "n"}); err != nil {
		t.Fatal(err)
	}
	const call = " /drmhub.v1.VendorService/GetVendor n"
	if want := []string{"first" + call, "second" + call, "handler"}; !slices.Equal(order, want) {
		t.Errorf("order %q", order)
	}
}

func TestMetadataAndPeer(t *testing.T) {
	caller := &peer.Peer{
		Addr:     &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711},
		AuthInfo: credentials.TLSInfo{State: tls.ConnectionState{ServerName: "drmhub.example"}},
	}
	_, client := dial(func(ctx context.Context, _ *pb.GetVendorRequest) (*pb.Vendor, error) {
		if got := metadata.ValueFromIncomingContext(ctx, "authorization"); !slices.Equal(got, []string{"Bearer x"}) {
			t.Errorf("incoming authorization %q", got)
		}
		if md, _ := metadata.FromOutgoingContext(ctx); len(md) > 0 {
			t.Errorf("the handler's own calls would carry %v", md)
		}
		if name, _ := grpc.Method(ctx); name != pb.VendorService_GetVendor_FullMethodName {
			t.Errorf("method %q", name)
		}
		p, _ := peer.FromContext(ctx)
		if p.Addr != caller.Addr || p.AuthInfo.(credentials.TLSInfo).State.ServerName != "drmhub.example" {
			t.Errorf("peer %v", p)
		}
		errs := errors.Join(
			grpc.SetHeader(ctx, metadata.Pairs("drmhub-mutation", "mutations/1")),
			grpc.SetHeader(ctx, metadata.Pairs("drmhub-mutation", "mutations/2")),
			grpc.SetTrailer(ctx, metadata.Pairs("t", "3")),
			grpc.SendHeader(ctx, nil),
		)
		if errs != nil {
			t.Error(errs)
		}
		if err := grpc.SetHeader(ctx, metadata.Pairs("late", "1")); err == nil {
			t.Error("SetHeader succeeds after SendHeader")
		}
		return nil, status.Error(codes.NotFound, "none")
	})
	var header, trailer metadata.MD
	ctx := metadata.AppendToOutgoingContext(peer.NewContext(t.Context(), caller), "authorization", "Bearer x")
	_, err := client.GetVendor(ctx, &pb.GetVendorRequest{}, grpc.Header(&header), grpc.Trailer(&trailer))
	if status.Code(err) != codes.NotFound {
		t.Errorf("err %v", err)
	}
	if got := header.Get("drmhub-mutation"); !slices.Equal(got, []string{"mutations/1", "mutations/2"}) {
		t.Errorf("header %v, want it on errors too", header)
	}
	if got := trailer.Get("t"); !slices.Equal(got, []string{"3"}) {
		t.Errorf("trailer %v", trailer)
	}
}

// misnamed is an error that calls itself a success.
type misnamed struct{ error }

func (misnamed) GRPCStatus() *status.Status { return status.New(codes.OK, "x") }

func TestEveryErrorIsAStatus(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want codes.Code
	}{
		"status":                   {status.Error(codes.NotFound, "x"), codes.NotFound},
		"error of the public face": {apierror.Invalid("f", "x"), codes.InvalidArgument},
		"context canceled":         {fmt.Errorf("reading: %w", context.Canceled), codes.Canceled},
		"deadline":                 {fmt.Errorf("reading: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
		"plain":                    {errors.New("x"), codes.Unknown},
		"code OK":                  {misnamed{errors.New("x")}, codes.Internal},
		"no response and no error": {nil, codes.Internal},
	} {
		fail := func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) { return nil, c.err }
		_, client := dial(nil, fail)
		_, err := client.GetVendor(t.Context(), &pb.GetVendorRequest{})
		if s, ok := status.FromError(err); !ok || s.Code() != c.want {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestAContextThatHasEndedIsNotServed(t *testing.T) {
	_, client := dial(func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) {
		t.Error("the handler ran")
		return &pb.Vendor{}, nil
	})
	streams := streaming(func(*pb.StreamLicensesRequest, streamServer) error { t.Error("the handler ran"); return nil })
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithTimeout(t.Context(), -1)
	defer stop()
	for want, ctx := range map[codes.Code]context.Context{codes.Canceled: canceled, codes.DeadlineExceeded: late} {
		if _, err := client.GetVendor(ctx, &pb.GetVendorRequest{}); status.Code(err) != want {
			t.Errorf("a call: %v, want %v", err, want)
		}
		if _, err := streams.StreamLicenses(ctx, &pb.StreamLicensesRequest{}); status.Code(err) != want {
			t.Errorf("a stream: %v, want %v", err, want)
		}
	}
}

func TestUnknownMethodsAreUnimplemented(t *testing.T) {
	conn, client := dial(nil)
	pb.RegisterLicenseServiceServer(conn, &licenses{})
	const unary, streamed = pb.VendorService_GetVendor_FullMethodName, pb.LicenseService_StreamLicenses_FullMethodName
	invoke := func(name string) error { return conn.Invoke(t.Context(), name, &pb.GetVendorRequest{}, &pb.Vendor{}) }
	stream := func(name string, ofRequests bool) error {
		_, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: ofRequests}, name)
		return err
	}
	_, notOverridden := client.ListVendors(t.Context(), nil)
	for name, err := range map[string]error{
		"unknown":            invoke("/drmhub.v1.VendorService/Nothing"),
		"stream as unary":    invoke(streamed),
		"unknown stream":     stream("/drmhub.v1.LicenseService/Nothing", false),
		"unary as stream":    stream(unary, false),
		"stream of requests": stream(streamed, true),
		"not overridden":     notOverridden,
	} {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnInterceptorCatchesTheHandlersPanic(t *testing.T) {
	_, client := dial(
		func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) { panic("boom") },
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
			defer func() {
				if p := recover(); p != nil {
					err = status.Error(codes.Internal, fmt.Sprint(p))
				}
			}()
			return next(ctx, req)
		})
	_, err := client.GetVendor(t.Context(), &pb.GetVendorRequest{})
	if s := status.Convert(err); s.Code() != codes.Internal || s.Message() != "boom" {
		t.Errorf("got %v", err)
	}
}

func TestWrongRegistrationsPanic(t *testing.T) {
	for name, service := range map[string]any{"twice": vendors{}, "not the service": &licenses{}} {
		t.Run(name, func(t *testing.T) {
			conn := inproc.New(nil, nil)
			if name == "twice" {
				pb.RegisterVendorServiceServer(conn, vendors{})
			}
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			conn.RegisterService(&pb.VendorService_ServiceDesc, service)
		})
	}
}
