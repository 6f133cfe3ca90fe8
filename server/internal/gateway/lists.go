package gateway

import (
	"bytes"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// maxDepth is more than any message of the contract nests.
const maxDepth = 64

// A container is an object or a list in JSON that is being read.
type container struct {
	key    []byte // within the object around it, without its quotes
	isList bool
	items  int // commas so far
}

// checkLists refuses a body with a list that is longer than any list of the contract. Otherwise a
// body of 3 MB could cost a hundred times its memory once it is decoded. It reads no further than
// what the decoder would refuse, and leaves mistakes in the JSON to the decoder.
func checkLists(raw []byte) error {
	var open []container
	var last []byte // the last string
	var key []byte  // the last string before a colon
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '"':
			end := endOfString(raw, i+1)
			last = raw[min(i+1, end):end]
			i = end
		case ':':
			key = last
		case '{', '[':
			if len(open) == maxDepth {
				return nil
			}
			open = append(open, container{key: key, isList: c == '['})
			key = nil
		case ',':
			if len(open) > 0 {
				open[len(open)-1].items++
			}
		case '}', ']':
			if len(open) == 0 {
				return nil
			}
			if closed := open[len(open)-1]; closed.isList && closed.items >= contract.MaxListItems {
				return errLongList(open)
			}
			open = open[:len(open)-1]
		}
	}
	return nil
}

// endOfString returns the index of the quote that ends a string, or the end of raw.
func endOfString(raw []byte, i int) int {
	for ; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(raw)
}

// errLongList is the error of the innermost of these lists and objects.
func errLongList(open []container) error {
	var path []string
	for _, c := range open {
		if len(c.key) > 0 {
			path = append(path, string(bytes.ToValidUTF8(c.key, []byte("\uFFFD"))))
		}
	}
	return apierror.InvalidRequest(&errdetails.BadRequest_FieldViolation{
		Field: strings.Join(path, "."),
		Description: fmt.Sprintf("must contain no more than %d item(s), and contains %d",
			contract.MaxListItems, open[len(open)-1].items+1),
		Reason: "REPEATED_MAX_ITEMS",
	})
}
