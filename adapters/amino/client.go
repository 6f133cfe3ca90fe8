package amino

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const base = "/api/license/management/v4"

// The paths of the management calls.
const (
	productsPath = base + "/products"
	licensesPath = base + "/licenses"
)

func userLicensesPath(user string) string { return base + upstream.Path("users", user, "licenses") }

// A listed is a row of a list. If a part of it cannot be read, unreadable says which. The row then
// has what can be read, and at least its id.
type listed[Row identified] struct {
	row        Row
	unreadable error
}

func (l listed[Row]) id() string { return l.row.id() }

// rows returns a part of a list.
func rows[Row identified](ctx context.Context, a *Adapter, path string, offset, limit int) ([]listed[Row], error) {
	var answer listDocument[Row]
	// Beyond the end of a list, a 404 may mean that there is nothing.
	fixed := offset == 0 && (path == productsPath || path == licensesPath)
	res, err := a.vendor.Read(ctx, upstream.Request{
		Path: path, Fixed: fixed, Header: a.header, Shape: shapes[reflect.TypeFor[listDocument[Row]]()],
		Query: url.Values{
			a.config.OffsetParameter: {strconv.Itoa(offset)},
			a.config.LimitParameter:  {strconv.Itoa(limit)},
		},
	}, &answer)
	if err != nil {
		return nil, err
	}
	switch {
	case len(answer.Errors) > 0:
		return nil, res.Complete(invalidResponse(path, "it reports errors with the HTTP status of a success"))
	case !answer.Data.told:
		return nil, res.Complete(invalidResponse(path, "a list must have data; check base_url"))
	}
	all := make([]listed[Row], len(answer.Data.rows))
	for i, row := range answer.Data.rows {
		all[i].row = row.Value
		if row.Value.id() == "" {
			return nil, res.Complete(invalidResponse(path, row.Lacks("id").Error()))
		}
		if misfit := misfitOf(row); misfit != nil {
			what := row.Path() + " " + strconv.Quote(row.Value.id()) + ": " + misfit.Error()
			all[i].unreadable = res.Complete(invalidResponse(path, what))
		}
	}
	return all, nil
}

// misfitOf returns the first value of a row that does not fit, with its path in the row.
func misfitOf[Row identified](row jsonx.Row[Row]) *jsonx.Misfit {
	if row.Misfit == nil {
		return row.Value.misfit()
	}
	m := *row.Misfit
	m.Path = strings.TrimPrefix(strings.TrimPrefix(m.Path, row.Path()), ".")
	return &m
}

func invalidResponse(path, problem string) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"AminoTV sent a response to GET %s that drmhub cannot use: %s", path, problem)
}

// one returns the resource with this id in the list at path.
func one[Row identified](ctx context.Context, a *Adapter, path, id string) (Row, error) {
	var answer document[Row]
	path += upstream.Path(id)
	res, err := a.vendor.Read(ctx, upstream.Request{
		Path: path, Header: a.header, Shape: shapes[reflect.TypeFor[document[Row]]()],
	}, &answer)
	if err != nil {
		return answer.Data, err
	}
	misfit := answer.Data.misfit()
	switch {
	case !answer.one:
		err = res.Complete(invalidResponse(path, "data: expected one resource"))
	case answer.Data.id() == "":
		err = res.Complete(invalidResponse(path, "data.id: expected an id"))
	case misfit != nil:
		err = res.Complete(invalidResponse(path, "data."+misfit.Error()))
	case answer.Data.id() != id:
		err = res.Complete(invalidResponse(path, "data.id: expected the id that was asked for, got another one"))
	}
	return answer.Data, err
}

// create posts a resource and returns what AminoTV made of it. isIt reports whether a resource that
// AminoTV shows is the one that was posted. If the response is an id alone, the resource is read.
func create[Row identified](
	ctx context.Context, a *Adapter, path string, row Row, isIt func(Row) bool,
) (Row, error) {
	var answer document[Row]
	req := upstream.Request{Method: http.MethodPost, Path: path, Header: a.header, Body: a.body(row)}
	res, err := a.vendor.Write(ctx, req, &answer)
	if err != nil {
		return answer.Data, err
	}
	unknown := func(what string) (Row, error) {
		return answer.Data, res.Complete(apierror.OutcomeUnknown(
			"Outcome unknown: AminoTV reported success to POST %s %s"+mutation.RetryAdvice, path, what))
	}
	if answer.id != "" {
		if shown, err := one[Row](ctx, a, path, answer.id); err == nil && isIt(shown) {
			return shown, nil
		}
	}
	if !answer.one || answer.Data.id() == "" {
		return unknown("without one resource with an id")
	}
	if misfit := answer.Data.misfit(); misfit != nil {
		return unknown("with a resource that drmhub cannot use, data." + misfit.Error())
	}
	return answer.Data, nil
}

// change makes a write whose response needs no body: a DELETE has none, and that of a PATCH is not
// documented. A success with a body may come from a proxy, and proves nothing: read the resource. A
// page for people is not of AminoTV.
func (a *Adapter) change(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	req.Header = a.header
	var body upstream.Raw
	res, err := a.vendor.Write(ctx, req, &body)
	if err == nil && len(bytes.TrimSpace(body)) > 0 && !jsonx.IsBegunBy(body) {
		err = res.Complete(apierror.OutcomeUnknown(
			"Outcome unknown: AminoTV reported success to %s %s, but not in JSON"+mutation.RetryAdvice,
			req.Method, req.Path))
	}
	return res, err
}

func (a *Adapter) body(data any) upstream.Body {
	return upstream.JSON(map[string]any{"data": data}).As(a.config.ContentType)
}
