package telecomx

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// memberDevices is the member of an account with its devices.
const memberDevices = "devices"

// An answer is a response with the status of a success. The pages do not say where TelecomX writes
// its error words, and a proxy may answer in its place. So the members decide whether it is a
// success.
type answer[T any] struct {
	Value T

	members       map[string]jsontext.Value
	refused       bool   // it says that the call failed
	said, further string // why: a word and a text
}

// Holds returns the type of the members of a success.
func (answer[T]) Holds() reflect.Type { return reflect.TypeFor[T]() }

// Usual returns the members of a list of accounts.
func (a *answer[T]) Usual() any {
	if _, isPage := any(&a.Value).(*accountPage); !isPage {
		return nil
	}
	return &a.Value
}

// SetUsual leaves a response without accounts, or with a member of a failure, to the decoder.
func (a *answer[T]) SetUsual() bool {
	page, isPage := any(&a.Value).(*accountPage)
	return isPage && page.Accounts != nil && page.Success == nil && page.Error == nil
}

// UnmarshalJSONFrom decodes the next value.
func (a *answer[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	*a = answer[T]{}
	if value.Kind() != '{' {
		return &jsonx.Misfit{Expected: "an object"}
	}
	if err := jsonx.Unmarshal("", value, &a.members); err != nil {
		return err
	}
	var success *bool
	isRead := jsonx.Unmarshal("", a.members["success"], &success) == nil
	a.refused = hasContent(a.members["error"]) || isRead && success != nil && !*success
	if !a.refused {
		return jsonx.Unmarshal("", value, &a.Value)
	}
	a.said, a.further, _ = readError(value)
	if a.further == strings.TrimSpace(string(value)) {
		a.further = "" // it may hold a password
	}
	return nil
}

// hasContent reports whether a member has a value that says something.
func hasContent(value jsontext.Value) bool {
	value = value.Clone()
	_ = value.Compact() // What is no JSON says something.
	return !slices.Contains([]string{"", "null", `""`, "false", "0", "[]", "{}"}, string(value))
}

// unfit returns the error of an answer that does not hold what the call promises.
func (a *answer[T]) unfit(res *upstream.Response, promised string) *apierror.Error {
	e := contradiction("a success holds no %s. Check base_url", promised)
	return res.Complete(a.explained(e))
}

// explained returns e with the reason that the answer gives.
func (a *answer[T]) explained(e *apierror.Error) *apierror.Error {
	return e.With(apierror.VendorCode, a.said).With(apierror.VendorMessage, a.further)
}

// refusal returns the error of a write that TelecomX refuses under the status of a success. words
// are its words for a refusal of this call. Such a refusal is read back, since a status of a
// success is a contradiction. Other words leave the outcome unknown: a proxy may have sent them.
func (a *answer[T]) refusal(res *upstream.Response, words []string) *apierror.Error {
	refused := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED,
		"TelecomX refuses the request without a reason (HTTP %d)", res.Status)
	switch {
	case slices.Contains(words, a.said):
		refused.Message = "TelecomX refuses the request (HTTP " + strconv.Itoa(res.Status) + ", " + a.said + ")"
	case hasContent(a.members["error"]):
		refused = apierror.OutcomeUnknown("Outcome unknown: TelecomX reports an error with the status of a success "+
			"(HTTP %d)"+mutation.RetryAdvice, res.Status)
	}
	return res.Complete(a.explained(refused))
}
