package shape

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxRows is how many elements of a list are compared. Most lists have rows of one form.
	maxRows = 100
	// maxNew is how many new members of one object are named. Of an object with more, the names may
	// be data.
	maxNew = 10
)

// Hidden takes the place of a name or a word that may be data.
const Hidden = "(hidden)"

var byteOrderMark = []byte("\xef\xbb\xbf")

// Compare returns how a response differs, each difference once. It ignores a response that is no
// JSON, and what follows after a response was cut.
func (s *Shape) Compare(response []byte) []Finding {
	response = bytes.TrimPrefix(response, byteOrderMark)
	decoder := jsontext.NewDecoder(bytes.NewReader(response),
		jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	c := &comparison{Decoder: decoder, call: s.call, seen: map[Finding]bool{}}
	_ = c.value(s.root, "") // What was read before the mistake was compared.
	return c.found
}

type comparison struct {
	*jsontext.Decoder
	call  string
	found []Finding
	seen  map[Finding]bool
}

func (c *comparison) add(kind Kind, path, word string) {
	f := Finding{Kind: kind, Call: c.call, Path: path, Word: word}
	if !c.seen[f] {
		c.seen[f] = true
		c.found = append(c.found, f)
	}
}

func (c *comparison) value(n *node, path string) error {
	switch kind := c.PeekKind(); {
	case kind == '{' && n.members != nil:
		return c.object(n, path)
	case kind == '[' && (n.members != nil || n.known != nil):
		return c.list(n, path+"[]")
	case (kind == '"' || kind == '0') && n.known != nil:
		token, err := c.ReadToken()
		if err != nil {
			return err
		}
		if word := strings.TrimSpace(token.String()); word != "" && !n.known(word) {
			c.add(UnknownWord, path, Word(word))
		}
		return nil
	}
	return c.SkipValue()
}

func (c *comparison) list(n *node, path string) error {
	if _, err := c.ReadToken(); err != nil {
		return err
	}
	for rows := 0; c.PeekKind() != ']'; rows++ {
		next := c.SkipValue
		if rows < maxRows {
			next = func() error { return c.value(n, path) }
		}
		if err := next(); err != nil {
			return err
		}
	}
	_, err := c.ReadToken()
	return err
}

func (c *comparison) object(n *node, path string) error {
	if _, err := c.ReadToken(); err != nil {
		return err
	}
	if path != "" {
		path += "."
	}
	var shown, added []string
	for c.PeekKind() == '"' {
		token, err := c.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		member := n.members[name]
		switch {
		case member != nil:
			shown = append(shown, name)
			err = c.value(member, path+name)
		default:
			added = append(added, name)
			err = c.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	if _, err := c.ReadToken(); err != nil {
		return err
	}
	if len(shown) == 0 && (path == "" || len(added) == 0) {
		return nil // It is another thing: the response of a proxy, or an empty object.
	}
	for _, name := range n.required {
		if !slices.Contains(shown, name) {
			c.add(MissingField, path+name, "")
		}
	}
	if n.open {
		return nil
	}
	for _, name := range added {
		if len(added) > maxNew {
			name = Hidden
		}
		c.add(NewField, path+memberName(name), "")
	}
	return nil
}

// Word returns a word or a code as people may see it. A text that may be data is Hidden.
func Word(text string) string {
	const maxLength, maxDigits = 32, 8
	if len(text) > maxLength || digits(text) > maxDigits || strings.ContainsFunc(text, isNotOfWord) {
		return Hidden
	}
	return text
}

// memberName returns the name of a member as people may see it. A name with many digits may be an
// id.
func memberName(name string) string {
	const maxDigits = 3
	if Word(name) == Hidden || name == "" || digits(name) > maxDigits || isDigit(rune(name[0])) {
		return Hidden
	}
	return name
}

func isNotOfWord(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !isDigit(r) && !strings.ContainsRune("_-.$", r)
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func digits(text string) (n int) {
	for _, r := range text {
		if isDigit(r) {
			n++
		}
	}
	return n
}
