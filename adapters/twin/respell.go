package twin

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Spelling is another way to write the JSON of a response.
type Spelling string

// The spellings that keep the meaning of every value.
const (
	NumbersAsText       Spelling = "numbersAsText"       // 2 is "2"
	NumbersAsFloats     Spelling = "numbersAsFloats"     // 2 is 2.0
	TextsAsNumbers      Spelling = "textsAsNumbers"      // "2" is 2
	BooleansAsText      Spelling = "booleansAsText"      // true is "true"
	BooleansAsYN        Spelling = "booleansAsYN"        // true is "Y"
	BooleansAsNumbers   Spelling = "booleansAsNumbers"   // true is 1
	EmptyObjectsAsLists Spelling = "emptyObjectsAsLists" // {} is []
	EmptyListsAsNull    Spelling = "emptyListsAsNull"    // [] is null
	EmptyListsAsText    Spelling = "emptyListsAsText"    // [] is ""
	EmptyListsAsObjects Spelling = "emptyListsAsObjects" // [] is {}
	EmptyTextsAsNull    Spelling = "emptyTextsAsNull"    // "" is null
	NullsAsText         Spelling = "nullsAsText"         // null is ""
	NullsAsLists        Spelling = "nullsAsLists"        // null is []
	NullsLeftOut        Spelling = "nullsLeftOut"        // a field that is null is absent
	TimesWithBlank      Spelling = "timesWithBlank"      // 2026-01-02 03:04:05
	TimesWithT          Spelling = "timesWithT"          // 2026-01-02T03:04:05
	TimesInUTC          Spelling = "timesInUTC"          // 2026-01-02T03:04:05Z
	TimesCompact        Spelling = "timesCompact"        // 20260102030405
	TimesInMillis       Spelling = "timesInMillis"       // 1767323045000, of a time in UTC
	ByteOrderMark       Spelling = "byteOrderMark"       // before the JSON
	TextType            Spelling = "textType"            // the content type text/plain
	HTMLType            Spelling = "htmlType"            // the content type text/html
	DoubledType         Spelling = "doubledType"         // the content type twice, in one header
	BrokenType          Spelling = "brokenType"          // a content type without its semicolon
	NoType              Spelling = "noType"              // no content type
)

// The spellings that lose something.
const (
	HalfSurrogate Spelling = "halfSurrogate" // half of a surrogate pair at the end of each text
	InvalidUTF8   Spelling = "invalidUTF8"   // a byte that is not UTF-8 at the end of each text
	LinksOnly     Spelling = "linksOnly"     // JSON:API relationships have links in the place of data
	IdentityOnly  Spelling = "identityOnly"  // JSON:API data have a type and an id, and nothing else
)

// The spellings of a vendor that has changed its interface.
const (
	NewField     Spelling = "newField"     // each object has one more field, named newField
	MissingField Spelling = "missingField" // the fields are absent
	UnknownWord  Spelling = "unknownWord"  // each text is UNHEARD_OF
)

// A respelling returns the new JSON text of a value. An empty text leaves the field out.
type respelling func(name, value string) string

var timeForms = []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05", compactTime}

const compactTime = "20060102150405"

// mediaTypes are the content types of the spellings that leave the values. "" means no content
// type.
var mediaTypes = map[Spelling]string{
	TextType: "text/plain", HTMLType: "text/html; charset=UTF-8", NoType: "",
	DoubledType: "application/json, application/json", BrokenType: "application/json charset=utf-8",
}

