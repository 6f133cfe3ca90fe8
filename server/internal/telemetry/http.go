package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// otherRoute is the label of every path that drmhub does not have.
const otherRoute = "_OTHER"

// A request is one request over HTTP. It is the context of the request and the writer of its
// response, too.
type request struct {
	context.Context
	http.ResponseWriter
	calls  *Calls // nil: nobody observes it
	id     string
	remote trace.SpanContext
	route  string
	status int // of the response; 0 until it is written
}

type requestKey struct{}

// Value returns the request itself for its key.
func (r *request) Value(key any) any {
	if key == (requestKey{}) {
		return r
	}
	return r.Context.Value(key)
}

// requestOf returns the request of a context, or one that nobody observes.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// SetRoute notes the route of the request of a context: a template or the path of a page, never the
// path of a resource.
func SetRoute(ctx context.Context, route string) { requestOf(ctx).route = route }

type httpKey struct {
	method, route, scheme string
	status                int
}

// HTTP returns a handler that gives each request and its response an id, and measures the time of
// the request.
func (c *Calls) HTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		one := &request{
			Context: r.Context(), ResponseWriter: w,
			calls: c, id: requestID(r.Header.Values(requestIDHeader)), route: otherRoute,
		}
		w.Header().Set(requestIDHeader, one.id)
		if c.off {
			next.ServeHTTP(w, r.WithContext(one))
			return
		}
		if len(r.Header.Values("Traceparent")) == 1 {
			one.remote = remoteSpan(propagation.HeaderCarrier(r.Header))
		}
		next.ServeHTTP(one, r.WithContext(one))
		k := httpKey{knownVerb(r.Method), one.route, "http", max(one.status, http.StatusOK)}
		if r.TLS != nil {
			k.scheme = "https"
		}
		c.requests.Record(one, time.Since(begun).Seconds(), c.routes.get(k, httpKey.attributes)...)
	})
}

func (k httpKey) attributes() []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.String("http.request.method", k.method), attribute.String("http.route", k.route),
		attribute.Int("http.response.status_code", k.status), attribute.String("url.scheme", k.scheme),
	}
	if k.status >= http.StatusInternalServerError {
		all = append(all, attribute.String("error.type", strconv.Itoa(k.status)))
	}
	return all
}

// knownVerb returns the method of a request, or one label for all that HTTP does not know.
func knownVerb(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return otherMethod
}

// WriteHeader writes the status, and notes it.
func (r *request) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer for http.ResponseController.
func (r *request) Unwrap() http.ResponseWriter { return r.ResponseWriter }
