package ncp

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// refusal is the error in a response, in either of its two forms. The service writes a code and a
// name. The gateway writes an errorCode and details.
type refusal struct {
	Code      word `json:"code"`
	Name      word `json:"name"`
	Message   word `json:"message"`
	ErrorCode word `json:"errorCode"`
	Details   word `json:"details"`
}

// meaning is the error of the public face for a code of the vendor.
type meaning struct {
	code   codes.Code
	reason pb.ErrorReason
	says   string
}

// as returns a meaning with another text.
func (m meaning) as(text string) meaning {
	m.says = text
	return m
}

var (
	inputRefused = meaning{codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED,
		"NAVER Cloud refuses a value of the request"}
	notFound = meaning{codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND,
		"NAVER Cloud's account has no such site"}
	wrongState = meaning{codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
		"the site's state does not allow that"}
	credentials = meaning{codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED,
		"access_key and secret_key are refused: check that both are set, belong together " +
			"and are active in the vendor's console"}
	permission = meaning{codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED,
		"the sub account of access_key may not make this call: grant it in the vendor's console, " +
			"or configure another account"}
	throttled = meaning{codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED,
		"NAVER Cloud throttles drmhub, or a quota is used up"}
	unavailable = meaning{codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
		"NAVER Cloud reports a failure of its own"}
	rejected = meaning{codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED,
		"NAVER Cloud refuses the request"}
	// The gateway knows no sites, so this says nothing about one.
	notRouted = meaning{codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"NAVER Cloud's gateway does not know the path of this call, which proves nothing about the site: " +
			"check that base_url is that of One Click Multi DRM"}
)

const (
	noLicenseInfo = "2810012" // The license history of the site is empty.
	notOn         = "281005"  // The site was off already.
	notOff        = "281006"  // The site was on already.
)

// fairPlayFiles ends the text of a failure of Object Storage.
const fairPlayFiles = ". It holds the files of the FairPlay certificate"

// serviceCodes are the codes on the page "One Click Multi DRM error codes".
var serviceCodes = map[word]meaning{
	"280000":      unavailable,
	"280001":      inputRefused,
	"280002":      unavailable,
	"280003":      inputRefused,
	"280004":      inputRefused,
	"280005":      wrongState.as("the account has no subscription to Object Storage: subscribe to it" + fairPlayFiles),
	"280006":      credentials.as("Object Storage refuses the API key: check it at the vendor" + fairPlayFiles),
	"280007":      permission.as("the account may not use Object Storage: grant it" + fairPlayFiles),
	"280008":      unavailable.as("Object Storage reports an unknown failure"),
	"280009":      wrongState.as("the region of Object Storage is not supported: use another region" + fairPlayFiles),
	"280010":      wrongState.as("the resource of Object Storage is not supported: use another one" + fairPlayFiles),
	"280011":      unavailable.as("NAVER Cloud cannot reach Object Storage"),
	"281003":      notFound,
	"281004":      wrongState,
	notOn:         wrongState,
	notOff:        wrongState,
	"281007":      wrongState,
	"2810011":     inputRefused.as("the FairPlay certificate is not complete"),
	noLicenseInfo: notFound.as("NAVER Cloud holds no license information"),
}

// gatewayCodes are the codes on the page "Common response status codes".
var gatewayCodes = map[word]meaning{
	"100": inputRefused,
	"200": credentials,
	"210": permission,
	"230": permission,
	"300": notRouted,
	"400": throttled,
	"410": throttled,
	"420": throttled,
	"430": inputRefused,
	"500": unavailable,
	"510": unavailable,
	"900": unavailable,
}

// failure reads the error of a response with a status of 400 or more. It returns nil if the
// response is not in the form of the service or of the gateway. A 401 is an error even then,
// because the vendor's clock may explain it.
func failure(status int, header http.Header, body []byte) *apierror.Error {
	var answer envelope
	r := refusal{}
	if err := jsonx.Unmarshal("", body, &answer); err == nil {
		r = readRefusal(answer.Error)
	}
	own := r.isOwn(answer.Success)
	switch {
	case own:
	case status != http.StatusUnauthorized:
		return nil
	default:
		r.Code = ""
	}
	if r == (refusal{}) {
		r.Message = word(body)
	}
	e := r.failure(status, header)
	e.Unproven = e.Unproven || !own
	return e
}

// readRefusal returns the parts of an error that can be read.
func readRefusal(value jsontext.Value) (r refusal) {
	_ = jsonx.Unmarshal("error", value, &r) // An error of another form says nothing.
	return r
}

// isOwn reports whether a refusal has the vendor's form. Many proxies send an error with a code
// too. The service also says that its response is no success.
func (r refusal) isOwn(success *bool) bool {
	_, known := serviceCodes[r.Code]
	return r.ErrorCode != "" || known || r.Code != "" && success != nil && !*success
}

// failure returns the error of the public face for a refusal. An unknown code proves no refusal.
func (r refusal) failure(status int, header http.Header) *apierror.Error {
	m, known := serviceCodes[r.Code]
	if r.Code == "" {
		m, known = gatewayCodes[r.ErrorCode]
	}
	switch {
	case known:
	case status == http.StatusUnauthorized:
		m = credentials
	case status == http.StatusForbidden, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		// The HTTP status decides.
		return r.describe(&apierror.Error{Unproven: true})
	case r.Code == "" && (status == http.StatusNotFound || status == http.StatusGone):
		m = notRouted
	default:
		m = rejected
	}
	if m == credentials {
		if off := clockOff(header, r.text(), time.Now()); off != "" {
			m.says = off
		}
	}
	said := strings.Join(present(r.code(), r.Name, word(r.text())), " ")
	if said != "" {
		said = " (" + said + ")"
	}
	e := r.describe(apierror.New(m.code, m.reason, "%s%s", m.says, said))
	e.Unproven = !known
	return e
}

// describe returns e with the vendor's code and text.
func (r refusal) describe(e *apierror.Error) *apierror.Error {
	return e.With(apierror.VendorCode, string(r.code())).With(apierror.VendorMessage, r.text())
}

func (r refusal) code() word { return cmp.Or(r.Code, r.ErrorCode) }

func (r refusal) text() string { return strings.Join(present(r.Message, r.Details), ": ") }

// present returns the words that are not empty.
func present(words ...word) []string {
	var kept []string
	for _, w := range words {
		if w != "" {
			kept = append(kept, string(w))
		}
	}
	return kept
}

// clockTolerance is how far this machine's clock may differ from the vendor's without being the
// reason of a refusal. The gateway refuses a difference of five minutes. The rest is for the time
// that a request and its response take.
const clockTolerance = 5*time.Minute - 30*time.Second

// clockOff returns what to say if the clock is the reason of a refusal, and "" otherwise. It
// compares this machine's clock with the response's Date. The vendor's text may also name the
// timestamp.
func clockOff(header http.Header, text string, now time.Time) string {
	const refused = " the vendor's, and the vendor refuses a difference of five minutes: set the clock"
	theirs, err := http.ParseTime(header.Get("Date"))
	off, direction := now.Sub(theirs).Round(time.Second), "ahead of"
	if off < 0 {
		off, direction = -off, "behind"
	}
	switch {
	case err == nil && off >= clockTolerance:
		return "this machine's clock is " + off.String() + " " + direction + refused
	case strings.Contains(strings.ToLower(text), "timestamp"):
		return "this machine's clock differs from" + refused
	case err != nil:
		return credentials.says + "; or set this machine's clock, if it is five minutes off the vendor's"
	}
	return ""
}
