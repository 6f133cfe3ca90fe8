package interceptors

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/server/internal/inproc"
)

// Chained returns r with an addition: every unary method has these interceptors, which are chained
// once. grpc.ChainUnaryInterceptor chains them again for each call. The server of r has Unchained
// in their place.
func Chained(r grpc.ServiceRegistrar, unary []grpc.UnaryServerInterceptor) grpc.ServiceRegistrar {
	return chained{r, unary}
}

type chained struct {
	grpc.ServiceRegistrar
	unary []grpc.UnaryServerInterceptor
}

// RegisterService registers a service.
func (c chained) RegisterService(desc *grpc.ServiceDesc, service any) {
	d := *desc
	d.Methods = slices.Clone(desc.Methods)
	for i, m := range d.Methods {
		method := inproc.Chain(c.unary, m.Handler, service)
		run := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
			return method(ctx, req)
		}
		d.Methods[i].Handler = func(
			service any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
		) (any, error) {
			return m.Handler(service, ctx, decode, run)
		}
	}
	c.ServiceRegistrar.RegisterService(&d, service)
}

// Unchained is the interceptor of a server whose services are registered with Chained. It refuses
// the calls of a service that was registered without Chained, since nothing would check them.
func Unchained(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
	return nil, status.Error(codes.Internal, "the service is registered without its interceptors")
}
