package gateway

import (
	"context"
	"net/http"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/messagejson"
	"github.com/drmhub/drmhub/server/internal/redact"
	"github.com/drmhub/drmhub/server/internal/telemetry"
)

// A Conn is a connection to the services.
type Conn interface {
	grpc.ClientConnInterface
	// Do calls a unary method with this metadata. It returns the metadata that the handler set,
	// also with an error. Nobody may change the response.
	Do(ctx context.Context, method string, md metadata.MD, req proto.Message) (proto.Message, metadata.MD, error)
}

// serveCall serves a request that a route takes. params are the fields in the path.
func (g *gateway) serveCall(w http.ResponseWriter, r *http.Request, route *route, params params) {
	ctx := withPeer(r)
	telemetry.SetRoute(ctx, anyCall)
	ctx = telemetry.BeginREST(ctx, route.FullMethod(), params.of(route.Resource))
	// A form of a web page sends other types. It is refused before anybody asks for the caller.
	if route.HTTP.Method != http.MethodGet && r.Header.Get("Content-Type") != "" {
		if err := checkMediaType(r.Header); err != nil {
			fail(ctx, w, err)
			return
		}
	}
	s := &spelling{route: route, keyed: r.Header.Get(idempotencyKey) != ""}
	ctx, err := g.authorized(ctx, r, route, params)
	var request proto.Message
	if err == nil {
		request, err = g.read(w, r, params, s)
	}
	var form *table
	if err == nil {
		form, err = negotiated(w, r, route.FullMethod())
	}
	if err != nil {
		fail(ctx, w, err)
		return
	}
	ctx, cancel := withDeadline(ctx, r.Header)
	defer cancel()
	c := &call{w: w, md: metadataOf(r.Header), request: request, spelling: s, form: form}
	if stream := g.streams[route.FullMethod()]; stream != nil {
		stream(ctx, c)
		return
	}
	g.serveUnary(ctx, c)
}

// A call is a request that was read and may be made.
type call struct {
	w        http.ResponseWriter
	md       metadata.MD
	request  proto.Message
	spelling *spelling
	form     *table // of the response; nil: JSON
}

// serveUnary makes a call, and writes its response.
func (g *gateway) serveUnary(ctx context.Context, c *call) {
	res, md, err := g.conn.Do(ctx, c.spelling.route.FullMethod(), c.md, c.request)
	if err != nil {
		telemetry.Fail(ctx, err)
		setResponseHeaders(c.w, md)
		writeError(c.w, c.spelling.reword(apierror.Convert(err)))
		return
	}
	if redact.Has(res) {
		keepPlain(c.w)
	}
	setResponseHeaders(c.w, md)
	h := c.w.Header()
	if invoice, ok := res.(*pb.ReconcileInvoiceResponse); ok && c.form != nil {
		h.Set("Content-Type", tableType)
		h.Set("Content-Disposition", c.form.disposition())
		writeBody(c.w, c.form.ofInvoice(invoice))
		return
	}
	h["Content-Type"] = asJSON
	err = messagejson.Use(c.spelling.rewordItems(res), func(text []byte) { writeBody(c.w, text) })
	if err != nil {
		telemetry.Fail(ctx, err)
		writeError(c.w, c.spelling.reword(apierror.Convert(err)))
	}
}

func writeBody(w http.ResponseWriter, body []byte) {
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body) // An error here means that the client has left.
}

// authorized returns the context of a caller who may make the call now, or the context so far and
// the error.
func (g *gateway) authorized(
	ctx context.Context, r *http.Request, route *route, params params,
) (context.Context, error) {
	method := route.FullMethod()
	ctx, err := g.identified(ctx, r, method)
	if err != nil {
		return ctx, err
	}
	if g.admit != nil { // A caller who calls too fast is refused before the request is read.
		admitted, err := g.admit(ctx, method, params.of("parent"))
		if err != nil {
			return ctx, err
		}
		ctx = admitted
	}
	if g.permit != nil {
		err = g.permit(ctx, method, params.of(route.Resource))
	}
	return ctx, err
}
