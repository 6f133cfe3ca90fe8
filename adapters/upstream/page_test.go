package upstream

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// A row has a member of each kind that is read without a decoder.
type row struct {
	A string     `json:"a"`
	B *string    `json:"b"`
	C jsonx.Text `json:"c"`
	D jsonx.Time `json:"d"`
	E int32      `json:"e"`
	F int64      `json:"f"`
	G *int32     `json:"g,omitzero"`
	H bool       `json:"h"`
	I *bool      `json:"i"`
	J inner      `json:"j"`
	K *inner     `json:"k"`
	L place      `json:"l"`
	M *place     `json:"m"`

	List   []element           `json:"list"`
	PList  *[]element          `json:"plist"`
	Texts  []string            `json:"texts"`
	Lists  [][]*int            `json:"lists"`
	Rows   jsonx.Rows[element] `json:"rows"`
	Row    jsonx.Row[element]  `json:"row"`
	PText  *jsonx.Text         `json:"ptext"`
	Value  jsontext.Value      `json:"value"`
	PValue *jsontext.Value     `json:"pvalue"`
	Others *open               `json:"others"`
	Count  counted             `json:"counted"`

	_ int
}

type inner struct {
	N string     `json:"n"`
	O jsonx.Time `json:"o"`
	P *place     `json:"p"`
	Q struct{}   `json:"q"`
}

// An element is in a list within a row.
type element struct {
	N string   `json:"n"`
	I *int     `json:"i"`
	T []string `json:"t"`
}

// An open object has members without a field.
type open struct {
	N      *bool          `json:"n"`
	Others jsontext.Value `json:",embed"`
}

// A place is a value that knows its path.
type place struct{ jsonx.Time }

func (p *place) SetPlain(value jsonx.Time) bool {
	p.Time = value
	return value.Text != "decoder"
}

// A counted list is its elements, or only their number.
type counted struct {
	Rows  jsonx.Rows[element]
	Count string
}

func (c *counted) Usual() any { return &c.Rows }

func (c *counted) SetUsual() bool {
	c.Count = fmt.Sprint(len(c.Rows))
	return c.Rows == nil || len(c.Rows) != 3
}

func (c *counted) SetPlain(value jsonx.Time) bool {
	c.Count = value.Text
	return true
}

func (c *counted) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if kind := d.PeekKind(); kind != '[' && kind != '{' {
		var n jsonx.Time
		err := n.UnmarshalJSONFrom(d)
		*c = counted{Count: n.Text}
		return err
	}
	*c = counted{}
	err := jsonv2.UnmarshalDecode(d, &c.Rows)
	c.SetUsual()
	return err
}

// A page decodes itself, as an envelope does.
type (
	page struct {
		members
		kept string // after the page was read
	}
	members struct {
		Code  jsonx.Text      `json:"code"`
		Rows  jsonx.Rows[row] `json:"rows"`
		Count int             `json:"count"`
		Own   told            `json:"own"`
	}
)

func (p *page) Usual() any { return &p.members }

func (p *page) SetUsual() bool {
	p.kept = string(p.Code)
	return p.Code != "decoder"
}

func (p *page) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	err := jsonv2.UnmarshalDecode(d, &p.members)
	p.SetUsual()
	return err
}

// A told list knows that it is there.
type told struct {
	Rows jsonx.Rows[element]
	Told bool
}

func (l *told) Usual() any { return &l.Rows }

func (l *told) SetUsual() bool {
	l.Told = true
	return true
}

func (l *told) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	l.Told = true
	return jsonv2.UnmarshalDecode(d, &l.Rows)
}