var respellings = map[Spelling]respelling{
	NumbersAsText:       changing(isInteger, func(value string) string { return `"` + value + `"` }),
	NumbersAsFloats:     changing(isInteger, func(value string) string { return value + ".0" }),
	TextsAsNumbers:      changing(isShortNumber, func(value string) string { return strings.Trim(value, `"`) }),
	BooleansAsText:      replacing("true", `"true"`, "false", `"false"`),
	BooleansAsYN:        replacing("true", `"Y"`, "false", `"N"`),
	BooleansAsNumbers:   replacing("true", "1", "false", "0"),
	EmptyObjectsAsLists: replacing("{}", "[]"),
	EmptyListsAsNull:    replacing("[]", "null"),
	EmptyListsAsText:    replacing("[]", `""`),
	EmptyListsAsObjects: replacing("[]", "{}"),
	EmptyTextsAsNull:    replacing(`""`, "null"),
	NullsAsText:         replacing("null", `""`),
	NullsAsLists:        replacing("null", "[]"),
	NullsLeftOut:        replacing("null", ""),
	TimesWithBlank:      timing(func(t time.Time) string { return t.Format(`"` + time.DateTime + `"`) }),
	TimesWithT:          timing(func(t time.Time) string { return t.Format(`"2006-01-02T15:04:05"`) }),
	TimesInUTC:          timing(func(t time.Time) string { return t.Format(`"2006-01-02T15:04:05Z"`) }),
	TimesCompact:        timing(func(t time.Time) string { return t.Format(`"` + compactTime + `"`) }),
	TimesInMillis:       timing(func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }),
	HalfSurrogate:       ending(` \ud83d"`),
	InvalidUTF8:         ending("\xff\""),
	LinksOnly:           linksOnly,
	IdentityOnly:        identityOnly,
	ByteOrderMark:       replacing(),
	NewField:            changing(isObject, withNewField),
	MissingField:        changing(isAny, func(string) string { return "" }),
	UnknownWord:         changing(isText, func(string) string { return `"UNHEARD_OF"` }),
}

// Spellings returns all spellings, sorted.
func Spellings() []Spelling {
	all := slices.AppendSeq(slices.Collect(maps.Keys(respellings)), maps.Keys(mediaTypes))
	slices.Sort(all)
	return all
}

func (s Spelling) known() bool { return slices.Contains(Spellings(), s) }

// needsNames reports whether the spelling would break every value that a client compares.
func (s Spelling) needsNames() bool {
	return slices.Contains([]Spelling{HalfSurrogate, InvalidUTF8, MissingField, UnknownWord}, s)
}

func isAny(string) bool { return true }

func isObject(value string) bool { return strings.HasPrefix(value, "{") }

// withNewField returns an object with one more field in front.
func withNewField(object string) string {
	rest := strings.TrimSpace(object[1:])
	if rest != "}" {
		rest = "," + rest
	}
	return `{"newField":"new"` + rest
}

func isText(value string) bool { return strings.HasPrefix(value, `"`) }

func isInteger(value string) bool { return strings.Trim(value, "-0123456789") == "" }

// isShortNumber reports whether a text is a whole number that has no other form, and not too many
// digits for any client.
func isShortNumber(value string) bool {
	digits := strings.Trim(value, `"`)
	n, err := strconv.ParseInt(digits, 10, 64)
	return isText(value) && err == nil && strconv.FormatInt(n, 10) == digits && len(digits) <= 15
}

// changing returns a respelling of the values of this form.
func changing(form func(value string) bool, change func(value string) string) respelling {
	return func(_, value string) string {
		if form(value) {
			return change(value)
		}
		return value
	}
}

// replacing returns a respelling of some values, each followed by its other spelling.
func replacing(pairs ...string) respelling {
	return func(_, value string) string {
		for i := 0; i < len(pairs); i += 2 {
			if value == pairs[i] {
				return pairs[i+1]
			}
		}
		return value
	}
}

// ending returns a respelling of the texts that puts this end in the place of the closing quote.
func ending(end string) respelling {
	return changing(isText, func(value string) string { return strings.TrimSuffix(value, `"`) + end })
}

