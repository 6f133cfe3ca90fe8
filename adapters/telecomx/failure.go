package telecomx

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The vendor's messages, which say what is wrong.
const (
	saysDeleted  = "deleted"  // with 403: the device was removed
	saysID       = "id"       // with 404: there is no such account or device; with 409: the device is bound
	saysCustomer = "customer" // with 404: there is no such customer; with 409: it has its one account
	saysUsername = "username" // with 409: it is taken; with 422: it is malformed
	saysPassword = "password" // with 422: it is malformed
	saysDenied   = "access_denied"
	saysInternal = "internal_error"
)

var words = []string{saysDeleted, saysID, saysCustomer, saysUsername, saysPassword, saysDenied, saysInternal}

// The words for a refusal of each write.
var (
	creationRefused = []string{saysUsername, saysPassword, saysCustomer, saysDenied}
	removalRefused  = []string{saysID, saysDeleted, saysDenied}
)

// failure returns the error of a response with an error status. A 404 of TelecomX says what is
// missing. Other errors say one word. failure returns nil for all else. A proxy may have sent
// a 401 or 403 with another word, or with a page.
func (a *Adapter) failure(status int, _ http.Header, body []byte) *apierror.Error {
	said, further, until := readError(body)
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
	case status == http.StatusNotFound && said != saysID && said != saysCustomer, status == http.StatusGone, said == "":
		return nil
	}
	e := meaning(status, said)
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Unproven = len(bytes.TrimSpace(body)) > 0 && !slices.Contains(words, said)
	}
	if status == http.StatusUnauthorized && !a.config.Token.IsZero() {
		e.Message = "TelecomX refuses the machine token: get another one from TelecomX, " +
			"and set token in this vendor's configuration"
	}
	if until != nil && e.Message != "" {
		e.Message += " (until " + until.AsTime().Format(time.RFC3339) + ")"
	}
	return e.With(apierror.VendorCode, said).With(apierror.VendorMessage, further)
}

// meaning returns the error that the pages' tables list. The HTTP status decides what it leaves
// open.
func meaning(status int, said string) *apierror.Error {
	const precondition, state = codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE
	switch status {
	case http.StatusUnauthorized:
		return &apierror.Error{Message: "TelecomX refuses a token of its own login: " +
			"ask TelecomX whether drmhub's user is locked, or its sessions are limited"}
	case http.StatusForbidden:
		if said == saysDeleted {
			return apierror.New(precondition, state,
				"TelecomX removed the device already. It frees the slot of the device later")
		}
		return &apierror.Error{Message: "TelecomX does not let drmhub's user make this call. Its access level may be " +
			"too low, the customer may lack IPTVPRIVATE and IPTVBUSINESS, or a machine token may be withdrawn"}
	case http.StatusConflict:
		switch said {
		case saysUsername:
			return &apierror.Error{Message: "TelecomX has an account of this username: choose another username"}
		case saysCustomer:
			return apierror.New(precondition, state,
				"the customer has its account: with IPTVPRIVATE, it can have only one")
		case saysID:
			return apierror.New(precondition, state,
				"TelecomX binds a device to its account for 90 days, and they are not over. "+
					"To remove the device now, set force, which takes the access level RESELLER or ADMIN")
		}
		return apierror.New(precondition, pb.ErrorReason_VENDOR_REJECTED,
			"TelecomX refuses the request (HTTP %d, %s)", status, said)
	}
	return &apierror.Error{}
}

// says reports whether TelecomX gives this word for an error.
func says(err error, word string) bool {
	return apierror.Convert(err).Metadata[apierror.VendorCode] == word
}

// readError returns the message in the body of an error, one word such as access_denied. It also
// returns further text, and the time in expires. The pages do not show the form of the body, so
// readError accepts {"error":"access_denied"}, {"message":"access_denied"} and plain text.
func readError(body []byte) (said, further string, until *timestamppb.Timestamp) {
	body = bytes.TrimSpace(body)
	var object struct {
		Error   jsonx.Text `json:"error"`
		Message jsonx.Text `json:"message"`
		Expires jsonx.Text `json:"expires"`
	}
	parts := []string{string(body)}
	var text jsonx.Text
	if jsonx.Unmarshal("", body, &object) == nil {
		if object.Error+object.Message != "" {
			parts = []string{string(object.Error), string(object.Message)}
		}
	} else if jsonx.Unmarshal("", body, &text) == nil && text != "" {
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
