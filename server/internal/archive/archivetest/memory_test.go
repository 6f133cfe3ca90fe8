package archivetest

import (
	"reflect"
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// The rows of one second at a site, as letters, replace one another. What stays keeps its key.
func TestReplaceKeepsWhatIsThere(t *testing.T) {
	const site, second = "vendors/a/sites/1", 1_790_000_000
	m := NewMemory()
	if err := m.SetZone(t.Context(), site, time.UTC); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		shown  string
		change archive.Change
		want   string // newest first
	}{
		{shown: "abb", change: archive.Change{Added: 3}, want: "bba"},
		{shown: "bab", change: archive.Change{Kept: 3}, want: "bba"},
		{shown: "bbbac", change: archive.Change{Kept: 3, Added: 2}, want: "cbbba"},
		{shown: "bc", change: archive.Change{Kept: 2, Removed: 3}, want: "cb"},
		{shown: "", change: archive.Change{Removed: 2}, want: ""},
	} {
		r := archive.Replacement{Site: site, Span: archive.Span{From: second, To: second + 1}}
		for _, code := range c.shown {
			r.Rows = append(r.Rows, archive.Row{Site: site, Second: second, Code: string(code)})
		}
		change, err := m.Replace(t.Context(), r)
		if err != nil || change != c.change {
			t.Errorf("%q is %+v, %v, want %+v", c.shown, change, err, c.change)
		}
		got := ""
		rows, _ := m.Rows(t.Context(), site, r.Span)
		for _, row := range rows {
			got += row.Code
		}
		if got != c.want {
			t.Errorf("after %q the archive has %q, want %q", c.shown, got, c.want)
		}
	}
}

func TestSpansJoinAndForgetCutsThem(t *testing.T) {
	const site, base = "vendors/a/sites/1", 1_790_000_000
	m := NewMemory()
	_ = m.SetZone(t.Context(), site, time.UTC)
	for _, s := range []archive.Span{{From: 30, To: 40}, {From: 10, To: 20}, {From: 20, To: 25}, {From: 0, To: 5}} {
		_, err := m.Replace(t.Context(), archive.Replacement{
			Site: site, Span: archive.Span{From: base + s.From, To: base + s.To}, Final: true,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, _ = m.Forget(t.Context(), site, base+15)
	s, _ := m.Site(t.Context(), site)
	want := []archive.Span{{From: base + 15, To: base + 25}, {From: base + 30, To: base + 40}}
	if !reflect.DeepEqual(s.Spans, want) {
		t.Errorf("the spans are %v, want %v", s.Spans, want)
	}
}

// The suite passes the engine that it compares with. So a failure of another engine is its own.
func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) func() archive.Engine {
		m := NewMemory()
		return func() archive.Engine { return m }
	})
}
