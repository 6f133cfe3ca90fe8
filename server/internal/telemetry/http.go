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

// A request is one request over HTTP.
type request struct {
	calls  *Calls // nil: nobody observes it
	id     string
	remote trace.SpanContext
	route  string
}

type requestKey struct{}

// requestOf returns the request of a context, or one that nobody observes.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// SetRoute notes the route of the request of a context: a template or the path of a page, never the path of a
// resource.
func SetRoute(ctx context.Context, route string) { requestOf(ctx).route = route }

type httpKey struct {
	method, route, scheme string
	status                int
}

// HTTP returns a handler that gives each request and its response an id, and measures the time of the request.
func (c *Calls) HTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		one := &request{calls: c, id: requestID(r.Header.Values(requestIDHeader)), route: otherRoute}
		w.Header().Set(requestIDHeader, one.id)
		ctx := context.WithValue(r.Context(), requestKey{}, one)
		if c.off {
			next.ServeHTTP(w, r.WithContext(ctx))
			return
		}
		if len(r.Header.Values("Traceparent")) == 1 {
			one.remote = remoteSpan(propagation.HeaderCarrier(r.Header))
		}
		noted := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(noted, r.WithContext(ctx))
		k := httpKey{knownVerb(r.Method), one.route, "http", max(noted.status, http.StatusOK)}
		if r.TLS != nil {
			k.scheme = "https"
		}
		c.requests.Record(ctx, time.Since(begun).Seconds(), c.routes.get(k, httpKey.attributes)...)
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

// A statusWriter notes the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int // 0 until it is written
}

// WriteHeader writes the status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
