package jsonx_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

func TestText(t *testing.T) {
	for value, want := range map[string]jsonx.Text{
		`"E\u0031"`:            "E1",
		`""`:                   "",
		`281004`:               "281004",
		`-1.50e3`:              "-1500",
		`1.5`:                  "1.5",
		`12345678901234567890`: "12345678901234567890",
		`true`:                 "",
		`null`:                 "",
		`{"code":"E1"}`:        "",
		`["E1"]`:               "",
	} {
		got := struct{ Code, Next jsonx.Text }{Code: "of before"}
		err := json.Unmarshal([]byte(`{"Code":`+value+`,"Next":"n"}`), &got)
		if err != nil || got.Code != want || got.Next != "n" {
			t.Errorf("%s: %q, then %q, %v; want %q", value, got.Code, got.Next, err, want)
		}
	}
}

func TestTextRefusesWhatIsNotJSON(t *testing.T) {
	for _, value := range []string{``, `"open`, `"\xff"`, `01`, `E1`, `{`} {
		var got jsonx.Text
		if err := json.Unmarshal([]byte(value), &got); err == nil {
			t.Errorf("%s: %q and no error", value, got)
		}
	}
}

func TestMayBe(t *testing.T) {
	const half = "\ufffd"
	for _, c := range []struct {
		shown, sent string
		want        bool
	}{
		{"Kids", "Kids", true}, {"", "", true}, {"Kids", "kids", false}, {"Kids", "Kids TV", false},
		{"", "Kids", false},
		{"Kids " + half, "Kids 🎈", true}, {"Kids " + half, "Kids 🎈 TV", true}, {half + half, "한국", true},
		{"Kids " + half, "Kids TV", false}, {"Kids " + half, "Kids ", false}, {"Kids " + half, "News 🎈", false},
		{"Kids" + half, "Kids" + half, true},
	} {
		if got := jsonx.MayBe(c.shown, c.sent); got != c.want {
			t.Errorf("%q may be %q: %t", c.shown, c.sent, got)
		}
	}
}

type inner struct {
	N int32 `json:"n"`
}

// everything has a field of each type that adapters use. The names of a type's fields begin alike.
type everything struct {
	Text   string             `json:"text"`
	Int    int32              `json:"int"`
	Long   int64              `json:"long"`
	Float  float64            `json:"float"`
	Bool   bool               `json:"bool"`
	Object inner              `json:"object"`
	List   []inner            `json:"list"`
	PText  *string            `json:"ptext"`
	PInt   *int32             `json:"pint"`
	PBool  *bool              `json:"pbool"`
	PObj   *inner             `json:"pobject"`
	PList  *[]inner           `json:"plist"`
	At     jsonx.Time         `json:"at"`
	Rows   []jsonx.Row[inner] `json:"rows"`
}

func TestSpellings(t *testing.T) {
	for line := range strings.SplitSeq(strings.TrimSpace(`
		text: "a" = a | 7 = 7 | 7.0 = 7 | true = true | "" = | null = | [] =
		text: "a\ud83d" = a`+"\ufffd"+` | {"a":1} ! text, got an object
		int: 2 = 2 | "2" = 2 | " 2 " = 2 | 2.0 = 2
		int: "2.00" = 2 | 2e3 = 2000 | "" = 0 | null = 0 | -1 = -1 | "-1" = -1
		int: "x" ! a whole number, got text | 2.5 ! a whole number
		int: "0x10" ! a whole number | true ! a whole number, got true
		int: [] ! a whole number, got a list | 2147483648 ! a whole number up to 2147483647
		long: 9007199254740993 = 9007199254740993 | "9007199254740993.0" = 9007199254740993 | 1e300 ! a whole number
		long: 9223372036854775808 ! a whole number
		float: 15 = 15 | "15" = 15 | 1.5 = 1.5 | "" = 0 | null = 0
		float: "NaN" ! a number, got text | "soon" ! a number, got text | {} ! a number
		bool: true = true | "true" = true | "TRUE" = true | "Y" = true | "yes" = true
		bool: 1 = true | "1" = true | 1.0 = true
		bool: false = false | "false" = false | "N" = false | 0 = false | "0" = false | "" = false | null = false
		bool: 2 ! true or false, got a number | "maybe" ! true or false, got text | [] ! true or false
		object: {"n":"1"} = {1} | [] = {0} | "" = {0} | null = {0}
		object: {} = {0} | [ ] = {0}
		object: "x" ! an object, got text | [1] ! an object, got a list | 1 ! an object
		list: [{"n":1},[],null] = [{1} {0} {0}] | {} = [] | "" = [] | null = []
		list: {"n":1} ! a list, got an object | 1 ! a list, got a number
		ptext: "" = | "a" = a
		pint: "" = nil | null = nil | "0" = 0 | 2.0 = 2
		pint: "x" ! a whole number, got text | "2147483648" ! a whole number up to 2147483647
		pbool: "" = nil | "N" = false | 1 = true
		pobject: [] = nil | "" = nil | null = nil | {} = {0} | "x" ! an object, got text
		plist: "" = [] | null = nil | [] = [] | {} = [] | [{"n":2}] = [{2}]
		`), "\n") {
		name, cases, _ := strings.Cut(strings.TrimSpace(line), ": ")
		for c := range strings.SplitSeq(cases, " | ") {
			value, want, fits := strings.Cut(strings.TrimSpace(c), " =")
			if !fits {
				value, want, _ = strings.Cut(c, " ! ")
			}
			var got everything
			err := jsonx.Unmarshal("data", []byte(`{"`+name+`":`+value+`}`), &got)
			if !fits {
				if err == nil || !strings.HasPrefix(err.Error(), "data."+name+": expected "+want) {
					t.Errorf("%s: %s: %v, want %q", name, value, err, want)
				}
				continue
			}
			if shown := show(got, name); err != nil || shown != strings.TrimSpace(want) {
				t.Errorf("%s: %s: %q, %v; want %q", name, value, shown, err, want)
			}
		}
	}
}

