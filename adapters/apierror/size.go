package apierror

import (
	"encoding/base64"
	"maps"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
)

const (
	// MaxViolations bounds how many fields an error names.
	MaxViolations = 20
	// maxEncoded bounds an error as gRPC sends it, in bytes. Clients refuse headers above 8 KiB,
	// and then show a broken stream instead of the error.
	maxEncoded = 4 << 10
	// shortText is the length to which a text is cut if the error is too large, in runes.
	shortText = 200
)

// encodedSize returns the size of the error as headers: the message with percent-encoding, and the
// whole status in base64.
func (e *Error) encodedSize() int {
	size := base64.RawStdEncoding.EncodedLen(proto.Size(e.status().Proto()))
	for i := range len(e.Message) {
		size++
		if c := e.Message[i]; c < ' ' || c > '~' || c == '%' {
			size += 2
		}
	}
	return size
}

// fitted returns a copy of the error that is not larger than maxEncoded. It leaves out violations
// first, and then cuts the vendor's text, the other metadata and the message.
func (e *Error) fitted() *Error {
	c := *e
	c.Metadata, c.Violations = maps.Clone(e.Metadata), slices.Clone(e.Violations)
	listed := c.Message == c.violationText() && len(c.Violations) > 0
	for len(c.Violations) > 1 && c.encodedSize() > maxEncoded {
		c.Violations = c.Violations[:len(c.Violations)-1]
		c.omitted++
		if listed {
			c.Message = c.violationText()
		}
	}
	c.shorten(VendorMessage)
	for key := range c.Metadata {
		c.shorten(key)
	}
	for size := 2 * shortText; c.encodedSize() > maxEncoded && size > 0; size -= shortText {
		c.Message = cut(c.Message, size)
		for i, v := range c.Violations {
			c.Violations[i] = &errdetails.BadRequest_FieldViolation{
				Field: cut(v.GetField(), size), Description: cut(v.GetDescription(), size), Reason: v.GetReason(),
			}
		}
	}
	return &c
}

// shorten cuts an entry of the metadata if the error is too large.
func (e *Error) shorten(key string) {
	if _, given := e.Metadata[key]; given && e.encodedSize() > maxEncoded {
		e.Metadata[key] = cut(e.Metadata[key], shortText)
	}
}

// cut returns the first runes of a text.
func cut(text string, runes int) string {
	if r := []rune(text); len(r) > runes {
		return string(r[:runes]) + "…"
	}
	return text
}
