package amino

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// failure reads an error of AminoTV's. Its pages do not show one: it is read as JSON:API's, and
// what it means is what the HTTP status means, whatever the body is.
func failure(status int, _ http.Header, body []byte) *apierror.Error {
	code, text := readErrors(body)
	return meaning(status, code).With(apierror.VendorCode, code).With(apierror.VendorMessage, text)
}

func meaning(status int, code string) *apierror.Error {
	said := code
	if said == "" {
		said = "without a code"
	}
	switch {
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return apierror.New(codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED, "AminoTV refuses a value of the request (HTTP %d, %s)", status, said)
	case status == http.StatusUnauthorized:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED,
			"AminoTV refuses drmhub's credentials: the token may have ended, or the token or key configured for this vendor is wrong, or authorization_scheme")
	case status == http.StatusForbidden:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED,
			"AminoTV does not let drmhub's token or key make this call: have it granted, or configure another one")
	case status == http.StatusNotFound:
		return apierror.NotFound("AminoTV holds no such thing (%s)", said)
	case status == http.StatusConflict:
		return apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "AminoTV already holds it (%s)", said)
	case status == http.StatusTooManyRequests:
		return apierror.New(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "AminoTV throttles drmhub")
	case status >= 500:
		return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "AminoTV reports a failure of its own or of Irdeto (HTTP %d, %s)", status, said)
	}
	return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "AminoTV refuses the request (HTTP %d, %s)", status, said)
}

// readErrors finds the first code and all texts in a JSON:API body,
// {"errors":[{"status","code","title","detail"}]}. Of another body the text is all of it.
func readErrors(body []byte) (code, text string) {
	var document struct {
		Errors []struct {
			Code   jsonx.Text `json:"code"`
			Title  jsonx.Text `json:"title"`
			Detail jsonx.Text `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &document); err != nil || len(document.Errors) == 0 {
		return "", string(body)
	}
	var texts []string
	for _, e := range document.Errors {
		if code == "" {
			code = string(e.Code)
		}
		if e.Title != "" && e.Detail != "" {
			texts = append(texts, string(e.Title+": "+e.Detail))
		} else if e.Title+e.Detail != "" {
			texts = append(texts, string(e.Title+e.Detail))
		}
	}
	return code, strings.Join(texts, "; ")
}

func isNotFound(err error) bool { return err != nil && apierror.Convert(err).Code == codes.NotFound }

// withMessage returns err with another message, and with all that the vendor said.
func withMessage(err error, message string) *apierror.Error {
	e := *apierror.Convert(err)
	e.Message = message
	return &e
}
