package auth

import (
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Unauthenticated returns the error of a call without a valid identity. Its text is the same for
// every cause, since the cause would help an attacker. The log names the cause.
func Unauthenticated() *apierror.Error {
	return apierror.New(codes.Unauthenticated, pb.ErrorReason_TOKEN_INVALID,
		"nothing was done: this call needs a valid token, sent as \"Authorization: Bearer TOKEN\". "+
			"Get a new token from the issuer, and check that it is for this server")
}

// Denied returns the error of a call that the caller may not make. It is the same whether the
// resource exists or not (AIP-211).
func Denied() *apierror.Error {
	return apierror.New(codes.PermissionDenied, pb.ErrorReason_SCOPE_MISSING,
		"nothing was done: this caller lacks the scope of this call, or may not use the vendor, site or customer "+
			"that it names. GetCaller shows what the caller may do, and the operator can grant more")
}

// expired returns the error of a stream whose caller's identity has ended.
func expired() *apierror.Error {
	return apierror.New(codes.Unauthenticated, pb.ErrorReason_TOKEN_INVALID,
		"the stream ended because the caller's token did: get a new token, and call again. "+
			"Over gRPC, the last next_page_token resumes the stream")
}
