package shape_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

// held is a type that decodes itself, and has the members of a row.
type held struct{}

func (held) Holds() reflect.Type { return reflect.TypeFor[*row]() }

func (*held) UnmarshalJSONFrom(*jsontext.Decoder) error { return nil }

type row struct {
	ID    string         `json:"id"`
	State string         `json:"state,omitzero"`
	Any   jsontext.Value `json:"any"`
	More  struct{}       `json:"more"`
	Open  map[string]row `json:"open"`
	Rest  *struct {
		Known  int            `json:"known"`
		Others jsontext.Value `json:",embed"`
	} `json:"rest"`
}

var documented = shape.Of[struct {
	Data []held `json:"data"`
	Code int    `json:"code"`
}]("GET /rows",
	shape.Shown("_links", "data.secret"), shape.Promised("data.id", "data.state", "code"),
	shape.Words("data.state", map[string]int{"ON": 1, "OFF": 2}),
	shape.Words("code", map[string]int{"0": 1}))

func TestCompare(t *testing.T) {
	text, err := os.ReadFile("testdata/compare.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Repeat(`{"id":"1","state":"ON"},`, 100)
	lines := append(strings.Split(string(text), "\n"), "\ufeff"+`{"data":0} => missing_field code`,
		`{"code":0,"data":[`+rows+`{"odd":1}]} =>`)
	for _, line := range lines {
		response, want, isCase := strings.Cut(line, " =>")
		if !isCase || line[0] == '#' {
			continue
		}
		var got []string
		for _, f := range documented.Compare([]byte(response)) {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Kind, f.Path, f.Word)))
			if f.Call != "GET /rows" {
				t.Errorf("%s: the call is %q", response, f.Call)
			}
		}
		if strings.Join(got, ", ") != strings.TrimSpace(want) {
			t.Errorf("%s:\ngot  %q\nwant %q", response, got, want)
		}
	}
}

func TestAShapeHasTheMembersThatItsRulesName(t *testing.T) {
	for name, rule := range map[string]shape.Rule{
		"promised":        shape.Promised("data.name"),
		"words":           shape.Words("status", map[string]int{}),
		"above":           shape.Shown("nothing.inside"),
		"below no object": shape.Shown("code.inside"),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			shape.Of[struct {
				Data []held `json:"data"`
				Code int    `json:"code"`
			}]("GET /rows", rule)
		}()
	}
	if (*shape.Shape)(nil).Call() != "" || documented.Call() != "GET /rows" {
		t.Error("the call is another one")
	}
}

func TestDriftIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d shape.Drift
		finding := func(n int) shape.Finding { return shape.Finding{Kind: shape.NewField, Path: fmt.Sprint(n)} }
		begin := time.Now()
		for n := range 150 {
			if isNew := d.Add(finding(n)); isNew != (n < 100) {
				t.Errorf("finding %d is new: %t", n, isNew)
			}
		}
		time.Sleep(time.Hour)
		if d.Add(finding(7)) {
			t.Error("a known finding is new")
		}
		for _, s := range d.Seen() {
			again := s.Path == "7"
			if !s.First.Equal(begin) || s.Last.Equal(begin) == again || (s.Count == 2) != again {
				t.Errorf("%+v", s)
			}
		}
		time.Sleep(23*time.Hour + time.Minute)
		if !d.Add(finding(200)) || len(d.Seen()) != 2 {
			t.Errorf("old findings take the room of a new one: %v", d.Seen())
		}
	})
}

func TestOneResponseInAnIntervalIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d shape.Drift
		other := shape.Of[row]("GET /row")
		for _, step := range []struct {
			shape *shape.Shape
			after time.Duration
			due   bool
		}{
			{documented, 0, true}, {documented, 59 * time.Second, false}, {other, 0, true},
			{documented, time.Second, true}, {other, time.Second, false},
		} {
			time.Sleep(step.after)
			if due := d.Due(step.shape, time.Minute); due != step.due {
				t.Errorf("%+v: due %t", step, due)
			}
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add([]byte(`{"code":1,"data":[{"id":"1","state":"X","x":[{"y":1}]},[{"z":2}]]}`))
	f.Add([]byte(`{"data":[[[{"id":{}}]]],"data":{},"\ud83d":1}`))
	f.Fuzz(func(t *testing.T, response []byte) {
		for _, found := range documented.Compare(response) {
			if len(found.Path) > 200 || len(found.Word) > 40 || strings.ContainsAny(found.Path+found.Word, "@\n\" ") {
				t.Errorf("%q shows %+v", response, found)
			}
		}
	})
}
