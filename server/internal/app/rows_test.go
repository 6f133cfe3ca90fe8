package app_test

import (
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// public is how the public face shows each error reason: the code, and the HTTP status.
var public = map[pb.ErrorReason]struct {
	code codes.Code
	http int
}{
	pb.ErrorReason_REQUEST_INVALID:             {codes.InvalidArgument, 400},
	pb.ErrorReason_VENDOR_INPUT_REFUSED:        {codes.InvalidArgument, 400},
	pb.ErrorReason_RESOURCE_NOT_FOUND:          {codes.NotFound, 404},
	pb.ErrorReason_REQUEST_ID_REUSED:           {codes.AlreadyExists, 409},
	pb.ErrorReason_VENDOR_ALREADY_EXISTS:       {codes.AlreadyExists, 409},
	pb.ErrorReason_SECRETS_NOT_KEPT:            {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED: {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_PERMISSION_DENIED:    {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_REJECTED:             {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_STATE:                {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_RATE_LIMITED:         {codes.ResourceExhausted, 429},
	pb.ErrorReason_CAPABILITY_NOT_SUPPORTED:    {codes.Unimplemented, 501},
	pb.ErrorReason_METHOD_UNKNOWN:              {codes.Unimplemented, 404},
	pb.ErrorReason_VENDOR_UNAVAILABLE:          {codes.Unavailable, 503},
	pb.ErrorReason_VENDOR_RESPONSE_INVALID:     {codes.Internal, 500},
	pb.ErrorReason_OUTCOME_UNKNOWN:             {codes.Unknown, 500},
}

// ok is a call that succeeds, with a response that holds this JSON.
func ok(name, holds string, c call) rpcCase {
	return rpcCase{name: name, call: c, http: 200, holds: holds}
}

// invalid is a call that drmhub refuses because of a field.
func invalid(name, field string, c call) rpcCase {
	refused := fails(name, pb.ErrorReason_REQUEST_INVALID, "", c)
	refused.field = field
	return refused
}

// missing is a call for a resource that does not exist. The message of the error holds a text.
func missing(name, holds string, c call) rpcCase {
	return fails(name, pb.ErrorReason_RESOURCE_NOT_FOUND, holds, c)
}

// fails is a call that fails with a reason. The message of the error holds a text.
func fails(name string, reason pb.ErrorReason, holds string, c call) rpcCase {
	face, known := public[reason]
	if !known {
		panic("no code of " + reason.String())
	}
	return rpcCase{name: name, call: c, code: face.code, http: face.http, reason: reason, holds: holds}
}

// during is the case while the vendors have a fault.
func (c rpcCase) during(fault twin.Fault) rpcCase {
	c.fault = &fault
	return c
}

// withoutWrite is the case of a mutation that makes no write, because nothing is to change.
func (c rpcCase) withoutWrite() rpcCase {
	c.idle = true
	return c
}