// show returns a field as a text.
func show(e everything, name string) string {
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		field := v.Field(i)
		switch {
		case v.Type().Field(i).Tag.Get("json") != name:
			continue
		case field.Kind() != reflect.Pointer:
			return fmt.Sprint(field)
		case field.IsNil():
			return "nil"
		}
		return fmt.Sprint(field.Elem())
	}
	return "no such field"
}

func TestARowKeepsItsMisfitToItself(t *testing.T) {
	var got everything
	err := jsonx.Unmarshal("data", []byte(`{"rows":[{"n":1},{"n":"x"},{"n":3},7,""]}`), &got)
	if err != nil || len(got.Rows) != 5 {
		t.Fatalf("%+v, %v", got.Rows, err)
	}
	for i, want := range []string{"", "rows[1].n: expected a whole number, got text", "",
		"rows[3]: expected an object, got a number", ""} {
		said := ""
		if m := got.Rows[i].Misfit; m != nil {
			said = m.Error()
		}
		if said != want {
			t.Errorf("row %d: %q, want %q", i, said, want)
		}
	}
	if got.Rows[0].Value.N != 1 || got.Rows[2].Value.N != 3 {
		t.Errorf("%+v", got.Rows)
	}
	if lacks := got.Rows[2].Lacks("id").Error(); lacks != "rows[2].id: expected an id" {
		t.Error(lacks)
	}
	var row jsonx.Row[everything]
	const text = `{"int":"x","at":{"a":1},"object":7,"text":"kept","list":[{"n":true},{"n":5}]}`
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		t.Fatal(err)
	}
	if v := row.Value; v.Text != "kept" || len(v.List) != 2 || v.List[1].N != 5 || row.Misfit.Path != "int" {
		t.Errorf("%+v", row)
	}
}

func TestErrorsNameAPath(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:                             "the response: expected an object, got a list",
		`""`:                             "the response: expected an object, got text",
		`{"list":[{"n":1},{"n":"x"}]}`:   "list[1].n: expected a whole number, got text",
		`{"list":[{"n":1,"n":2}]}`:       "byte 16: duplicate object member name",
		`{"object":{"n":1}`:              "byte 17: unexpected EOF",
		`{"pobject":{"n":{"secret":1}}}`: "pobject.n: expected a whole number, got an object",
	} {
		var got everything
		if err := jsonx.UnmarshalRead(strings.NewReader(text), &got); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	const text = `{"list":[{"n":1,"n":2}]}`
	if err := jsonx.Unmarshal("data", []byte(text), &everything{}); err == nil ||
		err.Error() != "data.list[0].n: duplicate object member name" {
		t.Error(err)
	}
	broken := errors.New("broken")
	err := jsonx.UnmarshalRead(iotest.ErrReader(broken), &everything{})
	if err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("%v", err)
	}
}

// The error of a text that is not JSON has to be the same in whatever packets the text comes.
func TestSyntaxErrorsShowNoValue(t *testing.T) {
	const text = `{"rows":[{"others":{"pin":"secret","x":{"a":1}}},{"others":{"a":1,"x":[{"b":1,"b":2}]}}]}`
	for size := range len(text) {
		for spaces := range 100 {
			want := fmt.Sprintf("byte %d: duplicate object member name", spaces+strings.LastIndex(text, `"b"`))
			packets := &packets{strings.NewReader(strings.Repeat(" ", spaces) + text), size + 1}
			var into struct {
				Rows jsonx.Rows[struct{}] `json:"rows"`
			}
			if err := jsonx.UnmarshalRead(packets, &into); err == nil || err.Error() != want {
				t.Fatalf("packets of %d: %v, want %q", size+1, err, want)
			}
		}
	}
}

// packets are a text of which a read returns at most size bytes.
type packets struct {
	text io.Reader
	size int
}

func (p *packets) Read(b []byte) (int, error) { return p.text.Read(b[:min(len(b), p.size)]) }

func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{`{"int":"2","list":[{"n":2.0}]}`, `{"pobject":[],"rows":[{"n":true}]}`, "\ufeff{}",
		`{"text":"\ud83d","float":"1e9","bool":"Y"}`, `{"list":{},"pint":""}`, `[`, "\xef\xbb", `{"int":1e999999999}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var read, again everything
		err := jsonx.UnmarshalRead(jsonx.Unmarked(iotest.OneByteReader(strings.NewReader(string(text)))), &read)
		if err != nil {
			if strings.Contains(err.Error(), "jsonx") || strings.Contains(err.Error(), "int32") {
				t.Errorf("the error names a Go type: %v", err)
			}
			return
		}
		if !utf8.ValidString(read.Text) {
			t.Errorf("%q is not UTF-8", read.Text)
		}
		if err := jsonx.Unmarshal("", text, &again); err != nil || fmt.Sprint(read.List) != fmt.Sprint(again.List) {
			t.Errorf("read: %+v; whole: %+v, %v", read, again, err)
		}
	})
}
