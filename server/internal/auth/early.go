package auth

import (
	"context"
	"slices"

	"google.golang.org/grpc"
)

// Early returns r with an addition: the caller of a unary call is identified before its request is
// decoded. A grpc.Server decodes the request first, and only then runs the interceptors. So
// somebody without an identity could have requests decoded, and learn what is wrong with them. The
// interceptors must have Unary, which refuses such a call.
func (a *Authenticator) Early(r grpc.ServiceRegistrar) grpc.ServiceRegistrar { return early{r, a} }

type early struct {
	grpc.ServiceRegistrar
	a *Authenticator
}

// RegisterService registers a service.
func (e early) RegisterService(desc *grpc.ServiceDesc, service any) {
	d := *desc
	d.Methods = slices.Clone(desc.Methods)
	for i, m := range d.Methods {
		d.Methods[i].Handler = func(
			service any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor,
		) (any, error) {
			ctx = e.a.Identified(ctx)
			if _, known := ctx.Value(key{}).(*Caller); known {
				return m.Handler(service, ctx, decode, chain)
			}
			nothing := func(any) error { return nil }
			return m.Handler(service, ctx, nothing, chain)
		}
	}
	e.ServiceRegistrar.RegisterService(&d, service)
}

// Identified returns the context of a call with its caller, or with why the caller is unknown. The
// interceptors then do not identify the caller again.
func (a *Authenticator) Identified(ctx context.Context) context.Context {
	if _, known := ctx.Value(key{}).(*Caller); known {
		return ctx
	}
	c, err := a.Identify(ctx)
	if err != nil {
		return context.WithValue(ctx, unidentified{}, err)
	}
	return WithCaller(ctx, c)
}

// unidentified is the key of why the caller of a call was not identified before. The call is
// refused, even if the caller could be identified now, since its request was not decoded.
type unidentified struct{}
