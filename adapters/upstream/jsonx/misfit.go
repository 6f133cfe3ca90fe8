package jsonx

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Misfit is a value of another kind than expected. It holds no part of the value.
type Misfit struct {
	Path     string // of the value, such as "data[3].license_cnt"; "" is the whole response
	Expected string // such as "a whole number"
	Got      string // the kind of the value, such as "text"; "" if that explains nothing
}

func (m *Misfit) Error() string {
	at := m.Path
	if at == "" {
		at = "the response"
	}
	if m.Got == "" || m.Got == m.Expected {
		return at + ": expected " + m.Expected
	}
	return at + ": expected " + m.Expected + ", got " + m.Got
}

// under returns the path of a value below another one.
func under(at, path string) string {
	if at == "" || path == "" || path[0] == '[' {
		return at + path
	}
	return at + "." + path
}

// path returns a JSON pointer as a path: /data/3/name is data[3].name.
func path(pointer string) string {
	var b strings.Builder
	b.Grow(len(pointer) + 1) // An index has two brackets instead of a slash.
	for token := range jsontext.Pointer(pointer).Tokens() {
		if isIndex(token) {
			b.WriteByte('[')
			b.WriteString(token)
			b.WriteByte(']')
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}

// isIndex reports whether a part of a pointer can be the index of an element.
func isIndex(token string) bool {
	for _, ch := range []byte(token) {
		if ch < '0' || ch > '9' { // The error of ParseUint would cost more than the rest of the path.
			return false
		}
	}
	_, err := strconv.ParseUint(token, 10, 31)
	return err == nil
}

// readable returns the error of a decoder for people: it names no Go type, and no value. at is the
// place of the decoded value.
func readable(at string, err error) error {
	if err == nil {
		return nil
	}
	if m, ok := errors.AsType[*Misfit](err); ok {
		c := *m
		c.Path = under(at, m.Path)
		return &c
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at, err = under(at, path(string(e.JSONPointer))), e.Err
	} else if e, ok := errors.AsType[*json.SemanticError](err); ok {
		at, err = under(at, path(string(e.JSONPointer))), e.Err
	}
	says := "has another form than expected"
	if err != nil {
		says = strings.TrimPrefix(strings.TrimPrefix(err.Error(), "jsontext: "), "json: ")
	}
	if at == "" {
		return errors.New(says)
	}
	return errors.New(at + ": " + says)
}
