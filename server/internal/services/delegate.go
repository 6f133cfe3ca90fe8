// Package services holds the gRPC services. A method names the capability that it needs. delegate
// finds the vendor's adapter and calls it.
//
// The capability C of delegate is inferred from the method expression: adapters.SiteGetter.GetSite
// means the interface adapters.SiteGetter. Its implementations are the vendors that have the call.
package services

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// delegate passes a call to the adapter of the vendor that name belongs to.
func delegate[C, Req, Res any](
	ctx context.Context, all *vendors.Registry, name string, call func(C, context.Context, Req) (Res, error), req Req,
) (Res, error) {
	var none Res
	v, err := all.Lookup(name)
	if err != nil {
		return none, err
	}
	c, ok := vendors.As[C](v)
	if !ok {
		return none, unsupported(ctx, v)
	}
	res, err := call(c, ctx, req)
	return res, withVendor(v, err)
}

// delegateStream passes a streaming call to the adapter of the vendor that name belongs to.
func delegateStream[C, Req any, Stream grpc.ServerStream](
	all *vendors.Registry, name string, call func(C, Req, Stream) error, req Req, s Stream,
) error {
	v, err := all.Lookup(name)
	if err != nil {
		return err
	}
	c, ok := vendors.As[C](v)
	if !ok {
		return unsupported(s.Context(), v)
	}
	return withVendor(v, call(c, req, s))
}

func unsupported(ctx context.Context, v vendors.Vendor) error {
	return apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
		"vendor %q (%s) has no %s; GetVendor lists what it has", v.ID, v.Kind, method(ctx)).
		With(apierror.Vendor, v.ID)
}

// method returns the called method as messages write it: "drmhub.v1.SiteService/ListSites".
func method(ctx context.Context) string {
	full, _ := grpc.Method(ctx)
	return strings.TrimPrefix(full, "/")
}

// withVendor adds the vendor id to err. Internal errors are wrapped for the log and not shown to
// the caller.
func withVendor(v vendors.Vendor, err error) error {
	if err == nil {
		return nil
	}
	shaped := apierror.Convert(err).With(apierror.Vendor, v.ID)
	if shaped.Reason == pb.ErrorReason_INTERNAL_FAILURE {
		return fmt.Errorf("%w (vendor %s: %w)", shaped, v.ID, err)
	}
	return mutation.WithMeaning(shaped, err) // The journal reads the meaning.
}
