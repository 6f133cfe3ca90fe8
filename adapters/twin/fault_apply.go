package twin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// endlessChunk is the size in bytes of each write of an endless body.
const endlessChunk = 32 << 10

// applyFault serves r as the fault says. The vendor's handler is that with the changes.
func (t *Twin) applyFault(f Fault, changes []Fault, w http.ResponseWriter, r *http.Request) {
	vendor := t.vendor
	for _, change := range changes {
		vendor = change.change(vendor)
	}
	if !pause(r.Context(), f.Delay) {
		panic(http.ErrAbortHandler) // The client is gone.
	}
	switch f.Kind {
	case "":
		vendor.ServeHTTP(w, r)
	case FaultAnswer:
		f.answer(w)
	case FaultReplace:
		run(vendor, r)
		f.answer(w)
	case FaultDelay:
		vendor.ServeHTTP(w, r)
	case FaultCut:
		panic(http.ErrAbortHandler)
	case FaultCutBody:
		run(vendor, r).sendHalfAndAbort(w)
	case FaultMalformed:
		run(vendor, r).sendHalfAsWhole(w)
	case FaultEndless:
		t.streamEndless(w, r)
	case FaultLoseAnswer:
		run(vendor, r)
		panic(http.ErrAbortHandler)
	}
}

// change returns the vendor's handler with this change.
func (f Fault) change(vendor http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pause(r.Context(), f.Delay) {
			panic(http.ErrAbortHandler) // The client is gone.
		}
		switch f.Kind {
		case FaultIgnore:
			vendor.ServeHTTP(w, without(r, f.Names))
		case FaultLastPage:
			lastPage(vendor, r, f.Names).send(w)
		case FaultRespell:
			held := run(vendor, r)
			held.respell(f.Spelling, f.Names)
			held.send(w)
		}
	})
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// answer sends the fault's own response.
func (f Fault) answer(w http.ResponseWriter) {
	if json.Valid([]byte(f.Body)) {
		w.Header().Set("Content-Type", "application/json")
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
	_, _ = io.WriteString(w, f.Body) // If it fails, the client is gone.
}

// streamEndless writes rows until the client disconnects.
func (t *Twin) streamEndless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	chunk := []byte(strings.Repeat(t.endlessRow, max(1, endlessChunk/len(t.endlessRow))))
	_, err := io.WriteString(w, t.endlessHead)
	for err == nil && r.Context().Err() == nil {
		_, err = w.Write(chunk)
	}
	panic(http.ErrAbortHandler)
}

// A heldAnswer is the vendor's real response before it is sent.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// run runs the vendor's handler, which takes effect, and holds the response back.
func run(vendor http.Handler, r *http.Request) *heldAnswer {
	held := &heldAnswer{header: http.Header{}}
	vendor.ServeHTTP(held, r)
	held.WriteHeader(http.StatusOK)
	return held
}

// Header returns the header to send.
func (a *heldAnswer) Header() http.Header { return a.header }

// WriteHeader keeps the first status given.
func (a *heldAnswer) WriteHeader(status int) { a.status = cmp.Or(a.status, status) }

// Write keeps a part of the body.
func (a *heldAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// send sends the response.
func (a *heldAnswer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.Header().Del("Content-Length")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // If it fails, the client is gone.
}

// sendHalfAndAbort announces the whole body, sends half of it, and cuts the connection.
func (a *heldAnswer) sendHalfAndAbort(w http.ResponseWriter) {
	if a.body.Len() == 0 {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
	_, err := w.Write(a.body.Bytes()[:a.body.Len()/2])
	if err == nil {
		_ = http.NewResponseController(w).Flush() // If it fails, the client is gone.
	}
	panic(http.ErrAbortHandler)
}

// sendHalfAsWhole sends half of the body as a complete response.
func (a *heldAnswer) sendHalfAsWhole(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.Header().Del("Content-Length")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()[:a.body.Len()/2]) // If it fails, the client is gone.
}
