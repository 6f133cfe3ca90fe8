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

// vendors is a service made of one function.
type vendors struct {
	pb.UnimplementedVendorServiceServer
	get func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error)
}

func (v vendors) GetVendor(ctx context.Context, req *pb.GetVendorRequest) (*pb.Vendor, error) {
	return v.get(ctx, req)
}

func dial(get func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error), interceptors ...grpc.UnaryServerInterceptor) pb.VendorServiceClient {
	conn := inproc.New(interceptors, nil)
	pb.RegisterVendorServiceServer(conn, vendors{get: get})
	return pb.NewVendorServiceClient(conn)
}

func TestUnaryCallReachesTheHandlerAndBack(t *testing.T) {
	limits := &pb.Vendor_Limits{}
	client := dial(func(_ context.Context, req *pb.GetVendorRequest) (*pb.Vendor, error) {
		return &pb.Vendor{Name: req.GetName(), Limits: limits}, nil
	})
	got, err := client.GetVendor(t.Context(), &pb.GetVendorRequest{Name: "vendors/v"})
	if err != nil {
		t.Fatal(err)
	}
	if got.GetName() != "vendors/v" {
		t.Errorf("name %q", got.GetName())
	}
	if got.GetLimits() != limits {
		t.Error("the nested message was copied, want it shared")
	}
}

func TestUnknownFieldsSurvive(t *testing.T) {
	raw := []byte{0xf8, 0xff, 0x01, 0x07} // field 4095, varint 7
	client := dial(func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) {
		v := &pb.Vendor{Name: "vendors/v"}
		v.ProtoReflect().SetUnknown(raw)
		return v, nil
	})
	got, err := client.GetVendor(t.Context(), &pb.GetVendorRequest{})
	if err != nil || !slices.Equal([]byte(got.ProtoReflect().GetUnknown()), raw) {
		t.Errorf("got %v, %v", got, err)
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
	client := dial(func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) {
		order = append(order, "handler")
		return &pb.Vendor{}, nil
	}, interceptor("first"), interceptor("second"))
	if _, err := client.GetVendor(t.Context(), &pb.GetVendorRequest{Name: "n"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"first /drmhub.v1.VendorService/GetVendor n", "second /drmhub.v1.VendorService/GetVendor n", "handler"}
	if !slices.Equal(order, want) {
		t.Errorf("order %q", order)
	}
}

func TestMetadataTravelsBothWays(t *testing.T) {
	client := dial(func(ctx context.Context, _ *pb.GetVendorRequest) (*pb.Vendor, error) {
		if got := metadata.ValueFromIncomingContext(ctx, "authorization"); !slices.Equal(got, []string{"Bearer x"}) {
			t.Errorf("incoming authorization %q", got)
		}
		if md, _ := metadata.FromOutgoingContext(ctx); len(md) > 0 {
			t.Errorf("the handler's own calls would carry %v", md)
		}
		if name, _ := grpc.Method(ctx); name != pb.VendorService_GetVendor_FullMethodName {
			t.Errorf("method %q", name)
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
			t.Error("a header could be set after it was sent")
		}
		return nil, status.Error(codes.NotFound, "none")
	})
	var header, trailer metadata.MD
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer x")
	if _, err := client.GetVendor(ctx, &pb.GetVendorRequest{}, grpc.Header(&header), grpc.Trailer(&trailer)); status.Code(err) != codes.NotFound {
		t.Errorf("err %v", err)
	}
	if got := header.Get("drmhub-mutation"); !slices.Equal(got, []string{"mutations/1", "mutations/2"}) {
		t.Errorf("header %v, want it on errors too", header)
	}
	if got := trailer.Get("t"); !slices.Equal(got, []string{"3"}) {
		t.Errorf("trailer %v", trailer)
	}
}

func TestThePeerIsTheOneInTheContext(t *testing.T) {
	want := &peer.Peer{
		Addr:     &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711},
		AuthInfo: credentials.TLSInfo{State: tls.ConnectionState{ServerName: "drmhub.example"}},
	}
	client := dial(func(ctx context.Context, _ *pb.GetVendorRequest) (*pb.Vendor, error) {
		got, _ := peer.FromContext(ctx)
		if got.Addr != want.Addr || got.AuthInfo.(credentials.TLSInfo).State.ServerName != "drmhub.example" {
			t.Errorf("peer %v", got)
		}
		return &pb.Vendor{}, nil
	})
	if _, err := client.GetVendor(peer.NewContext(t.Context(), want), &pb.GetVendorRequest{}); err != nil {
		t.Fatal(err)
	}
}

