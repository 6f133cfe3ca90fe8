package pallycon

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A call is one of the guide's calls: its path below /api/v2, and its api_code.
type call struct{ path, code string }

// integers are the parameters of a POST or a PUT that the guide calls Int.
var integers = map[string]bool{"group_seq": true, "member_seq": true, "token_duration": true}

const success = "0000" // error_code

// get reads from PallyCon.
func get[Data any](ctx context.Context, a *Adapter, c call, params url.Values) (*envelope[Data], error) {
	params.Set("api_code", c.code)
	var response envelope[Data]
	res, err := a.vendor.Read(ctx, upstream.Request{Path: "/api/v2" + c.path, Query: params}, &response)
	if err != nil {
		return nil, err
	}
	return response.checked(res, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, ""))
}

// change writes to PallyCon. The guide names the parameters of a POST and a PUT, and not how they are
// sent, so that is a setting.
func change[Data any](
	ctx context.Context, a *Adapter, method string, c call, params url.Values,
) (*envelope[Data], error) {
	params.Set("api_code", c.code)
	req := upstream.Request{Method: method, Path: "/api/v2" + c.path}
	switch a.config.ParameterEncoding {
	case EncodeQuery:
		req.Query = params
	case EncodeForm:
		req.Body = upstream.Form(params)
	default:
		body := map[string]any{}
		for name := range params {
			body[name] = params.Get(name)
			if n, err := strconv.ParseInt(params.Get(name), 10, 64); err == nil && integers[name] {
				body[name] = n
			}
		}
		req.Body = upstream.JSON(body).As("application/json;charset=UTF-8")
	}
	var response envelope[Data]
	res, err := a.vendor.Write(ctx, req, &response)
	if err != nil {
		return nil, err
	}
	return response.checked(res, apierror.OutcomeUnknown(""))
}

// An envelope is the guide's "Common Response Specification". The guide does not say whether Count is
// of all rows that match or of this page.
type envelope[Data any] struct {
	ErrorCode    string
	ErrorMessage string
	Data         Data
	Count        int
	misfit       error // why data could not be read; it does not matter if the call failed
}

// UnmarshalJSONFrom reads data row by row. It leaves data out if a failure has something else there.
func (e *envelope[Data]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if start, err := d.ReadToken(); err != nil {
		return err
	} else if start.Kind() != '{' {
		return &jsonx.Misfit{Expected: "an object"}
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		switch name.String() {
		case "error_code":
			// The code "0000" is text. Written as a number, it could be any code of zeros.
			if d.PeekKind() == '0' {
				return &jsonx.Misfit{Path: "error_code", Expected: "text", Got: "a number"}
			}
			err = json.UnmarshalDecode(d, &e.ErrorCode)
		case "error_message":
			err = json.UnmarshalDecode(d, &e.ErrorMessage)
		case "count":
			err = json.UnmarshalDecode(d, &e.Count)
		case "data":
			err = e.readData(d)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (e *envelope[Data]) readData(d *jsontext.Decoder) error {
	if e.ErrorCode == success {
		return json.UnmarshalDecode(d, &e.Data)
	}
	// The call may have failed. An unexpected form is an error only if it succeeded.
	raw, err := d.ReadValue()
	if err == nil {
		e.misfit = jsonx.Unmarshal("data", raw, &e.Data)
	}
	return err
}

// failure reads the error of a response with a status of 400 or more. PallyCon sends its envelope with
// every response, so failure returns nil without an error_code.
func failure(_ int, _ http.Header, body []byte) *apierror.Error {
	var answer envelope[jsontext.Value]
	if json.Unmarshal(body, &answer) != nil || answer.ErrorCode == "" || answer.ErrorCode == success {
		return nil
	}
	e := (&apierror.Error{}).With(apierror.VendorCode, answer.ErrorCode)
	return e.With(apierror.VendorMessage, answer.ErrorMessage)
}

// checked returns the envelope of a success. A failure inside HTTP 200 is a definite refusal. A
// response that contradicts the guide is the error unreadable.
func (e *envelope[Data]) checked(res *upstream.Response, unreadable *apierror.Error) (*envelope[Data], error) {
	switch {
	case e.ErrorCode == "":
		unreadable.Message = "the response has no error_code, which PallyCon sends with every response: " +
			"check that base_url is PallyCon's service API"
		return nil, res.Complete(unreadable)
	case e.ErrorCode != success:
		refused := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED,
			"PallyCon refused the request with error_code %s: %s", e.ErrorCode, e.ErrorMessage)
		refused = refused.With(apierror.VendorCode, e.ErrorCode).With(apierror.VendorMessage, e.ErrorMessage)
		return nil, res.Complete(refused)
	case e.misfit != nil:
		unreadable.Message = "PallyCon's response is unreadable: " + e.misfit.Error()
		return nil, res.Complete(unreadable)
	}
	return e, nil
}
