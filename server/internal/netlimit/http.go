package netlimit

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Times bound what one HTTP client may take.
type Times struct {
	Body  time.Duration // for the whole body of a request
	Write time.Duration // for each part of a response
	Age   time.Duration // of a connection; a request after that is the last one
	// Bodies ends when no body is waited for any longer. Reads of a body then fail with its cause.
	// Nil: never.
	Bodies context.Context
}

// part is how many bytes of a response must leave within Times.Write.
const part = 32 << 10

// Serve gives a server a handler that keeps these times. net/http's own bounds concern whole
// responses, and would cut long streams.
func (t Times) Serve(s *http.Server, next http.Handler) {
	s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, born{}, time.Now())
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		over, ok := c.(*tls.Conn)
		isHTTP2 := ok && over.ConnectionState().NegotiatedProtocol == "h2"
		if state == http.StateIdle && !isHTTP2 {
			_ = c.SetWriteDeadline(time.Time{}) // finish has set it for the last response
		}
	}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.serve(w, r, next) })
}

// born is the key of the time at which a connection began, in the context of its requests.
type born struct{}

func (t Times) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if began, ok := r.Context().Value(born{}).(time.Time); ok && time.Since(began) > t.Age {
		w.Header().Set("Connection", "close") // over HTTP/2 too, where it becomes GOAWAY
	}
	out := &writer{ResponseWriter: w, limit: t.Write, began: time.Now()}
	defer out.finish()
	if r.Body != http.NoBody {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(t.Body)) // also for the rest that nobody reads
		limited := *r
		in := &body{ReadCloser: r.Body, control: control, until: t.Bodies}
		if t.Bodies != nil {
			defer in.leave() // An interrupt that has begun can outlast the handler.
			defer context.AfterFunc(t.Bodies, in.interrupt)()
		}
		limited.Body = in
		r = &limited
	}
	next.ServeHTTP(out, r)
}

// A body is a request's body, which has a deadline until it ends. The call that follows has none.
type body struct {
	io.ReadCloser
	control *http.ResponseController
	until   context.Context

	mu    sync.Mutex
	ended bool // nobody reads it any more
}

// Read reads from the body.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.mu.Lock()
		defer b.mu.Unlock()
		b.ended = true
		_ = b.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded) && b.until != nil && b.until.Err() != nil:
		err = context.Cause(b.until)
	}
	return n, err
}

// interrupt ends the Read that blocks.
func (b *body) interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended { // Later, a deadline would end the call.
		_ = b.control.SetReadDeadline(time.Now())
	}
}

// leave keeps interrupt from the connection once the handler has returned. net/http's writer of a
// response over HTTP/2 panics then, and a connection over HTTP/1 may be at its next request.
func (b *body) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// A writer ends the response if the client does not read. Deadlines alone do not do: over HTTP/2,
// one would also end a stream that waits for its next row.
type writer struct {
	http.ResponseWriter
	limit   time.Duration
	began   time.Time
	size    int          // of what has been written
	writing atomic.Int64 // when the write in progress started, after began, or 0

	mu       sync.Mutex
	timer    *time.Timer // nil before the first write that may block
	finished bool
}

// Unwrap returns the writer for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// held is how many bytes of a response net/http keeps until the handler returns or flushes. It
// keeps 2 KB over HTTP/1, and more over HTTP/2. A write of no more cannot block, and needs no
// timer. finish bounds the rest.
const held = 2 << 10

// Write writes part by part, so that a client which reads slowly has time for each.
func (w *writer) Write(p []byte) (n int, err error) {
	if w.size += len(p); w.size <= held && w.timer == nil {
		return w.ResponseWriter.Write(p)
	}
	for {
		w.start()
		size := min(len(p)-n, part)
		written, err := w.ResponseWriter.Write(p[n : n+size])
		w.writing.Store(0)
		n += written
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// FlushError sends what has been written.
func (w *writer) FlushError() error {
	w.start()
	defer w.writing.Store(0)
	return w.control().Flush()
}

func (w *writer) start() {
	w.writing.Store(int64(time.Since(w.began)) + 1)
	if w.timer == nil { // Only the handler's goroutine writes, and only check reads it elsewhere.
		w.mu.Lock()
		defer w.mu.Unlock()
		w.timer = time.AfterFunc(w.limit, w.check)
	}
}

// check ends a response whose write takes too long.
func (w *writer) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.finished {
		return
	}
	next := w.limit
	if since := time.Duration(w.writing.Load()); since > 0 {
		if next = w.limit - (time.Since(w.began) - since); next <= 0 {
			_ = w.control().SetWriteDeadline(time.Now().Add(-time.Second))
			return
		}
	}
	w.timer.Reset(next)
}

// finish bounds the time for what net/http has yet to write.
func (w *writer) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished = true
	if w.timer != nil {
		w.timer.Stop()
	}
	_ = w.control().SetWriteDeadline(time.Now().Add(w.limit))
}

func (w *writer) control() *http.ResponseController {
	return http.NewResponseController(w.ResponseWriter)
}
