package token

import "errors"

// A Reason says why a token is refused. It is for logs and metrics. A caller learns only that the
// token is invalid.
type Reason string

// The reasons, in the order in which Verify finds them.
const (
	// Malformed is a text that is not a signed JSON Web Token, or is too long.
	Malformed Reason = "malformed"
	// BadHeader is a header with an extension that drmhub does not support, or without a key's id.
	BadHeader Reason = "bad_header"
	// WrongAlgorithm is an algorithm that is not the key's.
	WrongAlgorithm Reason = "wrong_algorithm"
	// BadClaim is a claim that is missing or malformed.
	BadClaim Reason = "bad_claim"
	// UnknownKey is an id that no key has.
	UnknownKey Reason = "unknown_key"
	// BadSignature is a signature that is not the key's.
	BadSignature Reason = "bad_signature"
	// Expired is an exp in the past.
	Expired Reason = "expired"
	// NotYetValid is an nbf or an iat in the future.
	NotYetValid Reason = "not_yet_valid"
	// WrongIssuer is another iss.
	WrongIssuer Reason = "wrong_issuer"
	// WrongAudience is an aud without drmhub's.
	WrongAudience Reason = "wrong_audience"
	// BadSubject is a sub that is no name for a token's caller.
	BadSubject Reason = "bad_subject"
)

// An Error is a token that is refused.
type Error struct {
	Reason Reason
	detail string
}

// Error returns a text for logs. It holds nothing of the token.
func (e *Error) Error() string {
	if e.detail == "" {
		return "the token is refused: " + string(e.Reason)
	}
	return "the token is refused: " + string(e.Reason) + ": " + e.detail
}

func refuse(reason Reason, detail string) error { return &Error{Reason: reason, detail: detail} }

// ReasonOf returns the reason of an error of Verify. It is empty if the token was not refused: the
// caller left before the token's key was known.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}
