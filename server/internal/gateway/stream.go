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
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// streamLicensesPath is the rule of StreamLicenses.
const streamLicensesPath = "/v1/{parent=vendors/*/sites/*}/licenses:stream"

// flushAfter is the longest that a row waits to be flushed while the rows of its message are being
// written.
const flushAfter = 50 * time.Millisecond

// streamLicenses answers one License a line, as they come. A failure before the first row is an
// ordinary error; after it, the last line. A client that reads slowly slows the call down, and one
// that goes away ends it.
func (g *gateway) streamLicenses(w http.ResponseWriter, r *http.Request, params map[string]string) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	ctx, err := runtime.AnnotateContext(ctx, g.mux, r, pb.LicenseService_StreamLicenses_FullMethodName, runtime.WithHTTPPathPattern(streamLicensesPath))
	if err != nil {
		writeError(w, err)
		return
	}
	request := &pb.StreamLicensesRequest{Parent: params["parent"]}
	if err := runtime.PopulateQueryParameters(request, r.Form, utilities.NewDoubleArray(nil)); err != nil {
		writeError(w, err)
		return
	}
	stream, err := g.license.StreamLicenses(ctx, request)
	if err != nil {
		writeError(w, err)
		return
	}
	lines := newLines(w)
	for {
		message, err := stream.Recv()
		if err == nil {
			err = lines.write(message.GetLicenses(), stream.Header)
		}
		if err == nil {
			continue
		}
		if !lines.begun {
			header, _ := stream.Header()
			setAnswerHeaders(w, metadata.Join(header, stream.Trailer()))
		}
		lines.end(err)
		return
	}
}

// lines writes rows as newline-delimited JSON.
type lines struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool // a row has been written
	flushed time.Time
	row     []byte
}

func newLines(w http.ResponseWriter) *lines {
	control := http.NewResponseController(w)
	// A stream takes as long as it takes; where there are no deadlines to lift, that is well.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	return &lines{w: w, control: control}
}

// write writes the rows of one message and flushes them. The header is asked for before the first
// row.
func (l *lines) write(rows []*pb.License, header func() (metadata.MD, error)) error {
	if len(rows) == 0 {
		return nil
	}
	if !l.begun {
		md, _ := header() // it came with the row
		setAnswerHeaders(l.w, md)
		l.begin()
	}
	l.flushed = time.Now()
	for _, row := range rows {
		line, err := protojson.MarshalOptions{EmitUnpopulated: true}.MarshalAppend(l.row[:0], row)
		if err != nil {
			return err
		}
		l.row = append(line, '\n')
		if _, err := l.w.Write(l.row); err != nil {
			return err
		}
		if time.Since(l.flushed) >= flushAfter {
			l.flush()
		}
	}
	l.flush()
	return nil
}

func (l *lines) begin() {
	l.begun = true
	l.w.Header().Set("Content-Type", "application/x-ndjson")
	l.w.WriteHeader(http.StatusOK)
}

func (l *lines) flush() {
	_ = l.control.Flush() // where that is impossible, the rows come when the answer ends
	l.flushed = time.Now()
}

// end ends the answer: with what went wrong, or with nothing more.
func (l *lines) end(err error) {
	switch {
	case errors.Is(err, io.EOF) && !l.begun:
		l.begin()
	case errors.Is(err, io.EOF):
	case !l.begun:
		writeError(l.w, err)
	default:
		// to a client that has gone away, this comes too late anyway
		_, _ = l.w.Write(shape(resolve(err)))
	}
}