// nested returns a list that nests so deep.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// FuzzPage demands that a page says and fails as one that a decoder reads.
func FuzzPage(f *testing.F) {
	const most = 1000
	for _, rows := range []string{
		`{"a":"x","b":"y","c":"z","d":"20260102030405","e":7,"f":-8},{"a":"z"}`,
		` { "a" : "x" , "z" : true } , {"z":null,"a":null,"b":null,"d":null,"e":null} `,
		``, ` `, `{}`, `{"a":"x","a":"y"}`, `{"a":"x"},{"z":1,"z":2}`, `{"\u0061":"x","a":"y"}`,
		`{"a":"x"},{"b":"x"},{"b":"y","a":"z"}`, `{"a":1},{"a":1.0},{"a":1e3},{"a":true},{"a":[]},{"a":{}}`,
		`{"a":"\u00e9\ud83d"},{"a":"é"},{"a":"` + "\xff" + `"},{"a":"` + "\x01" + `"}`,
		"{\"\xff\":1,\"\xfe\":2}", `{"e":"7"},{"e":""},{"e":2147483648},{"e":-2147483648},{"e":"x"},{"e":1.0},{"e":[]}`,
		`{"f":9223372036854775807},{"f":-9223372036854775808}`,
		`{"b":7},{"c":007}`, `{"c":-0},{"c":0},{"c":-1},{"c":1234567890123456789012}`, `{"c":00}`,
		`{"a":"x"},7,null,"",[],"x"`, `{"a":"x"},{"a":"x" "b":"y"}`, `{"a":"x"},`, `{"a":"x",}`, `{"a":"x}`,
		`{"d":"x"},{"d":7},{"d":[]},{"d":{"a":1}}`, `{"a":tru}`, `{"z":truex}`, `{"z":` + nested(29) + `}`,
		`{"z":` + nested(30) + `}`, `{"j":{"z":` + nested(28) + `}}`, `{"j":{"z":` + nested(29) + `}}`,
		`{"g":7,"h":true,"i":false,"j":{"n":"x","o":1,"p":"y","q":{"z":[{"a":1}]}},"k":{"n":"x"},"l":"x","m":8}`,
		`{"g":null,"h":null,"i":null,"j":null,"k":null,"l":null,"m":null,"j":null}`,
		`{"g":null,"h":null,"i":null,"j":null,"k":null,"l":null,"m":null},{"k":{},"j":{"p":null,"o":null}}`,
		`{"j":{"n":"x","n":"y"}}`,
		`{"j":{"n":"x"},"k":{"n":"y"}},{"j":{"o":"x"},"k":{"n":"y","z":{"a":1,"a":2}}}`,
		`{"g":"7"},{"h":"Y"},{"i":1},{"j":[]},{"k":""},{"l":[]},{"m":{}},{"l":true},{"j":{"p":{}}},{"l":"decoder"}`,
		`{"g":2147483648},{"k":{"q":7}},{"k":{"q":[]}},{"k":{"p":""}},{"j":{"n":"\u00e9"}}`,
		`{"list":[{"n":"x","i":7,"t":["y","z"]},{"n":"x"}],"plist":[{"i":null}]},{"list":[],"plist":[]},{"list":[{}]}`,
		`{"list":null,"plist":null,"texts":null,"rows":null,"row":null,"value":null,"pvalue":null,"ptext":null}`,
		`{"list":[{"n":"x"},{"n":1,"i":2},{"n":"x","n":"y"}]}`,
		`{"list":[{"i":"2"},{"i":2.0},{"i":""},{"i":{}}]}`,
		`{"list":{}},{"list":""},{"plist":""},{"plist":{}},{"list":[[],"",null,7]},{"texts":[1,true,null,"",[]]}`,
		`{"texts":["a","\u00e9","` + "\xff" + `"]},{"texts":["a"`, `{"texts":["a",]}`, `{"texts":[,"a"]}`,
		`{"lists":[[1,null],[],null]}`,
		`{"rows":[{"n":"x"},{"n":{}},7,{"n":"x","n":"y"}]},{"row":{"n":"x"}},{"row":{"i":"x"}},{"row":[1]}`,
		`{"value":{"a":[1, 2 ,"\u00e9"]}},{"value":1.50},{"value":"` + "\xff" + `"},{"value":{"a":1,"a":2}}`,
		`{"value":true,"pvalue":7},{"value":nul}`, `{"value":` + nested(29) + `}`,
		`{"value":` + nested(30) + `}`,
		`{"others":{"n":true,"b": 7 ,"c":[1, 2]}},{"others":{"a" : {} }},{"others":{}},{"others":{"a":1,"a":2}}`,
		`{"others":{"é":"\u00e9","` + "\xff" + `":1}},{"others":{"\u0061":1,"a":2}},{"others":[]}`,
		`{"counted":7},{"counted":"8"},{"counted":null},{"counted":[{"n":"x"}]},{"counted":{}}`,
		`{"counted":[{"i":"x"},{}]},{"counted":[{"n":"x","n":"y"}]}`,
		`{"counted":[{},{},{}]},{"counted":true}`, `{"list":[{"t":` + nested(27) + `}]}`,
		`{"list":[{"z":` + nested(27) + `}]}`,
		`{"list":[{"z":` + nested(28) + `}]}`, `{"ptext":"x"},{"ptext":7},{"ptext":[]}`,
		`{"a":"\/","e":"\u0031"},{"h":"\u0059"}`,
	} {
		f.Add([]byte(`{"code":"0","rows":[` + rows + `],"count":2}`))
	}
	for _, s := range []string{
		"\ufeff" + `{"rows":[{"a":"x"}]}`, `{"rows":{}}`, `{"rows":null}`, `{"rows":"x"}`, `{"code":"1"}`,
		`{"rows":[{"a":"x"}],"rows":[{"a":"y"}]}`, `{"rows":[{"a":"x"}`, `{"rows":[{"a":"x"}]`,
		`{"rows":[{"a":"x"}]}}`,
		`{"rows":[{"a":"x"}]}{}`, `{"rows":[{"a":"x"}],"count":[]}`, `{"rows":[{"a":"x"}],"count":7,"count":8}`,
		`{"x":{"rows":[{"a":"y"}]},"y":["]}\"",{"a":1}],"rows":[{"a":"x"}],"z":1e5}`, `{"x":7}7`,
		`{"z":` + nested(31) + `,"rows":[]}`, `{"z":` + nested(32) + `,"rows":[]}`,
		`{"rows":[],"z":` + nested(32) + `}`,
		`{"rows":[{"a":"x"}]}` + strings.Repeat(" ", most), "[]", "null", "", `"x"`, "\ufeff", "\ufeff ", " \ufeff{}",
		`{"own":[{"n":"x"},{"n":[1]}],"code":1.0}`, `{"own":null}`, `{"own":{}}`,
		`{"code":"decoder","rows":[{"a":"x"}]}`,
		`{"count":"2"}`, `{"count":2.0}`, `{"count":""}`, `{"count":"x"}`, `{"rows":[{"a":"x"}],"count":[]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var decoded, read page
		want := decodeJSON(bytes.NewReader(body), &decoded, most)
		got := decode(&http.Response{Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, &read, most)
		switch {
		case fmt.Sprint(want) != fmt.Sprint(got):
			t.Errorf("%q: %v, want %v", body, got, want)
		case want == nil && show(&decoded) != show(&read):
			t.Errorf("%q: %s\nwant %s", body, show(&read), show(&decoded))
		}
	})
}

// show returns all that a page says.
func show(p *page) string {
	b := bytes.NewBufferString(p.kept)
	showValue(b, reflect.ValueOf(&p.members).Elem())
	return b.String()
}

func showValue(b *bytes.Buffer, v reflect.Value) {
	if row, ok := reflect.TypeAssert[interface{ Path() string }](v.Addr()); ok {
		fmt.Fprintf(b, "\n%s ", row.Path())
	}
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				fmt.Fprintf(b, " %s:", field.Name)
				showValue(b, v.Field(i))
			}
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		b.WriteByte('&')
		showValue(b, v.Elem())
	case v.Kind() == reflect.Slice && !v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8:
		fmt.Fprintf(b, "[%d]", v.Len())
		for i := range v.Len() {
			showValue(b, v.Index(i))
		}
	default:
		fmt.Fprintf(b, "%#v,", v.Interface())
	}
}

func TestUsualPagesNeedNoDecoder(t *testing.T) {
	for body, want := range map[string]bool{
		`{"rows":[{"a":"x","b":"y","c":"z","d":"20260102030405","e":7}],"count":1}`:              true,
		`{"rows":[{"list":[{"n":"x"}],"rows":[{"n":"x"}],"others":{"z":1},"counted":[{}]}]}`:     true,
		`{"rows":[{"a":"é","z":null},{"a":"\u00e9"},{"a":true},{"e":"7"},{"j":""}],"count":"1"}`: true,
		// A decoder reads the row alone.
		`{"rows":[{"list":"","row":7}],"own":[]}`: true,
		"\ufeff{\"count\":0}\n":                   true,
		`{"rows":{}}`:                             false,
		`{"own":null}`:                            false,
		`{"code":"decoder"}`:                      false,
		`{"rows":[{"a":"x","a":"y"}]}`:            false,
	} {
		if read := jsonx.Read([]byte(body), &page{}); read != want {
			t.Errorf("%s is read without a decoder: %t", body, read)
		}
	}
}

// How the network cuts a body into packets changes no error.
func TestErrorsDoNotDependOnPackets(t *testing.T) {
	const most = 100
	for _, body := range []string{
		"", " ", "\ufeff", "\ufeff ", " \ufeff", "\xef", "\xef\xbb", "\ufeffnull", "\ufeff{", "\ufeff[]",
	} {
		for _, into := range []any{&inner{}, &map[string]inner{}} {
			res := func(body io.Reader) *http.Response {
				return &http.Response{Header: http.Header{}, Body: io.NopCloser(body)}
			}
			whole := decode(res(strings.NewReader(body)), into, most)
			cut := decode(res(iotest.OneByteReader(strings.NewReader(body))), into, most)
			if whole == nil || cut == nil || whole.Error() != cut.Error() {
				t.Errorf("%q: %v; byte by byte: %v", body, whole, cut)
			}
		}
	}
}
