package gateway

import (
	"math"
	"net/http"
	"strconv"
	"strings"
)

// gzipName is the only content coding that drmhub reads and writes.
const gzipName = "gzip"

// encodings are the content codings that a client accepts, of those that drmhub has.
type encodings struct {
	gzip  bool // the client takes gzip, and likes it no less than no coding
	plain bool // the client takes a response without a coding
}

// acceptedEncodings reads Accept-Encoding (RFC 9110, section 12.5.3). A client without the header
// gets no coding.
func acceptedEncodings(h http.Header) encodings {
	const unsaid = -1.0
	gzip, plain, others := unsaid, unsaid, unsaid
	for item := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, parameters, _ := strings.Cut(item, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case gzipName, "x-gzip":
			gzip = max(gzip, quality(parameters))
		case "identity":
			plain = quality(parameters)
		case "*":
			others = quality(parameters)
		}
	}
	if gzip == unsaid {
		gzip = others
	}
	if plain == unsaid && others == 0 {
		plain = 0
	}
	return encodings{gzip: gzip > 0 && gzip >= plain, plain: plain != 0}
}

// quality returns the weight among the parameters of a coding. A malformed weight is 0, so that the
// coding is not used.
func quality(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || math.IsNaN(q) || q < 0 || q > 1 {
			return 0
		}
		return q
	}
	return 1
}
