package jsonx

import (
	"bytes"
	"io"
	"reflect"

	"github.com/go-json-experiment/json/jsontext"
)

// Rows are the rows of a vendor's list.
type Rows[R any] []Row[R]

// A Page is a response that has a list of rows.
type Page interface {
	// List returns the name of the member that has the list, the path of the list, and where its rows
	// go. rows is nil if there is no such list.
	List() (name, path string, rows List)
}

// A List is a *Rows.
type List interface {
	// read reads a list, and returns a function that sets the rows. It returns nil if the list needs a
	// decoder.
	read(s *scanner, path string) (set func())
}

// CutRows reads the rows of a page in a fraction of the time that a decoder takes. rest is the page with
// an empty list in their place. After rest has been decoded into the page, set adds the rows.
//
// CutRows returns false if the whole page needs a decoder, which also says what is wrong with it.
func CutRows(text []byte, page Page) (rest io.Reader, set func(), ok bool) {
	name, path, rows := page.List()
	s := &scanner{json: bytes.TrimPrefix(text, byteOrderMark)}
	if rows == nil || !s.findList(name) {
		return nil, nil, false
	}
	start := s.at
	if set = rows.read(s, path); set == nil {
		return nil, nil, false
	}
	// Both parts have a bracket of the list.
	rest = io.MultiReader(bytes.NewReader(s.json[:start+1]), bytes.NewReader(s.json[s.at-1:]))
	return rest, set, true
}

// maxExpected is how many rows a page is expected to have at most.
const maxExpected = 1000

func (r *Rows[R]) read(s *scanner, path string) (set func()) {
	rows, reader := Rows[R]{}, newRowReader(reflect.TypeFor[R]())
	set = func() { *r = rows }
	s.take('[')
	if s.take(']') {
		return set
	}
	for {
		s.next()
		start := s.at
		rows = append(rows, Row[R]{list: path, index: len(rows)})
		row := &rows[len(rows)-1]
		if !reader.read(s, reflect.ValueOf(&row.Value).Elem()) {
			s.at = start
			value, ok := s.skip(2) // The list is in the page.
			if !ok || !jsontext.Value(value).IsValid(jsontext.AllowInvalidUTF8(true)) || row.decode(value) != nil {
				return nil
			}
		}
		switch {
		case s.take(']'):
			return set
		case !s.take(','):
			return nil
		}
		if len(rows) == 1 { // The other rows are likely as long.
			expected := (len(s.json) - s.at) / (s.at - start)
			rows = append(make(Rows[R], 0, min(expected+2, maxExpected)), rows...)
		}
	}
}
