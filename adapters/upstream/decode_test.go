package upstream_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
)

func TestResponsesThatCannotBeRead(t *testing.T) {
	const html, text, jsonp = "text/html; charset=utf-8", "text/plain", "application/jsonp"
	const tooLarge, got = "larger than 1048576 bytes", "expected JSON, got "
	page, plain, squeezed := "<b>\nOff</b>", "<b> Off</b>", squeeze(`{"name":"one"}`)
	deep := `{"name":"x","other":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}"
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		says    string
		excerpt string
	}{
		"empty":                        {answer(200, ""), "empty body", ""},
		"white space":                  {answer(200, " \n "), "empty body", ""},
		"null":                         {answer(200, " null "), "null", ""},
		"not JSON":                     {answer(200, "OK"), "invalid character", ""},
		"half":                         {answer(200, `{"name":"one"`), "EOF", ""},
		"stray brace":                  {answer(200, `{"name":"one"}}`), "after top-level value", ""},
		"second value":                 {answer(200, `{"name":"one"}{"name":"two"}`), "after top-level value", ""},
		"duplicate":                    {answer(200, `{"name":"one","name":"two"}`), "duplicate", ""},
		"duplicate where nobody looks": {answer(200, `{"name":"one","x":{"a":1,"a":2}}`), "duplicate", ""},
		"another type":                 {answer(200, `{"name":{"a":1}}`), "name: expected text, got an object", ""},
		"a list":                       {answer(200, `[{"name":"one"}]`), "expected an object, got a list", ""},
		"too deep":                     {answer(200, deep), "nests more than 32", ""},
		"far too deep":                 {answer(200, `{"x":`+strings.Repeat("[", 1<<16)), "nests more than 32", ""},
		"too large":                    {answer(200, `{"name":"`+strings.Repeat("x", 1<<20)), tooLarge, ""},
		"endless white space":          {endless(200, strings.Repeat(" ", 4096)), tooLarge, ""},
		"an endless string":            {endless(200, `"`+strings.Repeat("x", 4096)), "", ""},
		"too large, compressed":        {zipped(squeeze(strings.Repeat(" ", 1<<21))), tooLarge, ""},
		"no gzip at all":               {zipped("no gzip at all"), "", ""},
		"corrupt gzip":                 {zipped(squeezed[:12] + "\xff\xff\xff\xff" + squeezed[16:]), "", ""},
		"a wrong checksum":             {zipped(squeezed[:len(squeezed)-8] + "12345678"), "", ""},
		"HTML":                         {answer(200, page, "Content-Type", html), got + html, plain},
		"text":                         {answer(200, "OK", "Content-Type", text), got + text, "OK"},
		"data, which is not shown":     {answer(200, ` {"name":["hunter2"]}`, "Content-Type", text), text, ""},
		"JSONP, which is not shown":    {answer(200, "[1]", "Content-Type", jsonp), got + jsonp, ""},
		"redirect":                     {answer(302, "", "Location", "/elsewhere?token=hunter2"), "HTTP 302", ""},
	} {
		t.Run(name, func(t *testing.T) {
			against(t, test.handler, upstream.Options{MaxBody: 1 << 20}, func(t *testing.T, v *vendor) {
				e := want(t, v.read(t.Context()), unusable, test.says)
				status := "200"
				if name == "redirect" {
					status = "302"
				}
				gotStatus, excerpt := e.Metadata[apierror.VendorHTTPStatus], e.Metadata[apierror.VendorMessage]
				if gotStatus != status || excerpt != test.excerpt {
					t.Errorf("status %s and %q, want %s and %q", gotStatus, excerpt, status, test.excerpt)
				}
				if all := everything(e); strings.Contains(all, "hunter2") || strings.Contains(all, "4711") {
					t.Errorf("the vendor's value shows in %s", all)
				}
				v.wantCalls(t, 1)
			})
		})
	}
	against(t, endless(200, " "), upstream.Options{}, func(t *testing.T, v *vendor) {
		if _, err := v.Read(t.Context(), get, nil); err != nil {
			t.Errorf("a response that nobody reads: %v", err)
		}
	})
	against(t, answer(200, `{"pin":"4711hunter"}`), upstream.Options{}, func(t *testing.T, v *vendor) {
		_, err := v.Read(t.Context(), get, &struct {
			PIN int32 `json:"pin"`
		}{})
		e := want(t, err, unusable, "pin: expected a whole number, got text")
		if all := everything(e); strings.Contains(all, "4711") {
			t.Errorf("the vendor's value shows in %s", all)
		}
	})
}

func squeeze(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zipped(body string) http.HandlerFunc { return answer(200, body, "Content-Encoding", "gzip") }

func TestResponsesThatCanBeRead(t *testing.T) {
	one, open := `{"name":"one"}`, strings.Repeat("[", 40)
	deep := `{"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `,"name":"]]{{[["}`
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		name    string
	}{
		"unknown members":     {answer(200, `{"x":[{}],"name":"one","y":null}`), "one"},
		"case matters":        {answer(200, `{"Name":"other","NAME":"other"}`), ""},
		"as deep as allowed":  {answer(200, deep), "]]{{[["},
		"white space after":   {answer(200, one+"\r\n"), "one"},
		"JSON:API":            {answer(201, one, "Content-Type", "application/vnd.api+json"), "one"},
		"parameters":          {answer(200, one, "Content-Type", "Application/JSON;charset=UTF-8"), "one"},
		"sloppy parameters":   {answer(200, one, "Content-Type", "application/json;charset"), "one"},
		"brackets in escapes": {answer(200, `{"name":"\"`+open+`\\"}`), `"` + open + `\`},
		"compressed":          {zipped(squeeze(one)), "one"},
		"a byte-order mark":   {answer(200, "\ufeff"+one), "one"},
		"invalid UTF-8":       {answer(200, "{\"name\":\"a\xff\"}"), "a\ufffd"},
		"half an emoji":       {answer(200, `{"name":"a\ud83d"}`), "a\ufffd"},
		"invalid, not looked": {answer(200, "{\"name\":\"one\",\"x\":\"\xff\\ud83d\"}"), "one"},
		"a number for a name": {answer(200, `{"name":4711.0}`), "4711"},
		"HTML in name alone":  {answer(200, one, "Content-Type", "text/html"), "one"},
		"a mark and text":     {answer(200, "\ufeff"+one, "Content-Type", "text/plain"), "one"},
		"bytes":               {answer(200, one, "Content-Type", "application/octet-stream"), "one"},
		"two types":           {answer(200, one, "Content-Type", "application/json, application/json"), "one"},
		"a blank in a type":   {answer(200, one, "Content-Type", "application/json charset=utf-8"), "one"},
	} {
		t.Run(name, func(t *testing.T) {
			against(t, test.handler, upstream.Options{}, func(t *testing.T, v *vendor) {
				var into site
				if _, err := v.Read(t.Context(), get, &into); err != nil || into.Name != test.name {
					t.Errorf("%+v, %v; want %q", into, err, test.name)
				}
			})
		})
	}
}

func TestNothingIsLeftOfAnEarlierResponse(t *testing.T) {
	half := cut(200, `{"total":7,"sites":[{"name":"one"},`)
	against(t, inTurn(half, answer(200, `{"sites":[{}]}`)), upstream.Options{}, func(t *testing.T, v *vendor) {
		var into struct {
			Sites []site `json:"sites"`
			Total int    `json:"total"`
		}
		into.Total = 5
		_, err := v.Read(t.Context(), get, &into)
		if err != nil || into.Total != 0 || len(into.Sites) != 1 || into.Sites[0].Name != "" {
			t.Errorf("%+v, %v", into, err)
		}
		v.wantCalls(t, 2)
	})
}

func TestALargePageIsNotHeldTwice(t *testing.T) {
	unused := strings.Repeat(`"`+strings.Repeat("x", 998)+`",`, 8000) // 8 MB
	page := answer(200, `{"unused":[`+unused+`1],"name":"one"}`)
	against(t, page, upstream.Options{}, func(t *testing.T, v *vendor) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var into site
		if _, err := v.Read(t.Context(), get, &into); err != nil || into.Name != "one" {
			t.Fatalf("%+v, %v", into, err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("decoding %d bytes allocated %d", len(unused), got)
		}
	})
}
