package upstream

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

const (
	maxDepth = jsonx.MaxDepth // nested arrays and objects in a response
	// The part of a body that is read without being decoded, for its text and to keep the
	// connection.
	drainSize = 64 << 10
)

// unreadable is the error of a complete response that cannot be decoded. excerpt is how it begins,
// unless it looks like JSON, which may contain secrets.
type unreadable struct {
	what, excerpt string
	misread       bool // the decoder says what
}

func (u *unreadable) Error() string { return u.what }

var (
	errTooLarge = errors.New("the response is too large")
	errTooDeep  = fmt.Errorf("it nests more than %d arrays and objects", maxDepth)
)

// Raw is the body of a response that is not JSON.
type Raw []byte

// readRaw reads a body of at most maxBody bytes.
func readRaw(resp *http.Response, into *Raw, maxBody int64) error {
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil && isCorrupt(err):
		return &unreadable{what: err.Error()}
	case err != nil:
		return err
	case int64(len(content)) > maxBody:
		return &unreadable{what: fmt.Sprintf("it is larger than %d bytes", maxBody)}
	}
	*into = content
	return nil
}

// decode zeroes into, and decodes one JSON value into it. It holds a response of a usual type in
// memory, unless the response is large. Anything else is decoded straight from the connection. Its
// error is an *unreadable, or the error that broke the connection.
func decode(resp *http.Response, into any, maxBody int64) error {
	if raw, ok := into.(*Raw); ok {
		return readRaw(resp, raw, maxBody)
	}
	zero(into) // An earlier attempt may have filled a part.
	content, kind := io.Reader(resp.Body), resp.Header.Get("Content-Type")
	mislabeled := kind != "" && !isJSON(kind)
	if mislabeled { // Many servers and proxies give JSON a wrong type, so the body decides.
		start, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		switch {
		case err != nil && !isCorrupt(err):
			return err
		case err != nil || !jsonx.IsBegunBy(start):
			return &unreadable{what: "expected JSON, got " + kind, excerpt: excerpt(start)}
		}
		content = io.MultiReader(bytes.NewReader(start), resp.Body)
	}
	if ok, isPage := jsonx.CanRead(into); ok {
		buffer := pageBuffers.Get().(*bytes.Buffer)
		defer recycle(buffer)
		maxSize := int64(maxObject)
		if isPage {
			maxSize = maxPage
		}
		if content, ok = readAtOnce(content, buffer, into, min(maxSize, maxBody)); ok {
			return nil
		}
	}
	err := decodeJSON(content, into, maxBody)
	if u, ok := errors.AsType[*unreadable](err); ok && mislabeled && u.misread {
		u.what = "expected JSON, got " + kind + ": " + u.what
	}
	return err
}

func zero(into any) { reflect.ValueOf(into).Elem().SetZero() }

// decodeJSON decodes one JSON value.
func decodeJSON(content io.Reader, into any, maxBody int64) error {
	body := &boundedReader{from: jsonx.Unmarked(content), left: maxBody}
	// UnmarshalRead refuses duplicate names and anything after the value.
	err := jsonx.UnmarshalRead(body, into)
	switch {
	case errors.Is(body.err, errTooLarge):
		return &unreadable{what: fmt.Sprintf("it is larger than %d bytes", maxBody)}
	case errors.Is(body.err, errTooDeep), isCorrupt(body.err):
		return &unreadable{what: body.err.Error()}
	case body.err != nil:
		return body.err
	case body.first == 0:
		return &unreadable{what: "expected JSON, got an empty body"}
	case err != nil:
		return &unreadable{what: err.Error(), misread: true}
	case body.first == 'n':
		return &unreadable{what: "expected JSON with content, got null"}
	}
	return nil
}

// isJSON reports whether a content type is JSON or based on it.
func isJSON(contentType string) bool {
	switch contentType {
	case "application/json", "application/json;charset=UTF-8", "application/json; charset=utf-8":
		return true // as most vendors write it
	}
	t, _, err := mime.ParseMediaType(contentType)
	return (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) &&
		(t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json"))
}

// isCorrupt reports whether a body could not be decompressed.
func isCorrupt(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}

// excerpt returns the beginning of a body for people to read, or "" if it looks like JSON.
func excerpt(body []byte) string {
	if jsonx.IsBegunBy(body) {
		return ""
	}
	return string(body)
}

// A boundedReader fails on a JSON body that is too long or nested too deep.
type boundedReader struct {
	from             io.Reader
	left             int64 // how many bytes may still follow
	depth            int
	inString, escape bool  // inside a string; after a backslash there
	first            byte  // the first byte that is not white space; 0 before it
	err              error // why reading ended, unless at the end of the body
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.err = errTooLarge
		return 0, b.err
	}
	if !b.scan(p[:n]) {
		b.err = errTooDeep
		return 0, b.err
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// scan follows the nesting in p, and reports whether it stays within maxDepth.
func (b *boundedReader) scan(p []byte) bool {
	if b.first == 0 {
		if t := bytes.TrimLeft(p, " \t\r\n"); len(t) > 0 {
			b.first = t[0]
		}
	}
	for _, ch := range p {
		switch {
		case b.escape:
			b.escape = false
		case b.inString:
			b.inString, b.escape = ch != '"', ch == '\\'
		case ch == '"':
			b.inString = true
		case ch == '{', ch == '[':
			if b.depth++; b.depth > maxDepth {
				return false
			}
		case ch == '}', ch == ']':
			b.depth--
		}
	}
	return true
}
