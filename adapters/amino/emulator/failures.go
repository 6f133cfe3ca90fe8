package emulator

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Codes of failures (errors[].code). The vendor documents none, so they are this project's own.
const (
	// CodeUnauthorized (401): the request carries no credentials, or wrong ones.
	CodeUnauthorized = "UNAUTHORIZED"
	// CodeNotFound (404): there is no such path.
	CodeNotFound = "NOT_FOUND"
	// CodeMethodNotAllowed (405): the path has no such method.
	CodeMethodNotAllowed = "METHOD_NOT_ALLOWED"
	// CodeUnsupportedMediaType (415): the Content-Type is not that of JSON.
	CodeUnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
	// CodeInvalidParameter (400): a query parameter is not known, is given twice, or has a wrong
	// value.
	CodeInvalidParameter = "INVALID_PARAMETER"
	// CodeInvalidBody (400): the body is not the JSON document that the call takes.
	CodeInvalidBody = "INVALID_BODY"
	// CodeUnknownAttribute (400): the resource has no such attribute.
	CodeUnknownAttribute = "UNKNOWN_ATTRIBUTE"
	// CodeInvalidAttribute (400): an attribute has the wrong type or an impossible value.
	CodeInvalidAttribute = "INVALID_ATTRIBUTE"
	// CodeMissingRelationship (400): a license names no user or no product.
	CodeMissingRelationship = "MISSING_RELATIONSHIP"
	// CodeLicenseNotFound (404 or 422): there is no such license.
	CodeLicenseNotFound = "LICENSE_NOT_FOUND"
	// CodeProductNotFound (404 or 422): there is no such product.
	CodeProductNotFound = "PRODUCT_NOT_FOUND"
	// CodeUserNotFound (404 or 422): there is no such user.
	CodeUserNotFound = "USER_NOT_FOUND"
	// CodeIrdetoRefused (502): Irdeto refused to create or delete the entitlement.
	CodeIrdetoRefused = "IRDETO_REFUSED"
	// CodeIrdetoUnavailable (502): Irdeto could not be reached.
	CodeIrdetoUnavailable = "IRDETO_UNAVAILABLE"
	// CodeIrdetoTimeout (502): Irdeto sent no response.
	CodeIrdetoTimeout = "IRDETO_TIMEOUT"
)

// failure is an error as the vendor sends it.
type failure struct {
	status       int
	code, detail string
}

func (f failure) Error() string { return f.code + ": " + f.detail }

// body returns the JSON:API document of the failure.
func (f failure) body() []byte {
	type one struct {
		Status string `json:"status"`
		Code   string `json:"code"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
	only := one{strconv.Itoa(f.status), f.code, http.StatusText(f.status), f.detail}
	text, err := json.Marshal(map[string][]one{"errors": {only}})
	if err != nil {
		panic(err) // strings alone are always JSON
	}
	return text
}

// Refusal returns a fault that refuses a request in the vendor's shape, without effect. It suits a
// 401, a 403, a 429 (the caller can add Retry-After to Header), or an unknown code. The caller sets
// Method, Path and Times.
func Refusal(status int, code, detail string) twin.Fault {
	return twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: string(failure{status, code, detail}.body())}
}
