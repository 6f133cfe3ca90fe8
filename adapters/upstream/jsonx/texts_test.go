package jsonx

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FuzzReadTexts demands that readTexts decodes as the decoder does, or leaves the object to it.
func FuzzReadTexts(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":"x","b":"y","c":7,"d":"20260102030405"}`, `{ "a" : 2.0 , "b" : null , "d" : null }`,
		`{"a":true}`, `{"c":true}`, `{"a":[]}`, `{"b":""}`, `{"z":{"]":["}",[1]]},"a":"\u00e9"}`, `{"a":"\ud800"}`,
		"{\"a\":\"\xff\"}", `{"d":1e3,"z":-1}`, `{"d":{}}`, `[]`, `""`, `{"a":"x","a":"y"}`, `{"A":"x"}`,
		`{"é":1,"":2}`,
	} {
		f.Add([]byte(s))
	}
	type row struct {
		A string  `json:"a"`
		B *string `json:"b"`
		C Text    `json:"c"`
		D Time    `json:"d"`

		_ int
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowInvalidUTF8(true)).ReadValue()
		if err != nil {
			t.Skip()
		}
		var fast, slow row
		if to := reflect.ValueOf(&fast).Elem(); !readersOf(to.Type()).read(value, to) {
			return
		}
		if err := json.Unmarshal(value, &slow, nested); err != nil || !reflect.DeepEqual(fast, slow) {
			t.Errorf("%q is %+v, the decoder has %+v, %v", text, fast, slow, err)
		}
	})
}

func TestReadTextsLeavesOtherTypesToTheDecoder(t *testing.T) {
	for _, other := range []any{
		&struct {
			A int `json:"a"`
		}{},
		&struct{ A string }{},
		&struct {
			A string `json:"a,omitempty"`
		}{},
		&struct {
			Text `json:"a"`
			B    []string `json:"b"`
		}{},
		new(string), new(Text), new(Time),
	} {
		if to := reflect.ValueOf(other).Elem(); readersOf(to.Type()).read([]byte(`{"a":"x"}`), to) {
			t.Errorf("%T was read", other)
		}
	}
}

// FuzzCanHaveForm demands that no time is lost because a form is not tried.
func FuzzCanHaveForm(f *testing.F) {
	for _, form := range timeForms {
		f.Add(form)
		f.Add(form + ".123")
	}
	for _, s := range []string{
		"", "1767323045", "1767323045000", "2026-01-02", "2026-01-02T3:04:05", "202601020304,5",
		"Fri,  2 Jan 2026 3:04:05",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, form := range timeForms {
			if _, err := time.ParseInLocation(form, text, time.UTC); err == nil && !canHaveForm(text, form) {
				t.Errorf("%q has the form %q", text, form)
			}
		}
	})
}
