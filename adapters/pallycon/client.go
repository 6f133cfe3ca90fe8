package pallycon

import (
	"context"
	"fmt"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// call is one of the guide's calls: its path below /api/v2, and the api_code that it takes.
type call struct{ path, code string }

const success = "0000" // error_code

// get makes a call that reads.
func get[Data any](ctx context.Context, a *Adapter, c call, params url.Values) (*envelope[Data], error) {
	params.Set("api_code", c.code)
	var answer envelope[Data]
	res, err := a.vendor.Read(ctx, upstream.Request{Path: "/api/v2" + c.path, Query: params}, &answer)
	if err != nil {
		return nil, err
	}
	return answer.checked(res, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, ""))
}

// change makes a call that changes something. The guide names the parameters of a POST and a PUT,
// and not how they are sent.
func change[Data any](ctx context.Context, a *Adapter, method string, c call, params url.Values) (*envelope[Data], error) {
	params.Set("api_code", c.code)
	req := upstream.Request{Method: method, Path: "/api/v2" + c.path}
	switch a.config.ParameterEncoding {
	case EncodeQuery:
		req.Query = params
	case EncodeForm:
		req.Body = upstream.Form(params)
	default:
		body := map[string]string{}
		for name := range params {
			body[name] = params.Get(name)
		}
		req.Body = upstream.JSON(body).As("application/json;charset=UTF-8")
	}
	var answer envelope[Data]
	res, err := a.vendor.Write(ctx, req, &answer)
	if err != nil {
		return nil, err
	}
	return answer.checked(res, apierror.OutcomeUnknown(""))
}

// envelope is the guide's "Common Response Specification". Count is what matches in all, or the
// rows of this page: the guide does not say.
type envelope[Data any] struct {
	ErrorCode    string
	ErrorMessage string
	Data         Data
	Count        int
	misfit       error // why data could not be read: no matter where the call failed
}

// UnmarshalJSONFrom reads data straight from the connection, row by row, and leaves it out where a
// failure has put something else in its place.
func (e *envelope[Data]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if start, err := d.ReadToken(); err != nil {
		return err
	} else if start.Kind() != '{' {
		return fmt.Errorf("expected an object, got %v", start.Kind())
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		switch name.String() {
		case "error_code":
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
	// Not known to be a success yet: an unexpected form is a mistake only if it turns out to be
	// one.
	raw, err := d.ReadValue()
	if err == nil {
		e.misfit = json.Unmarshal(raw, &e.Data)
	}
	return err
}

// checked turns a failure inside HTTP 200 into an error: definite, since the vendor said so. What
// contradicts itself is unreadable.
func (e *envelope[Data]) checked(res *upstream.Response, unreadable *apierror.Error) (*envelope[Data], error) {
	switch {
	case e.ErrorCode == "":
		unreadable.Message = "the vendor's answer has no error_code, which PallyCon sends with every answer: is base_url PallyCon's service API?"
		return nil, res.Complete(unreadable)
	case e.ErrorCode != success:
		refused := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "PallyCon refuses, with its error_code %s: %s", e.ErrorCode, e.ErrorMessage)
		return nil, res.Complete(refused.With(apierror.VendorCode, e.ErrorCode).With(apierror.VendorMessage, e.ErrorMessage))
	case e.misfit != nil:
		unreadable.Message = "the vendor's answer cannot be read: its data has not the form that the guide gives"
		return nil, res.Complete(unreadable)
	}
	return e, nil
}
