package upstream

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// uncompress makes the body of a response readable, whatever its encoding. Some servers compress
// without a header, use another name, name an encoding that the body does not have, or compress
// twice. uncompress returns the name of an encoding that drmhub cannot read.
func uncompress(resp *http.Response) (unknown string) {
	header := strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ","))
	body := resp.Body
	for rest, more := header, true; more; {
		var encoding string
		rest, encoding, more = cutLast(rest) // The last one was applied last.
		switch encoding {
		case "", "identity", "gzip", "x-gzip", "deflate":
			body = &plainReader{body: body, deflate: encoding == "deflate", Closer: resp.Body}
		default:
			return header
		}
	}
	resp.Body = body
	return ""
}

// cutLast returns what is before and after the last comma of a header, and whether there is one.
func cutLast(header string) (before, after string, found bool) {
	i := strings.LastIndexByte(header, ',')
	return header[:max(i, 0)], strings.TrimSpace(header[i+1:]), i >= 0
}

// A plainReader reads a body that may be compressed. It looks at the body's first bytes: no JSON
// starts as gzip, zlib or zstd does.
type plainReader struct {
	io.Closer // of the body
	body      io.Reader
	deflate   bool
	plain     io.Reader // nil before the first read
	err       error     // why the body cannot be read
	begun     begunReader
}

func (p *plainReader) Read(b []byte) (int, error) {
	if p.plain == nil && p.err == nil {
		p.err = p.open()
	}
	if p.err != nil {
		return 0, p.err
	}
	return p.plain.Read(b)
}

func (p *plainReader) open() error {
	body := &p.begun
	body.begin(p.body)
	switch start := body.start; {
	case bytes.Equal(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return &unreadable{what: `its body is compressed as "zstd", which drmhub cannot read`}
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		unzipped, err := gzip.NewReader(body)
		p.plain = unzipped
		return err
	case isZlib(start): // RFC 9110 demands it of deflate.
		body.start = start[2:]
	case !p.deflate || len(start) < 2 || start[0] == '{' || start[0] == '[':
		p.plain = body
		return nil
	}
	p.plain = flate.NewReader(body)
	return nil
}

// A begunReader reads a body whose first bytes have been read. A bufio.Reader would copy all of the
// body, and need a buffer for each.
type begunReader struct {
	first [4]byte
	start []byte // those of the first bytes that nobody has read yet
	rest  io.Reader
	err   error // of reading the first bytes
}

// begin reads the first bytes of a body. The first Read after them returns its error.
func (r *begunReader) begin(body io.Reader) {
	r.rest = body
	for n := 0; n < len(r.first) && r.err == nil; r.start = r.first[:n] {
		var more int
		more, r.err = body.Read(r.first[n:])
		n += more
	}
}

// Read reads from the body.
func (r *begunReader) Read(b []byte) (int, error) {
	n := copy(b, r.start)
	r.start = r.start[n:]
	if n == len(b) || len(r.start) > 0 {
		return n, nil
	}
	if r.err != nil {
		return n, r.err
	}
	more, err := r.rest.Read(b[n:])
	return n + more, err
}

// isZlib reports whether a body starts as zlib does at any of its usual levels.
func isZlib(start []byte) bool {
	return len(start) >= 2 && start[0] == 0x78 && bytes.IndexByte([]byte{0x01, 0x5e, 0x9c, 0xda}, start[1]) >= 0
}
