package ncp

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// envelope is the form of every response of the service.
type envelope struct {
	Success *bool          `json:"success"`
	Content jsontext.Value `json:"content"`
	Total   word           `json:"total"` // in the lists of the API pages of 2026
	Error   jsontext.Value `json:"error"`
}

// requestHeader returns the header of every request. The vendor requires Content-Type even without
// a body.
func requestHeader(config Config) http.Header {
	return http.Header{"Content-Type": {"application/json"}, "X-Ncp-Region_code": {config.RegionCode}}
}

// request returns a call without parameters and body.
func (a *Adapter) request(method, path string) upstream.Request {
	return upstream.Request{Method: method, Path: "/api/v1" + path, Header: a.header}
}

// A response is an envelope, which a decoder reads, or a success in the documented form, which
// needs none.
type response[Content any] struct {
	envelope
	success documented[Content]
}

// Usual returns the documented form.
func (r *response[Content]) Usual() any { return &r.success }

// SetUsual leaves a response without content, and one that is no success, to the decoder.
func (r *response[Content]) SetUsual() bool {
	s := &r.success
	return s.Success != nil && *s.Success && s.Error == (refusal{}) && !reflect.ValueOf(&s.Content).Elem().IsZero()
}

// get makes a call that reads, and decodes the content of the response.
func get[Content any](ctx context.Context, a *Adapter, path string, query url.Values) (*documented[Content], error) {
	req := a.request(http.MethodGet, path)
	req.Query, req.Shape = query, shapes[reflect.TypeFor[Content]()]
	var answer response[Content]
	res, err := a.vendor.Read(ctx, req, &answer)
	if err != nil {
		return nil, err
	}
	shown := &answer.success
	if shown.Success != nil {
		return shown, nil
	}
	unreadable := apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "")
	if err := answer.decode(res, &shown.Content, unreadable); err != nil {
		return nil, err
	}
	shown.Total = answer.Total
	// Without content, only a total of zero says that there is nothing.
	if n, counted := number(answer.Total); len(answer.Content) == 0 && (!counted || n != 0) {
		return nil, res.Complete(contradiction("it is a success, and has no content"))
	}
	return shown, nil
}

// pageSize is the largest page that the vendor returns. Every call asks for this size, so that a
// page number means the same rows in each of them.
const pageSize = 100

// paged adds the parameters for a page, numbered from 1.
func (a *Adapter) paged(query url.Values, page, size int) url.Values {
	query.Set("pageNo", strconv.Itoa(page-1+a.config.PageNumberBase))
	query.Set(string(a.config.PageSizeParameter), strconv.Itoa(size))
	return query
}

// change makes a call that changes something. With a nil content, it ignores the content of the
// response.
func (a *Adapter) change(ctx context.Context, req upstream.Request, content any) error {
	var answer envelope
	res, err := a.vendor.Write(ctx, req, &answer)
	if err == nil {
		err = answer.decode(res, content, apierror.OutcomeUnknown(""))
	}
	if err == nil {
		return nil
	}
	e := apierror.Convert(err)
	// The service, or the gateway in front of it, failed during the call. Whatever the HTTP status
	// is, the change may have been made.
	broken := e.Reason == unavailable.reason || e.Reason == notRouted.reason
	if e.Metadata[apierror.VendorCode] == "" || !broken {
		return err
	}
	unknown := apierror.OutcomeUnknown("Outcome unknown: %s"+mutation.RetryAdvice, e.Message)
	unknown.Metadata = e.Metadata
	return unknown
}

// decode reads the content of a response. A failure in HTTP 200 is a definite refusal.
func (e *envelope) decode(res *upstream.Response, content any, unreadable *apierror.Error) error {
	said := readRefusal(e.Error)
	switch {
	case e.Success != nil && !*e.Success:
		return res.Complete(said.failure(res.Status, res.Header))
	case e.Success == nil || said.Code+said.ErrorCode != "":
		unreadable.Message = "the vendor's response does not say whether it is a success: " +
			"check that base_url is that of One Click Multi DRM"
		return res.Complete(said.describe(unreadable))
	case content == nil:
		return nil
	}
	value := e.Content
	if len(value) == 0 {
		value = jsontext.Value("null")
	}
	if err := jsonx.UnmarshalMember("content", value, content); err != nil {
		unreadable.Message = "the vendor's response cannot be read: " + err.Error()
		return res.Complete(unreadable)
	}
	return nil
}

// A word is a value that the vendor's documents show as text in one place and as a number in
// another.
type word = jsonx.Text

// instant reads a time. The API pages show yyyyMMddHHmmss in the vendor's zone and milliseconds
// since 1970, and call both a Timestamp. It returns the zero time for none.
func (a *Adapter) instant(w word) (t time.Time, ok bool) {
	return jsonx.ParseTime(string(w), a.config.TimeZone)
}
