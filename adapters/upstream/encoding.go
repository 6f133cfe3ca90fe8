package upstream

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// uncompress makes the body of a response readable, whatever its encoding. Some servers compress without
// a header, use another name, name an encoding that the body does not have, or compress twice.
// uncompress returns the name of an encoding that drmhub cannot read.
func uncompress(resp *http.Response) (unknown string) {
	header := strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ","))
	body := io.Reader(resp.Body)
	for i, encodings := 0, strings.Split(header, ","); i < len(encodings); i++ {
		encoding := strings.TrimSpace(encodings[len(encodings)-1-i]) // The last one was applied last.
		switch encoding {
		case "", "identity", "gzip", "x-gzip", "deflate":
			body = &plainReader{body: body, deflate: encoding == "deflate"}
		default:
			return header
		}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return ""
}

// A plainReader reads a body that may be compressed. It looks at the body's first bytes: no JSON starts
// as gzip, zlib or zstd does.
type plainReader struct {
	body    io.Reader
	deflate bool
	plain   io.Reader // nil before the first read
	err     error     // why the body cannot be read
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
	body := bufio.NewReader(p.body)
	start, _ := body.Peek(4) // The next read returns its error.
	switch {
	case bytes.Equal(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return &unreadable{what: `its body is compressed as "zstd", which drmhub cannot read`}
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		unzipped, err := gzip.NewReader(body)
		p.plain = unzipped
		return err
	case isZlib(start): // RFC 9110 demands it of deflate.
		_, _ = body.Discard(2)
	case !p.deflate || len(start) < 2 || start[0] == '{' || start[0] == '[':
		p.plain = body
		return nil
	}
	p.plain = flate.NewReader(body)
	return nil
}

// isZlib reports whether a body starts as zlib does at any of its usual levels.
func isZlib(start []byte) bool {
	return len(start) >= 2 && start[0] == 0x78 && bytes.IndexByte([]byte{0x01, 0x5e, 0x9c, 0xda}, start[1]) >= 0
}
