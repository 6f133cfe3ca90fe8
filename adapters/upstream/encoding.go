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

// uncompress makes the body of a response readable, whatever its encoding. net/http decompresses gzip
// only under its own name. Some servers compress without a header, or use another name. uncompress
// returns the name of an encoding that drmhub cannot read.
func uncompress(resp *http.Response) (unknown string) {
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	switch encoding {
	case "", "identity", "gzip", "x-gzip", "deflate":
	default:
		return encoding
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{&plainReader{body: resp.Body, deflate: encoding == "deflate"}, resp.Body}
	return ""
}

// A plainReader reads a body that may be compressed. It looks at the body's first bytes: no JSON starts
// as gzip does.
type plainReader struct {
	body    io.Reader
	deflate bool
	plain   io.Reader // nil before the first read
}

func (p *plainReader) Read(b []byte) (int, error) {
	if p.plain == nil {
		if err := p.open(); err != nil {
			return 0, err
		}
	}
	return p.plain.Read(b)
}

func (p *plainReader) open() (err error) {
	body := bufio.NewReader(p.body)
	start, _ := body.Peek(2) // The next read returns its error.
	switch {
	case bytes.Equal(start, []byte{0x1f, 0x8b}):
		p.plain, err = gzip.NewReader(body)
		return err
	case !p.deflate || len(start) < 2:
		p.plain = body
		return nil
	case start[0]&0x0f == 8 && (int(start[0])<<8|int(start[1]))%31 == 0: // zlib, as RFC 9110 demands
		_, _ = body.Discard(2)
	}
	p.plain = flate.NewReader(body)
	return nil
}
