package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc/metadata"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// streamLicensesPath is the rule of StreamLicenses.
const streamLicensesPath = "/v1/{parent=vendors/*/sites/*}/licenses:stream"

// maxFlushDelay bounds how long a row waits to be flushed while later rows of its message are written.
const maxFlushDelay = 50 * time.Millisecond

// streamLicenses writes one License a line as it arrives. A failure before the first row is an ordinary
// error. A later failure is the last line. A client that reads slowly slows the call down, and a
// client that leaves ends it.
func (g *gateway) streamLicenses(w http.ResponseWriter, r *http.Request, params map[string]string) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	ctx, err := runtime.AnnotateContext(ctx, g.mux, r, pb.LicenseService_StreamLicenses_FullMethodName,
		runtime.WithHTTPPathPattern(streamLicensesPath))
	if err != nil {
		fail(w, r, err)
		return
	}
	request := &pb.StreamLicensesRequest{Parent: params["parent"]}
	if err := runtime.PopulateQueryParameters(request, r.Form, utilities.NewDoubleArray(nil)); err != nil {
		fail(w, r, err)
		return
	}
	stream, err := g.license.StreamLicenses(ctx, request)
	if err != nil {
		fail(w, r, err)
		return
	}
	lines := newLines(w)
	_, head := w.(headOnly)
	for {
		message, err := stream.Recv()
		if err == nil {
			err = lines.write(message.GetLicenses(), stream.Header)
		}
		if head && lines.began {
			return // The rest of the stream would only be thrown away.
		}
		if err == nil {
			continue
		}
		if !lines.began {
			header, _ := stream.Header()
			setResponseHeaders(w, metadata.Join(header, stream.Trailer()))
		}
		if !errors.Is(err, io.EOF) {
			err = reworded(ctx, err)
		}
		lines.end(err)
		return
	}
}

// lines writes rows as newline-delimited JSON.
type lines struct {
	w       http.ResponseWriter
	control *http.ResponseController
	began   bool // a row has been written
	flushed time.Time
	row     []byte
}

func newLines(w http.ResponseWriter) *lines {
	control := http.NewResponseController(w)
	// A stream may take long, so it has no deadlines. Not every ResponseWriter supports them.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	return &lines{w: w, control: control}
}

// write writes and flushes the rows of a message. It calls header before the first row.
func (l *lines) write(rows []*pb.License, header func() (metadata.MD, error)) error {
	if len(rows) == 0 {
		return nil
	}
	if !l.began {
		md, _ := header() // It arrived with the row.
		setResponseHeaders(l.w, md)
		l.begin()
	}
	l.flushed = time.Now()
	for _, row := range rows {
		line, err := AppendJSON(l.row[:0], row)
		if err != nil {
			return err
		}
		l.row = append(line, '\n')
		if _, err := l.w.Write(l.row); err != nil {
			return err
		}
		if time.Since(l.flushed) >= maxFlushDelay {
			l.flush()
		}
	}
	l.flush()
	return nil
}

func (l *lines) begin() {
	l.began = true
	l.w.Header().Set("Content-Type", "application/x-ndjson")
	l.w.WriteHeader(http.StatusOK)
}

func (l *lines) flush() {
	_ = l.control.Flush() // If that fails, the rows leave when the response ends.
	l.flushed = time.Now()
}

// end ends the response, with the error unless err is io.EOF.
func (l *lines) end(err error) {
	switch {
	case errors.Is(err, io.EOF) && !l.began:
		l.begin()
	case errors.Is(err, io.EOF):
	case !l.began:
		writeError(l.w, err)
	default:
		// An error here means that the client has left.
		_, _ = l.w.Write(shape(resolve(err)))
	}
}
