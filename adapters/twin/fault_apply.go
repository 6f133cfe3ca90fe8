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

// endlessChunk is how much of an endless body is written at once, in bytes.
const endlessChunk = 32 << 10

// applyFault does to r what the fault says.
func (t *Twin) applyFault(f Fault, w http.ResponseWriter, r *http.Request) {
	if !pause(r.Context(), f.Delay) {
		panic(http.ErrAbortHandler) // the client has gone away
	}
	switch f.Kind {
	case FaultAnswer:
		f.answer(w)
	case FaultReplace:
		t.run(r)
		f.answer(w)
	case FaultDelay:
		t.vendor.ServeHTTP(w, r)
	case FaultCut:
		panic(http.ErrAbortHandler)
	case FaultCutBody:
		t.run(r).sendHalfAndAbort(w)
	case FaultMalformed:
		t.run(r).sendHalfAsWhole(w)
	case FaultEndless:
		t.streamForever(w, r)
	case FaultLoseAnswer:
		t.run(r)
		panic(http.ErrAbortHandler)
	}
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

// answer sends the fault's own answer.
func (f Fault) answer(w http.ResponseWriter) {
	if json.Valid([]byte(f.Body)) {
		w.Header().Set("Content-Type", "application/json")
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
	_, _ = io.WriteString(w, f.Body) // a client that has gone away misses nothing
}

// streamForever writes rows until the client goes away.
func (t *Twin) streamForever(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	chunk := []byte(strings.Repeat(t.endlessRow, max(1, endlessChunk/len(t.endlessRow))))
	_, err := io.WriteString(w, t.endlessHead)
	for err == nil && r.Context().Err() == nil {
		_, err = w.Write(chunk)
	}
	panic(http.ErrAbortHandler)
}

// heldAnswer is the vendor's real answer, not sent yet.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// run lets the vendor's handler answer, and take effect, without sending anything.
func (t *Twin) run(r *http.Request) *heldAnswer {
	held := &heldAnswer{header: http.Header{}}
	t.vendor.ServeHTTP(held, r)
	held.WriteHeader(http.StatusOK)
	return held
}

// Header is the header to be sent.
func (a *heldAnswer) Header() http.Header { return a.header }

// WriteHeader keeps the first status given.
func (a *heldAnswer) WriteHeader(status int) { a.status = cmp.Or(a.status, status) }

// Write keeps a part of the body.
func (a *heldAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// sendHalfAndAbort announces the whole body, sends half of it and cuts the connection.
func (a *heldAnswer) sendHalfAndAbort(w http.ResponseWriter) {
	if a.body.Len() == 0 {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
	_, err := w.Write(a.body.Bytes()[:a.body.Len()/2])
	if err == nil {
		_ = http.NewResponseController(w).Flush() // if it fails the client has gone away
	}
	panic(http.ErrAbortHandler)
}

// sendHalfAsWhole sends half of the body as a complete HTTP answer.
func (a *heldAnswer) sendHalfAsWhole(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.Header().Del("Content-Length")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()[:a.body.Len()/2]) // a client that has gone away misses nothing
}
