package twin_test

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestRespell(t *testing.T) {
	text, err := os.ReadFile("testdata/respell.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[twin.Spelling]bool{}
	for line := range strings.Lines(string(text)) {
		what, how, row := strings.Cut(strings.TrimSpace(line), ": ")
		from, to, _ := strings.Cut(how, " => ")
		if !row || line[0] == '#' {
			continue
		}
		words := strings.Fields(what)
		fault := twin.Fault{Kind: twin.FaultRespell, Spelling: twin.Spelling(words[0]), Names: words[1:]}
		seen[fault.Spelling] = true
		onBothTransports(t, twin.Options{}, func(t *testing.T, s session) {
			s.Faults().Add(fault)
			res, body := mustCall(t, s.client, "POST", s.base+"/echo", from)
			shown := strings.ReplaceAll(strings.Trim(strconv.Quote(body), `"`), `\"`, `"`)
			if got := strings.TrimSpace(shown + " " + res.Header.Get("Content-Type")); got != to {
				t.Errorf("%s of %s:\ngot  %s\nwant %s", what, from, got, to)
			}
		})
	}
	page, err := os.ReadFile("../../docs/twins.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range twin.Spellings() {
		if !seen[spelling] || !strings.Contains(string(page), "`"+string(spelling)+"`") {
			t.Errorf("no row has the spelling %s, or docs/twins.md lacks it", spelling)
		}
	}
}

// TestPages asks a vendor of five rows for pages.
func TestPages(t *testing.T) {
	vendor := func(w http.ResponseWriter, r *http.Request) {
		number := func(name string, otherwise int) int {
			n, err := strconv.Atoi(r.URL.Query().Get(name))
			if err != nil {
				return otherwise
			}
			return n
		}
		size := number("size", 2)
		first := number("offset", size*(number("page", 1)-1))
		rows := []int{}
		for n := first; n < min(first+size, number("rows", 5)); n++ {
			rows = append(rows, n)
		}
		if first < 0 || r.URL.Query().Has("none") {
			twin.WriteJSON(w, 200, "no list")
			return
		}
		twin.WriteJSON(w, 200, map[string]any{"rows": rows, "zero": []int{}})
	}
	pages, offsets := []string{"page"}, []string{"offset", "size"}
	for _, test := range []struct {
		kind  twin.FaultKind
		names []string
		query string
		want  string
	}{
		{twin.FaultIgnore, pages, "page=3&size=1", "[0]"},
		{twin.FaultIgnore, offsets, "offset=3&size=1", "[0,1]"},
		{twin.FaultLastPage, pages, "page=2", "[2,3]"},
		{twin.FaultLastPage, pages, "page=9", "[4]"},
		{twin.FaultLastPage, pages, "page=9&rows=0", "[]"},
		{twin.FaultLastPage, offsets, "offset=5&size=4", "[1,2,3,4]"},
		{twin.FaultLastPage, offsets, "offset=90&size=4", "[2,3,4]"},
		{twin.FaultLastPage, offsets, "offset=90", "[]"},
		{twin.FaultLastPage, offsets, "offset=3&size=4&none", "no list"},
	} {
		tw := twin.New(http.HandlerFunc(vendor), twin.Options{})
		tw.Faults().Add(twin.Fault{Kind: test.kind, Names: test.names})
		got := twintest.Serve(tw, newRequest(t, "GET", "/rows?"+test.query, ""))
		if !strings.Contains(got.Text, test.want) {
			t.Errorf("%s %v of %s: %s, want %s", test.kind, test.names, test.query, got.Text, test.want)
		}
		if request := tw.Ledger().Requests()[0]; !strings.Contains(request.Target, test.query) {
			t.Errorf("the ledger shows %s, want %s", request.Target, test.query)
		}
	}
}

func TestChangesApplyTogetherAndBeneathOtherFaults(t *testing.T) {
	tw := newTwin(twin.Options{})
	tw.Faults().Add(twin.Fault{Kind: twin.FaultRespell, Spelling: twin.NumbersAsText, Times: 3})
	tw.Faults().Add(twin.Fault{Kind: twin.FaultMalformed, Times: 1})
	tw.Faults().Add(twin.Fault{Kind: twin.FaultRespell, Spelling: twin.HTMLType, Skip: 1})
	for _, want := range []string{
		`{"a": application/json`, `{"a":"12"} text/html; charset=UTF-8`, `{"a":"12"} text/html; charset=UTF-8`,
		`{"a":12} text/html; charset=UTF-8`,
	} {
		got := twintest.Serve(tw, newRequest(t, "POST", "/echo", `{"a":12}`))
		if text := got.Text + " " + got.ContentType(); text != want {
			t.Errorf("%s, want %s", text, want)
		}
	}
	kinds := ""
	for _, request := range tw.Ledger().Requests() {
		kinds += string(request.Fault) + " "
	}
	if kinds != "malformed respell respell respell " || len(tw.Faults().List()) != 1 {
		t.Errorf("the ledger shows the faults %s, and in force are %v", kinds, tw.Faults().List())
	}
}
