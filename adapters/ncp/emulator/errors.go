package emulator

import (
	"net/http"
	"strconv"

	"github.com/drmhub/drmhub/adapters/twin"
)

// GatewayError is a failure in the API gateway's form:
// {"error":{"errorCode","message","details"}}.
type GatewayError struct {
	// Status is the HTTP status.
	Status int
	// Code is errorCode: the gateway's own number, not the HTTP status.
	Code int
	// Message is the name of the failure. Details say more.
	Message, Details string
}

// The failures of the API gateway, with the numbers of the page "Ncloud API response status codes".
var (
	BadRequest           = GatewayError{Status: 400, Code: 100, Message: "Bad Request Exception"}
	AuthenticationFailed = GatewayError{Status: 401, Code: 200, Message: "Authentication Failed"}
	PermissionDenied     = GatewayError{Status: 401, Code: 210, Message: "Permission Denied"}
	Forbidden            = GatewayError{Status: 403, Code: 230, Message: "Forbidden"}
	NotFound             = GatewayError{Status: 404, Code: 300, Message: "Not Found Exception"}
	RequestTooLarge      = GatewayError{Status: 413, Code: 430, Message: "Request Entity Too Large"}
	QuotaExceeded        = GatewayError{Status: 429, Code: 400, Message: "Quota Exceeded"}
	Throttled            = GatewayError{Status: 429, Code: 410, Message: "Throttle Limited"}
	RateLimited          = GatewayError{Status: 429, Code: 420, Message: "Rate Limited"}
	EndpointError        = GatewayError{Status: 503, Code: 500, Message: "Endpoint Error"}
	EndpointTimeout      = GatewayError{Status: 504, Code: 510, Message: "Endpoint Timeout"}
	UnexpectedError      = GatewayError{Status: 500, Code: 900, Message: "Unexpected Error"}
)

// ServiceError is a failure in the service's form:
// {"success":false,"error":{"code","name","message"}}.
type ServiceError struct {
	// Code is the service's number, as text.
	Code string
	// Name is the vendor's constant for Code.
	Name string
	// Message says what is wrong.
	Message string
}

// The failures of the service, with the numbers and names of the page "One Click Multi DRM error
// codes".
var (
	Exception             = ServiceError{"280000", "EXCEPTION", "unexpected error"}
	JSONParseFailed       = ServiceError{"280001", "JSON_PARSE_FAILED_EXCEPTION", "the body is not a JSON object"}
	InvalidParameter      = ServiceError{"280003", "WEB_INVALID_PARAMETER_TYPE_TWO_PARAM", "invalid parameter"}
	SiteNotFound          = ServiceError{"281003", "SITE_NOT_FOUND", "the site does not exist"}
	SiteNotRunning        = ServiceError{"281004", "SITE_STATUS_NOT_RUNNING", "the site is not in use"}
	SiteNotOn             = ServiceError{"281005", "SITE_STATUS_NOT_ON", "the site is not enabled"}
	SiteNotOff            = ServiceError{"281006", "SITE_STATUS_NOT_OFF", "the site is not disabled"}
	SiteNotModifiable     = ServiceError{"281007", "SITE_MODIFY_ERROR", "the site cannot be modified"}
	CertificateIncomplete = ServiceError{"2810011", "SITE_CERT_INCOMPLETE", "the FairPlay certificate is not complete"}
	LicenseInfoNotFound   = ServiceError{"2810012", "LICENSE_DRM_INFO_NOT_FOUND", "the DRM information does not exist"}
)

// Error returns the code and the message.
func (s ServiceError) Error() string { return s.Code + ": " + s.Message }

// saying returns s with another message.
func (s ServiceError) saying(message string) ServiceError {
	s.Message = message
	return s
}

// status returns the HTTP status of s.
func (s ServiceError) status(assumed Assumptions) int {
	if s.Code == SiteNotFound.Code {
		return assumed.NotFoundStatus
	}
	return assumed.FailureStatus
}

func (s ServiceError) body() any {
	type failure struct {
		Code    string `json:"code"`
		Name    string `json:"name"`
		Message string `json:"message"`
	}
	return struct {
		Success bool    `json:"success"`
		Error   failure `json:"error"`
	}{false, failure(s)}
}

func (g GatewayError) body(assumed Assumptions) any {
	type failure struct {
		ErrorCode any    `json:"errorCode"`
		Message   string `json:"message"`
		Details   string `json:"details,omitempty"`
	}
	code := any(g.Code)
	if !assumed.NumericErrorCodes {
		code = strconv.Itoa(g.Code)
	}
	return map[string]failure{"error": {code, g.Message, g.Details}}
}

// GatewayFault returns an order to fail with g, in the form of this emulator's gateway. The caller
// may add where it applies, how often, and headers such as Retry-After.
func (e *Emulator) GatewayFault(g GatewayError) twin.Fault {
	return e.fault(g.Status, g.body(e.assumed))
}

// ServiceFault returns an order to fail with s, in the form of this emulator's service. The code of
// s may be unknown.
func (e *Emulator) ServiceFault(s ServiceError) twin.Fault {
	return e.fault(s.status(e.assumed), s.body())
}

func (e *Emulator) fault(status int, body any) twin.Fault {
	return twin.Fault{
		Kind: twin.FaultAnswer, Status: status, Body: string(encode(body)),
		Header: map[string]string{"Content-Type": contentType, traceIDHeader: e.traceID()},
	}
}

// refuse writes the failure of a call: the service's own, or an unexpected one.
func (e *Emulator) refuse(w http.ResponseWriter, s ServiceError) {
	e.write(w, s.status(e.assumed), s.body())
}
