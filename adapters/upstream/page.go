package upstream

import (
	"bytes"
	"io"
	"sync"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// maxPage is the size in bytes of the largest page that is held in memory.
const maxPage = 1 << 20

var pageBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// recycle lets another response use a buffer.
func recycle(buffer *bytes.Buffer) {
	buffer.Reset()
	pageBuffers.Put(buffer)
}

// decodePage reads a page into a buffer, and decodes it if it has the usual form and size. Otherwise it
// returns false, and all of the content again.
func decodePage(content io.Reader, buffer *bytes.Buffer, page jsonx.Page, maxBody int64) (again io.Reader, ok bool) {
	most := min(maxBody, maxPage)
	_, err := buffer.ReadFrom(io.LimitReader(content, most+1))
	if err != nil {
		content = failing{err}
	}
	if err == nil && int64(buffer.Len()) <= most {
		rest, setRows, cut := jsonx.CutRows(buffer.Bytes(), page)
		if cut && decodeJSON(rest, page, maxBody) == nil {
			setRows()
			return nil, true
		}
	}
	zero(page)
	return io.MultiReader(bytes.NewReader(buffer.Bytes()), content), false
}

// A failing reader has nothing but an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
