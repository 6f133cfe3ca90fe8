package wiretest

import (
	"io"
	"net/http"
	"strings"
)

// Prepared is a transport for benchmarks, where Server would keep every request. It returns the
// same JSON for every request.
type Prepared struct {
	JSON string
	// FirstPage is the query parameter of the first page, such as "offset=0". Empty means that
	// every page is the same.
	FirstPage string
	// NoRows is the JSON of each page after the first.
	NoRows string
}

// RoundTrip returns a response without a network.
func (p Prepared) RoundTrip(r *http.Request) (*http.Response, error) {
	body := p.JSON
	if name, value, ok := strings.Cut(p.FirstPage, "="); ok && r.URL.Query().Get(name) != value {
		body = p.NoRows
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}
