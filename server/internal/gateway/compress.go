package gateway

import (
	"compress/gzip"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// minCompressed is the size of the smallest body that is compressed, in bytes. A smaller one hardly
// shrinks.
const minCompressed = 1 << 10

// gzipLevel is for speed: it makes a page of licenses twenty times smaller, and a higher level only
// a little more.
const gzipLevel = 4

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzipLevel) // It fails only for a wrong level.
	return w
}}

// maxCompressing bounds how many responses are compressed at the same time. Each takes some 0.8 MB,
// and a client that reads slowly takes long. Further responses stay as they are.
const maxCompressing = 128

// slots holds one value for each response that is being compressed.
var slots = make(chan struct{}, maxCompressing)

// A compressor compresses a response with gzip if that is worth it and the client takes it. It
// keeps the beginning of a body until it knows the size, or until the handler flushes: then a
// stream has begun.
type compressor struct {
	http.ResponseWriter
	accepted encodings
	status   int    // 0 until the handler sets it
	kept     []byte // the beginning of the body, until decided
	decided  bool   // the header has been sent
	refused  bool   // the response stays as it is
	gzip     *gzip.Writer
}

func newCompressor(w http.ResponseWriter, r *http.Request) *compressor {
	return &compressor{ResponseWriter: w, accepted: acceptedEncodings(r.Header)}
}

// Unwrap returns the writer for http.ResponseController.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader sets the status. It sends the header unless the body decides about its compression.
func (c *compressor) WriteHeader(status int) {
	switch {
	case c.decided, status < http.StatusOK && status != http.StatusSwitchingProtocols:
		c.ResponseWriter.WriteHeader(status)
	case c.status == 0:
		c.status = status
		if !c.compressible() {
			c.begin(false)
		}
	}
}

// compressible reports whether the response may be compressed, whatever its size.
func (c *compressor) compressible() bool {
	h := c.Header()
	switch {
	case !c.accepted.gzip, c.refused, h.Get("Content-Encoding") != "", h.Get("Content-Range") != "":
		return false
	case c.status < http.StatusOK, c.status == http.StatusNoContent, c.status == http.StatusNotModified:
		return false
	}
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "json") ||
		strings.HasSuffix(media, "javascript") || strings.HasSuffix(media, "xml")
}

// byEncoding is the header Vary of a response without another reason to vary. Nobody changes it.
var byEncoding = []string{"Accept-Encoding"}

// begin sends the header and what is kept of the body.
func (c *compressor) begin(compress bool) {
	c.decided = true
	h := c.Header()
	switch vary := h["Vary"]; {
	case len(vary) == 0:
		h["Vary"] = byEncoding
	case !slices.Contains(vary, byEncoding[0]):
		h["Vary"] = append(vary, byEncoding[0])
	}
	if compress {
		c.startGzip()
	}
	c.ResponseWriter.WriteHeader(c.status)
	if kept := c.kept; len(kept) > 0 {
		c.kept = nil
		_, _ = c.Write(kept) // A writer that failed fails again at the next write.
	}
}

func (c *compressor) startGzip() {
	select {
	case slots <- struct{}{}:
	default:
		return
	}
	c.Header().Set("Content-Encoding", gzipName)
	c.Header().Del("Content-Length")
	c.gzip = gzipWriters.Get().(*gzip.Writer)
	c.gzip.Reset(c.ResponseWriter)
}

// Write writes a part of the body.
func (c *compressor) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	switch {
	case !c.decided && len(c.kept)+len(p) < minCompressed && c.accepted.plain:
		c.kept = append(c.kept, p...)
		return len(p), nil
	case !c.decided:
		c.begin(true)
	}
	if c.gzip != nil {
		return c.gzip.Write(p)
	}
	return c.ResponseWriter.Write(p)
}

// FlushError sends what has been written so far.
func (c *compressor) FlushError() error {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if !c.decided {
		c.begin(true)
	}
	if c.gzip != nil {
		if err := c.gzip.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// end completes the response. It is not called after a panic, so that a response that was cut looks
// cut.
func (c *compressor) end() {
	if c.status != 0 && !c.decided {
		c.begin(false)
	}
	if c.gzip != nil {
		_ = c.gzip.Close() // An error here means that the client has left.
	}
}

// release gives back what the compression took.
func (c *compressor) release() {
	if c.gzip != nil {
		c.gzip.Reset(nil)
		gzipWriters.Put(c.gzip)
		c.gzip = nil
		<-slots
	}
}

// keepPlain leaves a response uncompressed. It is for a response with a secret, as the size of a
// compressed one reveals how much of the secret is repeated beside it. There are names and texts
// that others choose (BREACH, CVE-2013-3587).
func keepPlain(w http.ResponseWriter) {
	for {
		switch u := w.(type) {
		case *compressor:
			u.refused = true
			return
		case interface{ Unwrap() http.ResponseWriter }:
			w = u.Unwrap()
		default:
			return
		}
	}
}
