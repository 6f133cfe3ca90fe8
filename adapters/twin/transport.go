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

// heldBytes is how much of an answer is held back before it is sent, so that a handler that aborts
// early has sent nothing: net/http does the same.
const heldBytes = 4 << 10

// Transport serves handler in process: an http.Client that uses it needs no socket. What a client
// sees is what it would see over TCP: an aborted handler is an error of the call, or of reading the
// body once a part of it was sent; the body is streamed; the handler's context ends with the
// client's, or when the client closes the body. Unlike http.Transport it never repeats a request.
func Transport(handler http.Handler) http.RoundTripper { return transport{handler} }

type transport struct{ handler http.Handler }

// RoundTrip runs the handler beside the caller and returns as soon as the answer begins.
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
	// A context of its own: a server never sees the values of its client's.
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	e := &exchange{
		request: req, header: http.Header{}, reader: reader, writer: writer, cancel: cancel,
		answer: make(chan *http.Response, 1), failure: make(chan error, 1),
	}
	stop := context.AfterFunc(req.Context(), func() {
		// first, or the handler's end would be what the client reads
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

// serverRequest is req as a server would see it.
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

// serve runs the handler; a panic is the error that the client is to see.
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

// exchange is the handler's side of one request: an http.ResponseWriter.
type exchange struct {
	request *http.Request
	header  http.Header
	reader  *io.PipeReader
	writer  *io.PipeWriter
	cancel  context.CancelFunc
	answer  chan *http.Response
	failure chan error

	status    int
	sent      http.Header // the header as it was when the status was given
	held      []byte
	streaming bool
}

// Header is the header to be sent.
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
	if !e.streaming && len(e.held)+len(p) <= heldBytes {
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

// FlushError sends what is held back, and streams from then on. http.ResponseController calls it.
func (e *exchange) FlushError() error {
	e.WriteHeader(http.StatusOK)
	if e.streaming {
		return nil
	}
	e.streaming = true
	e.sniff(e.held)
	e.respond(streamedBody{e.reader, e.cancel}, -1)
	if len(e.held) == 0 {
		return nil // a pipe would wait for a reader even with nothing to give it
	}
	_, err := e.writer.Write(e.held)
	return err
}

// Flush is FlushError for those who ask for an http.Flusher.
func (e *exchange) Flush() { _ = e.FlushError() }

// finish ends the answer: with err as the client's error where there is one.
func (e *exchange) finish(err error) {
	switch {
	case e.streaming:
		_ = e.writer.CloseWithError(err) // nil is a regular end
	case err != nil:
		e.failure <- err
	default:
		e.WriteHeader(http.StatusOK)
		e.sniff(e.held)
		e.respond(io.NopCloser(bytes.NewReader(e.held)), int64(len(e.held)))
	}
}

// sniff gives the answer a content type where the handler gave none.
func (e *exchange) sniff(start []byte) {
	if _, given := e.sent["Content-Type"]; !given && len(start) > 0 {
		e.sent.Set("Content-Type", http.DetectContentType(start))
	}
}

// respond hands the answer to RoundTrip.
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

// streamedBody is the client's side of a streamed answer. Closing it is what going away is over
// TCP.
type streamedBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close ends the handler's context and fails its writes.
func (b streamedBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
