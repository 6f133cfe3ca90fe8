package pallycon

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

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

// get reads from PallyCon. It returns the envelope of a failure inside HTTP 200 too, with the
// error.
func get[Data any](ctx context.Context, a *Adapter, c call, params url.Values) (*envelope[Data], error) {
	params.Set("api_code", c.code)
	var response envelope[Data]
	res, err := a.vendor.Read(ctx, upstream.Request{
		Path: "/api/v2" + c.path, Query: params, Shape: shapes[reflect.TypeFor[Data]()],
	}, &response)
	if err != nil {
		return nil, err
	}
	return response.checked(res, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, ""))
}

// change writes to PallyCon. The guide names the parameters of a POST and a PUT, and not how they
// are sent, so that is a setting.
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

// An envelope is the guide's "Common Response Specification". The guide does not say whether Count
// is of all rows that match or of this page.
type envelope[Data any] struct {
	members[Data]
	kind   jsontext.Kind // of data; 0 without it
	sent   time.Time     // by the header Date; zero without one
	misfit error         // why data could not be read; it does not matter if the call failed
}

type members[Data any] struct {
	ErrorCode    string `json:"error_code"`
	ErrorMessage string `json:"error_message"`
	Data         Data   `json:"data"`
	Count        int    `json:"count"`
}

// Holds returns the members of an envelope.
func (envelope[Data]) Holds() reflect.Type { return reflect.TypeFor[members[Data]]() }

// Usual returns the members of an envelope with a list. The fields of another one may be beside
// error_code.
func (e *envelope[Data]) Usual() any {
	if reflect.TypeFor[Data]().Kind() != reflect.Slice {
		return nil
	}
	return &e.members
}

// SetUsual leaves the response of a failure to the decoder: its data may be anything.
func (e *envelope[Data]) SetUsual() bool { return e.ErrorCode == success }

// UnmarshalJSONFrom reads data row by row. It leaves data out if a failure has something else
// there.
func (e *envelope[Data]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if start, err := d.ReadToken(); err != nil {
		return err
	} else if start.Kind() != '{' {
		return &jsonx.Misfit{Expected: "an object"}
	}
	beside := map[string]jsontext.Value{} // the members that the specification does not name
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		switch name := name.String(); name {
		case "error_code":
			e.ErrorCode, err = readCode(d)
		case "error_message":
			var text jsonx.Text
			err = json.UnmarshalDecode(d, &text)
			e.ErrorMessage = string(text)
		case "count":
			err = json.UnmarshalDecode(d, &e.Count)
		case "data":
			err = e.readData(d)
		default:
			var value jsontext.Value
			value, err = d.ReadValue()
			beside[name] = value.Clone()
		}
		if err != nil {
			return err
		}
	}
	if e.ErrorCode == success {
		e.addFields(beside)
	}
	_, err := d.ReadToken()
	return err
}

// readCode reads an error_code. A number is a code without its leading zeros.
func readCode(d *jsontext.Decoder) (string, error) {
	isNumber := d.PeekKind() == '0'
	var code jsonx.Text
	err := json.UnmarshalDecode(d, &code)
	if n := len(success) - len(code); isNumber && n > 0 {
		code = jsonx.Text(strings.Repeat("0", n)) + code
	}
	return string(code), err
}

func (e *envelope[Data]) readData(d *jsontext.Decoder) error {
	e.kind = d.PeekKind()
	if e.ErrorCode == success {
		return json.UnmarshalDecode(d, &e.Data)
	}
	// The call may have failed. An unexpected form is an error only if it succeeded.
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	e.misfit = jsonx.UnmarshalMember("data", raw, &e.Data)
	return nil
}

// addFields adds the fields that are beside error_code to those in data. The guide heads one
// response "Response", and all others "Response.data".
func (e *envelope[Data]) addFields(beside map[string]jsontext.Value) {
	data := reflect.ValueOf(&e.Data).Elem()
	if data.Kind() != reflect.Pointer || e.misfit != nil {
		return
	}
	text, err := json.Marshal(beside)
	added := reflect.New(data.Type().Elem())
	if err == nil {
		err = jsonx.Unmarshal("", text, added.Interface())
	}
	switch {
	case err != nil && (data.IsNil() || data.Elem().IsZero()):
		e.misfit = err
	case err != nil || added.Elem().IsZero(): // data has what there is
	case data.IsNil():
		data.Set(added)
	default:
		for i := range added.Elem().NumField() {
			if field := data.Elem().Field(i); field.IsZero() {
				field.Set(added.Elem().Field(i))
			}
		}
	}
}

// isCode reports whether a text has the form of an error_code of PallyCon. The guide says that it
// is a number, and its console shows A9104. A gateway may have an error_code of its own, such as
// APIG.0101.
var isCode = regexp.MustCompile("^[A-Za-z]*[0-9]+$").MatchString

// failure reads the error of a response with a status of 400 or more. PallyCon sends its envelope
// with every response, so failure returns nil without an error_code.
func failure(_ int, _ http.Header, body []byte) *apierror.Error {
	var answer envelope[jsontext.Value]
	err := jsonx.Unmarshal("", body, &answer)
	if own := err == nil && isCode(answer.ErrorCode) && answer.ErrorCode != success; !own {
		return nil
	}
	// No document names a code, so a change is read back before it counts as refused.
	e := (&apierror.Error{Unproven: true}).With(apierror.VendorCode, answer.ErrorCode)
	return e.With(apierror.VendorMessage, answer.ErrorMessage)
}

// checked returns the envelope of a success. A failure inside HTTP 200 is a definite refusal. A
// response that contradicts the guide is the error unreadable.
func (e *envelope[Data]) checked(res *upstream.Response, unreadable *apierror.Error) (*envelope[Data], error) {
	if sent, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		e.sent = sent
	}
	switch {
	case e.ErrorCode == "":
		unreadable.Message = "the response has no error_code, which PallyCon sends with every response: " +
			"check that base_url is PallyCon's service API"
		return nil, res.Complete(unreadable)
	case e.ErrorCode != success:
		refused := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED,
			"PallyCon refused the request with error_code %s: %s", e.ErrorCode, e.ErrorMessage)
		refused = refused.With(apierror.VendorCode, e.ErrorCode).With(apierror.VendorMessage, e.ErrorMessage)
		return e, res.Complete(refused)
	case e.misfit != nil:
		unreadable.Message = "PallyCon's response is unreadable: " + e.misfit.Error()
		return nil, res.Complete(unreadable)
	}
	return e, nil
}
