package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A refusing stream ends as gRPC ends a stream whose request is too large: the caller gets the
// status before RecvMsg returns.
type refusing struct {
	grpc.ServerStream
	ctx context.Context
	end context.CancelFunc
}

func (r refusing) Context() context.Context { return r.ctx }

func (r refusing) RecvMsg(any) error {
	r.end()
	time.Sleep(time.Second)
	return status.Error(codes.ResourceExhausted, "the request is too large")
}

func TestAStreamEndsAsGRPCRefusedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		info := &grpc.StreamServerInfo{FullMethod: "/drmhub.v1.LicenseService/StreamLicenses"}
		err := newDrain().stream(nil, refusing{ctx: ctx, end: end}, info, func(_ any, s grpc.ServerStream) error {
			return s.RecvMsg(nil)
		})
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("the stream ends with %v", err)
		}
	})
}
