package upstream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

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

	_ int
}

type inner struct {
	N string     `json:"n"`
	O jsonx.Time `json:"o"`
	P *place     `json:"p"`
	Q struct{}   `json:"q"`
}

// A place is a value that knows its path.
type place struct{ jsonx.Time }

func (p *place) SetPlain(value jsonx.Time) bool {
	p.Time = value
	return value.Text != "decoder"
}

// A decodedPage is decoded as it arrives. A cutPage is the same, with its rows cut out.
type (
	decodedPage struct {
		Code  jsonx.Text      `json:"code"`
		Rows  jsonx.Rows[row] `json:"rows"`
		Count int             `json:"count"`
	}
	cutPage struct{ decodedPage }
)

func (p *cutPage) List() (name, path string, rows jsonx.List) { return "rows", "rows", &p.Rows }

// show returns all that a page says.
func show(p *decodedPage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "code %q, count %d, rows %t:", p.Code, p.Count, p.Rows != nil)
	for i := range p.Rows {
		r := &p.Rows[i]
		value, err := json.Marshal(r.Value)
		fmt.Fprintf(&b, "\n%s %s %v misfit %+v", r.Path(), value, err, r.Misfit)
	}
	return b.String()
}

// nested returns a list that nests so deep.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// FuzzPage demands that a page with its rows cut out says and fails as one that is decoded.
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
		`{"j":{"n":"x","n":"y"}}`, `{"j":{"n":"x"},"k":{"n":"y"}},{"j":{"o":"x"},"k":{"n":"y","z":{"a":1,"a":2}}}`,
		`{"g":"7"},{"h":"Y"},{"i":1},{"j":[]},{"k":""},{"l":[]},{"m":{}},{"l":true},{"j":{"p":{}}},{"l":"decoder"}`,
		`{"g":2147483648},{"k":{"q":7}},{"k":{"q":[]}},{"k":{"p":""}},{"j":{"n":"\u00e9"}}`,
	} {
		f.Add([]byte(`{"code":"0","rows":[` + rows + `],"count":2}`))
	}
	for _, s := range []string{
		"\ufeff" + `{"rows":[{"a":"x"}]}`, `{"rows":{}}`, `{"rows":null}`, `{"rows":"x"}`, `{"code":"1"}`,
		`{"rows":[{"a":"x"}],"rows":[{"a":"y"}]}`, `{"rows":[{"a":"x"}`, `{"rows":[{"a":"x"}]`, `{"rows":[{"a":"x"}]}}`,
		`{"rows":[{"a":"x"}]}{}`, `{"rows":[{"a":"x"}],"count":[]}`, `{"rows":[{"a":"x"}],"count":7,"count":8}`,
		`{"x":{"rows":[{"a":"y"}]},"y":["]}\"",{"a":1}],"rows":[{"a":"x"}],"z":1e5}`, `{"x":7}7`,
		`{"z":` + nested(31) + `,"rows":[]}`, `{"z":` + nested(32) + `,"rows":[]}`,
		`{"rows":[],"z":` + nested(32) + `}`,
		`{"rows":[{"a":"x"}]}` + strings.Repeat(" ", most), "[]", "null", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		response := func() *http.Response {
			return &http.Response{Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
		}
		var decoded decodedPage
		var cut cutPage
		want, got := decode(response(), &decoded, most), decode(response(), &cut, most)
		switch {
		case fmt.Sprint(want) != fmt.Sprint(got):
			t.Errorf("%q: %v, want %v", body, got, want)
		case want == nil && show(&decoded) != show(&cut.decodedPage):
			t.Errorf("%q: %s\nwant %s", body, show(&cut.decodedPage), show(&decoded))
		}
	})
}

func TestPagesOfUsualRowsAreCut(t *testing.T) {
	for body, want := range map[string]bool{
		`{"rows":[{"a":"x","b":"y","c":"z","d":"20260102030405","e":7}],"count":1}`: true,
		`{"rows":[{"a":"é","z":null},{"a":"\u00e9"},{"a":true},{"e":"7"}]}`:         true, // some by a decoder
		`{"count":0}`:                  false,
		`{"rows":[{"a":"x","a":"y"}]}`: false,
		"{\"rows\":[]}\n":              true,
	} {
		if _, _, ok := jsonx.CutRows([]byte(body), &cutPage{}); ok != want {
			t.Errorf("%s is cut: %t", body, ok)
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
