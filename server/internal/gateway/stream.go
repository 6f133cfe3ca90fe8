package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/messagejson"
)

// maxFlushDelay bounds how long a row waits to be flushed while later rows of its message are
// written.
const maxFlushDelay = 50 * time.Millisecond

// A licenseStream is a client of a stream of licenses.
type licenseStream[Message any] interface {
	*Message
	GetLicenses() []*pb.License
}

// streams returns what serves the streams, by full method name.
func streams(conn grpc.ClientConnInterface) map[string]func(context.Context, *call) {
	return map[string]func(context.Context, *call){
		pb.LicenseService_StreamLicenses_FullMethodName: streamRows(pb.NewLicenseServiceClient(conn).StreamLicenses),
		pb.ArchiveService_ExportLicenses_FullMethodName: streamRows(pb.NewArchiveServiceClient(conn).ExportLicenses),
	}
}

// streamRows returns what serves a stream of licenses, and writes one License a line as it arrives.
// A failure before the first row is an ordinary error. A later failure is the last line. A client
// that reads slowly slows the call down, and a client that leaves ends it.
func streamRows[Request proto.Message, Message any, M licenseStream[Message]](
	open func(context.Context, Request, ...grpc.CallOption) (grpc.ServerStreamingClient[Message], error),
) func(context.Context, *call) {
	return func(ctx context.Context, c *call) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := open(metadata.NewOutgoingContext(ctx, c.md), c.request.(Request))
		if err != nil {
			fail(ctx, c.w, err)
			return
		}
		copyRows[Message, M](c.spelling, newLines(c.w, formatOf(c.form)), stream)
	}
}

// copyRows writes the rows of a stream until it ends.
func copyRows[Message any, M licenseStream[Message]](
	s *spelling, lines *lines, stream grpc.ServerStreamingClient[Message],
) {
	_, head := lines.w.(headOnly)
	for {
		message, err := stream.Recv()
		if err == nil {
			lines.noteCoverage(message)
			err = lines.write(M(message).GetLicenses(), stream.Header)
		}
		if head && lines.began {
			return // The rest of the stream would only be thrown away.
		}
		if err == nil {
			continue
		}
		if !lines.began {
			header, _ := stream.Header()
			setResponseHeaders(lines.w, metadata.Join(header, stream.Trailer()))
		}
		if !errors.Is(err, io.EOF) {
			err = s.reword(apierror.Convert(err))
		}
		lines.end(err)
		return
	}
}

// coverageHeader is the header that says whether an export has all rows of its period.
const coverageHeader = "Drmhub-Coverage"

// noteCoverage sets the header of an export that says whether the archive is complete for it. The
// rows have no place for that.
func (l *lines) noteCoverage(message any) {
	m, ok := message.(interface {
		GetCoverage() []*pb.Coverage
		GetUnreachable() []string
	})
	if !ok || l.noted {
		return
	}
	l.noted = true
	coverage := "complete"
	for _, c := range m.GetCoverage() {
		if !c.GetComplete() {
			coverage = "incomplete"
		}
	}
	if len(m.GetUnreachable()) > 0 {
		coverage = "incomplete"
	}
	l.w.Header().Set(coverageHeader, coverage)
}

// A rowFormat is how rows become lines.
type rowFormat struct {
	mediaType   string
	disposition string // the header Content-Disposition, or ""
	first       []byte // the line above the rows
	appendRow   func(to []byte, row proto.Message) ([]byte, error)
	appendError func(to []byte, err error) []byte
}

// jsonLines is newline-delimited JSON.
var jsonLines = rowFormat{
	mediaType: ndjson,
	appendRow: func(to []byte, row proto.Message) ([]byte, error) {
		line, err := messagejson.Append(to, row)
		return append(line, '\n'), err
	},
	appendError: func(to []byte, err error) []byte { return append(to, shape(resolve(err))...) },
}

// lines writes rows as lines.
type lines struct {
	w       http.ResponseWriter
	format  rowFormat
	control *http.ResponseController
	noted   bool // the coverage is in the header
	began   bool // a row has been written
	flushed time.Time
	row     []byte
}

func newLines(w http.ResponseWriter, format rowFormat) *lines {
	control := http.NewResponseController(w)
	// A stream may take long, so it has no deadlines. Not every ResponseWriter supports them.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	return &lines{w: w, format: format, control: control}
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
		line, err := l.format.appendRow(l.row[:0], row)
		if err != nil {
			return err
		}
		l.row = line
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
	l.w.Header().Set("Content-Type", l.format.mediaType)
	if l.format.disposition != "" {
		l.w.Header().Set("Content-Disposition", l.format.disposition)
	}
	l.w.WriteHeader(http.StatusOK)
	_, _ = l.w.Write(l.format.first) // The next write fails, too.
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
		l.w.Header().Del(coverageHeader)
		writeError(l.w, err)
	default:
		// An error here means that the client has left.
		_, _ = l.w.Write(l.format.appendError(nil, err))
	}
}
