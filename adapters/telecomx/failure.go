package telecomx

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// TelecomX' messages, which name what is wrong.
const (
	saysDeleted = "deleted" // with 403: the device is frozen
	// with 404: there is no such account or device; with 409: the device is still bound
	saysID       = "id"
	saysCustomer = "customer" // with 404: there is none; with 409: it has its one account
	saysUsername = "username" // with 409: it is taken; with 422: it is not well-formed
	saysPassword = "password" // with 422: it is not well-formed
)

// failure reads an error of TelecomX': an HTTP status and a message.
func (a *Adapter) failure(status int, _ http.Header, body []byte) *apierror.Error {
	said, further, until := readError(body)
	e := meaning(status, said)
	if status == http.StatusUnauthorized && !a.config.Token.IsZero() {
		e.Message = "TelecomX refuses the machine token: it was withdrawn or is wrong; have TelecomX give out another one, and set token in this vendor's configuration"
	}
	if until != nil {
		e.Message += " (until " + until.AsTime().Format(time.RFC3339) + ")"
	}
	return e.With(apierror.VendorCode, said).With(apierror.VendorMessage, further)
}

// meaning is what the pages' tables of errors say, and the status where they say nothing.
func meaning(status int, said string) *apierror.Error {
	switch {
	case status == http.StatusUnauthorized:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED,
			"TelecomX refuses the token that it gave at a login: see with TelecomX whether drmhub's user is locked or its sessions are limited")
	case status == http.StatusForbidden && said == saysDeleted:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
			"TelecomX has removed the device already; its slot stays held until TelecomX frees it")
	case status == http.StatusForbidden:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED,
			"TelecomX does not let drmhub's user do this: its access level does not suffice, or the customer has neither IPTVPRIVATE nor IPTVBUSINESS; "+
				"a machine token may have been withdrawn")
	case status == http.StatusNotFound:
		return apierror.NotFound("TelecomX holds no such thing (%s)", said)
	case status == http.StatusConflict && said == saysUsername:
		return apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "TelecomX has an account of this username: choose another one")
	case status == http.StatusConflict && said == saysCustomer:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "the customer has its account: with IPTVPRIVATE, it can have one")
	case status == http.StatusConflict && said == saysID:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
			"TelecomX binds a device to its account for 90 days, which are not over; to remove it all the same, set force, which takes the access level RESELLER or ADMIN")
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		return apierror.New(codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED, "TelecomX refuses a value of the request (%s)", said)
	case status == http.StatusTooManyRequests:
		return apierror.New(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "TelecomX throttles drmhub")
	case status >= 500:
		return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "TelecomX reports a failure of its own (HTTP %d)", status)
	}
	return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "TelecomX refuses the request (HTTP %d, %s)", status, said)
}

// readError finds the message, one word such as access_denied, and any further text in the body of
// an error. The pages do not show how the body looks: it is read as {"error":"access_denied"}, as
// {"message":"access_denied"} and as plain text. Where it has an expires, as a removal has, that is
// read too.
func readError(body []byte) (said, further string, until *timestamppb.Timestamp) {
	body = bytes.TrimSpace(body)
	var object struct {
		Error   jsonx.Text `json:"error"`
		Message jsonx.Text `json:"message"`
		Expires jsonx.Text `json:"expires"`
	}
	parts := []string{string(body)}
	var text jsonx.Text
	if json.Unmarshal(body, &object) == nil {
		if object.Error+object.Message != "" {
			parts = []string{string(object.Error), string(object.Message)}
		}
	} else if json.Unmarshal(body, &text) == nil && text != "" {
		parts = []string{string(text)}
	}
	for _, part := range parts {
		switch {
		case part == "":
		case said == "" && isWord(part):
			said = part
		case further == "":
			further = part
		}
	}
	return said, further, instant(string(object.Expires))
}

func isWord(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.-", r)
	})
}
