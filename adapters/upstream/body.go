package upstream

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
)

// A Body is the body of a request. The zero Body means no body.
type Body struct {
	contentType string
	content     []byte
	err         error
	parts       []Part // of a multipart body
}

// JSON returns v as application/json.
func JSON(v any) Body {
	content, err := json.Marshal(v, json.Deterministic(true))
	return Body{contentType: "application/json", content: content, err: err}
}

// Form returns values as application/x-www-form-urlencoded.
func Form(values url.Values) Body {
	return Body{contentType: "application/x-www-form-urlencoded", content: []byte(values.Encode())}
}

// A Part is one part of a multipart body.
type Part struct {
	Name        string // of the form's field
	FileName    string // "" means a text field
	ContentType string // "" means application/octet-stream for a file, none for a text field
	Content     []byte
}

// quotes escapes a name as browsers do, by the HTML standard.
var quotes = strings.NewReplacer("\n", "%0A", "\r", "%0D", `"`, "%22")

// Multipart returns parts as multipart/form-data.
func Multipart(parts ...Part) Body {
	var content bytes.Buffer
	w := multipart.NewWriter(&content)
	for _, p := range parts {
		// The head is as browsers write it, because some servers read only that: quotes, and the
		// name before the file name.
		disposition := `form-data; name="` + quotes.Replace(p.Name) + `"`
		if p.FileName != "" {
			disposition += `; filename="` + quotes.Replace(p.FileName) + `"`
			if p.ContentType == "" {
				p.ContentType = "application/octet-stream"
			}
		}
		header := textproto.MIMEHeader{"Content-Disposition": {disposition}}
		if p.ContentType != "" {
			header.Set("Content-Type", p.ContentType)
		}
		to, err := w.CreatePart(header)
		if err == nil {
			_, err = to.Write(p.Content)
		}
		if err != nil {
			return Body{err: fmt.Errorf("part %q: %w", p.Name, err)}
		}
	}
	err := w.Close()
	return Body{contentType: w.FormDataContentType(), content: content.Bytes(), err: err, parts: parts}
}

// As returns the same body with another content type, such as "application/json;charset=UTF-8".
func (b Body) As(contentType string) Body {
	b.contentType = contentType
	return b
}
