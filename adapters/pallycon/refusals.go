package pallycon

import (
	"net/http"
	"strconv"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
)

// doubted returns err, the error of a write that cannot be read back at once. A refusal in another
// form than PallyCon's becomes an unknown outcome, since a proxy may have sent it after the effect.
// The guide does not show the bodies of 401 and 403, so an empty one counts as PallyCon's.
func doubted(err error) error {
	if err == nil || !mutation.IsPlain(err) {
		return err
	}
	e := apierror.Convert(err)
	status, body := e.Metadata[apierror.VendorHTTPStatus], e.Metadata[apierror.VendorMessage]
	own := e.Metadata[apierror.VendorCode] != "" ||
		body == "" && (status == strconv.Itoa(http.StatusUnauthorized) || status == strconv.Itoa(http.StatusForbidden))
	if !e.Unproven || own {
		return err
	}
	unknown := apierror.OutcomeUnknown("Outcome unknown: %s. The response is not in PallyCon's form, "+
		"so a proxy may have sent it"+mutation.RetryAdvice, e.Message)
	unknown.Metadata = e.Metadata
	return unknown
}
