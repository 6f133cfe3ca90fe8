package gateway_test

import (
	"bytes"
	"cmp"
	"net/http"
)

// recorded is an http.ResponseWriter in memory.
type recorded struct {
	status  int
	header  http.Header
	body    bytes.Buffer
	flushes int
	onWrite func(*recorded)
}

// record serves a request of a program on this machine, unless the request names another host.
func record(h http.Handler, r *http.Request) *recorded {
	r.Host = cmp.Or(r.Host, "localhost")
	w := &recorded{header: http.Header{}}
	h.ServeHTTP(w, r)
	return w
}

func (w *recorded) Header() http.Header { return w.header }

func (w *recorded) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorded) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.onWrite != nil {
		w.onWrite(w)
	}
	return w.body.Write(p)
}

func (w *recorded) Flush() { w.flushes++ }
