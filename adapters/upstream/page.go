package upstream

import (
	"bytes"
	"io"
	"sync"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// The sizes in bytes of the largest responses that are held in memory.
const (
	maxPage   = 1 << 20  // with a list
	maxObject = 64 << 10 // without one
)

var pageBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// recycle lets another response use a buffer.
func recycle(buffer *bytes.Buffer) {
	buffer.Reset()
	pageBuffers.Put(buffer)
}

// readAtOnce reads a response of at most maxSize bytes into a buffer, and decodes it if it has the
// usual form. Otherwise it returns false, and all of the content again.
func readAtOnce(content io.Reader, buffer *bytes.Buffer, into any, maxSize int64) (again io.Reader, ok bool) {
	_, err := buffer.ReadFrom(io.LimitReader(content, maxSize+1))
	switch {
	case err != nil:
		content = failing{err}
	case int64(buffer.Len()) <= maxSize && jsonx.Read(buffer.Bytes(), into):
		return nil, true
	default:
		zero(into)
	}
	return io.MultiReader(bytes.NewReader(buffer.Bytes()), content), false
}

// A failing reader has nothing but an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
