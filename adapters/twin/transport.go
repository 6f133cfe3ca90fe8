package twin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxHeld is the number of bytes of a response that are held back before it is sent. So a handler
// that aborts early has sent nothing, as with net/http.
const maxHeld = 4 << 10

// Transport returns a transport that serves handler in process, without a socket. A client sees
// what it would see over TCP:
//   - The body is streamed.
//   - If the handler aborts, the call fails, or reading the body if a part of it was sent.
//   - The handler's context ends with the client's, or when the client closes the body.
//
// Unlike http.Transport, it never repeats a request.
func Transport(handler http.Handler) http.RoundTripper { return transport{handler} }

type transport struct{ handler http.Handler }

// RoundTrip runs the handler in its own goroutine and returns when the response begins.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	if req.Context().Err() != nil {
		_ = body.Close()
		return nil, context.Cause(req.Context())
	}
	served, err := serverRequest(req, body)
	if err != nil {
		_ = body.Close()
		return nil, err
	}
	// The context is new, because a server never sees the values of its client's context.
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	e := &exchange{
		request: req, header: http.Header{}, reader: reader, writer: writer, cancel: cancel,
		answer: make(chan *http.Response, 1), failure: make(chan error, 1),
	}
	stop := context.AfterFunc(req.Context(), func() {
		// It comes before cancel, so that the client reads this error and not that of the handler.
		_ = writer.CloseWithError(context.Cause(req.Context()))
		cancel()
	})
	go func() {
		err := serve(t.handler, e, served.WithContext(ctx))
		_ = body.Close()
		e.finish(err)
		stop()
		cancel()
	}()
	select {
	case response := <-e.answer:
		return response, nil
	case err := <-e.failure:
		return nil, err
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
}

// serverRequest returns req as a server would see it.
func serverRequest(req *http.Request, body io.ReadCloser) (*http.Request, error) {
	uri := req.URL.RequestURI()
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, fmt.Errorf("the request's URL cannot be sent: %w", err)
	}
	host, method := req.Host, req.Method
	if host == "" {
		host = req.URL.Host
	}
	if method == "" {
		method = http.MethodGet
	}
	header := req.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Request{
		Method: method, URL: u, RequestURI: uri, Host: host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: body, ContentLength: req.ContentLength, TransferEncoding: req.TransferEncoding, RemoteAddr: "in-process",
	}, nil
}

// serve runs the handler. It returns a panic as the error for the client.
func serve(handler http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = io.ErrUnexpectedEOF
		default:
			err = fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	handler.ServeHTTP(w, r)
	return nil
}

// An exchange is the handler's side of one request. It is an http.ResponseWriter.
type exchange struct {
	request *http.Request
	header  http.Header
	reader  *io.PipeReader
	writer  *io.PipeWriter
	cancel  context.CancelFunc
	answer  chan *http.Response
	failure chan error

	status    int
	sent      http.Header // The header at the time of WriteHeader.
	held      []byte
	streaming bool
}

// Header returns the header to send.
func (e *exchange) Header() http.Header { return e.header }

// WriteHeader fixes the status and the header.
func (e *exchange) WriteHeader(status int) {
	if e.status == 0 {
		e.status, e.sent = status, e.header.Clone()
	}
}

// Write holds the first bytes back and streams the rest.
func (e *exchange) Write(p []byte) (int, error) {
	e.WriteHeader(http.StatusOK)
	if e.request.Method == http.MethodHead {
		return len(p), nil
	}
	if !e.streaming && len(e.held)+len(p) <= maxHeld {
		e.held = append(e.held, p...)
		return len(p), nil
	}
	if !e.streaming && len(e.held) == 0 {
		e.sniff(p)
	}
	if err := e.FlushError(); err != nil {
		return 0, err
	}
	return e.writer.Write(p)
}

// FlushError sends what is held back, and streams the rest. http.ResponseController calls it.
func (e *exchange) FlushError() error {
	e.WriteHeader(http.StatusOK)
	if e.streaming {
		return nil
	}
	e.streaming = true
	e.sniff(e.held)
	e.respond(streamedBody{e.reader, e.cancel}, -1)
	if len(e.held) == 0 {
		return nil // A pipe would wait for a reader even for an empty write.
	}
	_, err := e.writer.Write(e.held)
	return err
}

// Flush is FlushError for users of http.Flusher.
func (e *exchange) Flush() { _ = e.FlushError() }

// finish ends the response. An err that is not nil becomes the client's error.
func (e *exchange) finish(err error) {
	switch {
	case e.streaming:
		_ = e.writer.CloseWithError(err) // Nil is a regular end.
	case err != nil:
		e.failure <- err
	default:
		e.WriteHeader(http.StatusOK)
		e.sniff(e.held)
		e.respond(io.NopCloser(bytes.NewReader(e.held)), int64(len(e.held)))
	}
}

// sniff sets the content type if the handler did not.
func (e *exchange) sniff(start []byte) {
	if _, given := e.sent["Content-Type"]; !given && len(start) > 0 {
		e.sent.Set("Content-Type", http.DetectContentType(start))
	}
}

// respond passes the response to RoundTrip.
func (e *exchange) respond(body io.ReadCloser, length int64) {
	if given, err := strconv.ParseInt(e.sent.Get("Content-Length"), 10, 64); err == nil {
		length = given
	} else if length >= 0 {
		e.sent.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	if e.sent.Get("Date") == "" {
		e.sent.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	e.answer <- &http.Response{
		Status:     fmt.Sprintf("%d %s", e.status, http.StatusText(e.status)),
		StatusCode: e.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: e.sent, Body: body, ContentLength: length, Request: e.request,
	}
}

// A streamedBody is the client's side of a streamed response. Closing it is like a disconnect over
// TCP.
type streamedBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close cancels the handler's context and fails its writes.
func (b streamedBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