// timing returns a respelling of the values that are times. A time without a zone is in UTC.
func timing(form func(time.Time) string) respelling {
	return func(_, value string) string {
		const shortest, longest = len(compactTime), len(time.RFC3339) + 10
		if len(value) < shortest-1 || len(value) > longest {
			return value
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && len(value) == shortest-1 {
			return form(time.UnixMilli(n).UTC())
		}
		for _, known := range timeForms {
			if t, err := time.Parse(`"`+known+`"`, value); err == nil {
				return form(t.UTC())
			}
		}
		return value
	}
}

// linksOnly writes the relationships of a JSON:API resource as links.
func linksOnly(name, value string) string {
	var relationships map[string]struct{ Data struct{ Type, ID string } }
	if name != "relationships" || json.Unmarshal([]byte(value), &relationships) != nil {
		return value
	}
	links := map[string]any{}
	for of, to := range relationships {
		related := "/" + strings.ToLower(to.Data.Type) + "s/" + to.Data.ID
		links[of] = map[string]any{"links": map[string]string{"related": related}}
	}
	text, _ := json.Marshal(links) // Texts always have a JSON form.
	return string(text)
}

// identityOnly leaves a JSON:API resource its type and its id.
func identityOnly(name, value string) string {
	var resource struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	}
	if name != "data" || json.Unmarshal([]byte(value), &resource) != nil {
		return value
	}
	text, _ := json.Marshal(resource) // Texts always have a JSON form.
	return string(text)
}

// respell writes the body in another spelling. A body that is not JSON stays.
func (a *heldAnswer) respell(spelling Spelling, names []string) {
	if !json.Valid(a.body.Bytes()) {
		return
	}
	body := bytes.Clone(bytes.TrimSpace(a.body.Bytes()))
	if change := respellings[spelling]; change != nil {
		body = []byte((&speller{change, names, body}).inside(""))
	}
	if spelling == ByteOrderMark {
		body = append([]byte("\ufeff"), body...)
	}
	if mediaType, ok := mediaTypes[spelling]; ok {
		a.header["Content-Type"] = nil // Without an entry, net/http would set a type.
		if mediaType != "" {
			a.header.Set("Content-Type", mediaType)
		}
	}
	a.body.Reset()
	a.body.Write(body)
}

// A speller changes the values of the fields with these names, or of all fields without names.
type speller struct {
	change respelling
	names  []string
	rest   []byte // the JSON that it has not read yet
}

// value returns the next value in its new spelling. The rows of a list have its name.
func (s *speller) value(name string) string {
	text := s.inside(name)
	if len(s.names) > 0 && !slices.Contains(s.names, name) {
		return text
	}
	return s.change(name, text)
}

// inside returns the next value, in which only what is inside is changed.
func (s *speller) inside(name string) string {
	s.skip(" \t\r\n")
	end := bytes.IndexAny(s.rest, ",]} \t\r\n")
	switch {
	case s.rest[0] == '{' || s.rest[0] == '[':
		return s.composite(name)
	case s.rest[0] == '"':
		for end = 1; s.rest[end] != '"'; end++ {
			if s.rest[end] == '\\' {
				end++
			}
		}
		end++
	case end < 0:
		end = len(s.rest)
	}
	text := string(s.rest[:end])
	s.rest = s.rest[end:]
	return text
}

// composite returns the object or the list that begins here.
func (s *speller) composite(name string) string {
	opening := s.rest[0]
	text := []byte{opening}
	s.rest = s.rest[1:]
	for s.skip(" \t\r\n,"); s.rest[0] != opening+2; s.skip(" \t\r\n,") { // } and ] follow so in ASCII.
		key, field := name, ""
		if opening == '{' {
			field = s.inside("") + ":"
			key = strings.Trim(field, `":`)
			s.skip(" \t\r\n:")
		}
		value := s.value(key)
		if value == "" {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(text, field...), value...)
	}
	s.rest = s.rest[1:]
	return string(append(text, opening+2))
}

func (s *speller) skip(characters string) { s.rest = bytes.TrimLeft(s.rest, characters) }