// misnamed is an error that calls itself a success.
type misnamed struct{ error }

func (misnamed) GRPCStatus() *status.Status { return status.New(codes.OK, "x") }

func TestEveryErrorIsAStatus(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want codes.Code
	}{
		{"status", status.Error(codes.NotFound, "x"), codes.NotFound},
		{"error of the public face", apierror.Invalid("f", "x"), codes.InvalidArgument},
		{"context canceled", fmt.Errorf("reading: %w", context.Canceled), codes.Canceled},
		{"deadline", fmt.Errorf("reading: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
		{"plain", errors.New("x"), codes.Unknown},
		{"code OK", misnamed{errors.New("x")}, codes.Internal},
		{"no answer and no error", nil, codes.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := inproc.New([]grpc.UnaryServerInterceptor{
				func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) { return nil, c.err },
			}, nil)
			pb.RegisterVendorServiceServer(conn, vendors{})
			_, err := pb.NewVendorServiceClient(conn).GetVendor(t.Context(), &pb.GetVendorRequest{})
			if s, ok := status.FromError(err); !ok || s.Code() != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestAContextThatHasEndedIsNotServed(t *testing.T) {
	client := dial(func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) {
		t.Error("the handler ran")
		return &pb.Vendor{}, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.GetVendor(ctx, &pb.GetVendorRequest{}); status.Code(err) != codes.Canceled {
		t.Errorf("canceled: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), -1)
	defer cancel()
	if _, err := client.GetVendor(ctx, &pb.GetVendorRequest{}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("deadline: %v", err)
	}
}

func TestWhatIsNotThereIsUnimplemented(t *testing.T) {
	conn := inproc.New(nil, nil)
	pb.RegisterVendorServiceServer(conn, vendors{})
	pb.RegisterLicenseServiceServer(conn, &licenses{})
	oneWay := &grpc.StreamDesc{ServerStreams: true}
	both := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	stream := func(desc *grpc.StreamDesc, name string) error {
		_, err := conn.NewStream(t.Context(), desc, name)
		return err
	}
	for name, err := range map[string]error{
		"unknown":            conn.Invoke(t.Context(), "/drmhub.v1.VendorService/Nothing", &pb.GetVendorRequest{}, &pb.Vendor{}),
		"stream as unary":    conn.Invoke(t.Context(), pb.LicenseService_StreamLicenses_FullMethodName, &pb.StreamLicensesRequest{}, &pb.StreamLicensesResponse{}),
		"unknown stream":     stream(oneWay, "/drmhub.v1.LicenseService/Nothing"),
		"unary as stream":    stream(oneWay, pb.VendorService_GetVendor_FullMethodName),
		"stream of requests": stream(both, pb.LicenseService_StreamLicenses_FullMethodName),
		"not overridden":     func() error { _, err := pb.NewVendorServiceClient(conn).ListVendors(t.Context(), nil); return err }(),
	} {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswerOfAnotherTypeIsInternal(t *testing.T) {
	conn := inproc.New(nil, nil)
	pb.RegisterVendorServiceServer(conn, vendors{get: func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) { return &pb.Vendor{}, nil }})
	err := conn.Invoke(t.Context(), pb.VendorService_GetVendor_FullMethodName, &pb.GetVendorRequest{}, &pb.Site{})
	if status.Code(err) != codes.Internal {
		t.Errorf("got %v", err)
	}
}

func TestAnswerReplacesWhatTheCallersMessageHeld(t *testing.T) {
	conn := inproc.New(nil, nil)
	pb.RegisterVendorServiceServer(conn, vendors{get: func(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) { return &pb.Vendor{Kind: "ncp"}, nil }})
	out := &pb.Vendor{Name: "left over"}
	if err := conn.Invoke(t.Context(), pb.VendorService_GetVendor_FullMethodName, &pb.GetVendorRequest{}, out); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(out, &pb.Vendor{Kind: "ncp"}) {
		t.Errorf("got %v", out)
	}
}

func TestHandlersPanicIsTheInterceptorsToCatch(t *testing.T) {
	client := dial(
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
	for name, register := range map[string]func(*inproc.Conn){
		"twice": func(c *inproc.Conn) {
			pb.RegisterVendorServiceServer(c, vendors{})
			pb.RegisterVendorServiceServer(c, vendors{})
		},
		"not the service": func(c *inproc.Conn) { c.RegisterService(&pb.VendorService_ServiceDesc, &licenses{}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			register(inproc.New(nil, nil))
		})
	}
}
