package upstream

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// depth returns how deep a JSON text nests according to the JSON library, and whether it is JSON.
func depth(text []byte) (deepest int, ok bool) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := d.ReadToken(); err != nil {
			return deepest, err == io.EOF && d.StackDepth() == 0
		}
		deepest = max(deepest, d.StackDepth())
	}
}

func FuzzBoundedReader(f *testing.F) {
	for _, s := range []string{``, `{}`, `{"a":[{"b":"]\"}["}]}`, `"\\"`, `[[[`, "\xff", ` [1] `, `{"a":"\\\"{"}`,
		string(bytes.Repeat([]byte("["), 40)) + string(bytes.Repeat([]byte("]"), 40))} {
		f.Add([]byte(s), int64(20))
	}
	f.Fuzz(func(t *testing.T, text []byte, most int64) {
		read := func(from io.Reader) (string, error) {
			got, err := io.ReadAll(&boundedReader{from: from, left: most})
			return string(got), err
		}
		got, err := read(bytes.NewReader(text))
		if most < 0 {
			return
		}
		switch nested, isJSON := depth(text); {
		case int64(len(text)) > most:
			if err != errTooLarge && err != errTooDeep {
				t.Errorf("%d bytes passed a bound of %d: %v", len(text), most, err)
			}
		case isJSON && nested > maxDepth:
			if err != errTooDeep {
				t.Errorf("%d levels passed: %v", nested, err)
			}
		case isJSON && (err != nil || got != string(text)):
			t.Errorf("a sound text of %d levels became %q, %v", nested, got, err)
		}
		if _, again := read(iotest.OneByteReader(bytes.NewReader(text))); (again == nil) != (err == nil) {
			t.Errorf("whole: %v; byte by byte: %v", err, again)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	for _, s := range []string{
		"", "0", "120", " 7 ", "-1", "1.5", "+3", "99999999999999999999", "soon",
		"Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:49:38 GMT",
	} {
		f.Add(s, date)
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, after, date string) {
		got := retryAfter(http.Header{"Retry-After": {after}, "Date": {date}})
		if got < 0 || got > maxRetryAfter {
			t.Errorf("%q at %q is %v", after, date, got)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"", ".", "..", "a/b", "%2F", "a b+c", "x@y:z", "é\xff", "?#", "//", "..;", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		path := Path("sites", id, "off")
		if bad := id == "" || id == "." || id == ".."; soundPath(path) == bad {
			t.Fatalf("soundPath(%q) = %v", path, !bad)
		}
		u, err := url.ParseRequestURI(path)
		if err != nil || u.EscapedPath() != path || u.Path != "/sites/"+id+"/off" || strings.Count(path, "/") != 3 {
			t.Errorf("%q became %q: %+v, %v", id, path, u, err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	for after, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, " 7 ": 7 * time.Second, "-1": 0, "1.5": 0, "+3": 0, "soon": 0,
		"4294967296": maxRetryAfter, "99999999999999999999": maxRetryAfter,
		"Sun, 06 Nov 1994 08:50:37 GMT": time.Minute, "Sunday, 06-Nov-94 08:49:38 GMT": time.Second,
		"Sun Nov  6 08:49:39 1994": 2 * time.Second, "Sun, 06 Nov 1994 08:40:00 GMT": 0,
		"Wed, 01 Jan 3000 00:00:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(http.Header{"Retry-After": {after}, "Date": {date}}); got != want {
			t.Errorf("%q is %v, want %v", after, got, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		soon := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
		if got := retryAfter(http.Header{"Retry-After": {soon}}); got != time.Minute {
			t.Errorf("without a Date, a minute from now is %v", got)
		}
	})
}

// FuzzUncompress demands that a body of JSON stays as it is, whatever its header says.
func FuzzUncompress(f *testing.F) {
	for _, encoding := range []string{"", "gzip", "deflate", "x-gzip, DEFLATE", "br", ",,identity", "gzip,gzip,gzip"} {
		f.Add(encoding, []byte(`{"a":1}`))
		f.Add(encoding, []byte("\x1f\x8b\x08\x00"))
		f.Add(encoding, []byte("\x78\x9c\xab\x56"))
		f.Add(encoding, []byte("\x28\xb5\x2f\xfd"))
	}
	f.Fuzz(func(t *testing.T, encoding string, body []byte) {
		header := http.Header{"Content-Encoding": {encoding}}
		res := &http.Response{Header: header, Body: io.NopCloser(bytes.NewReader(body))}
		unknown := uncompress(res)
		got, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		isJSON := len(body) > 2 && (body[0] == '{' || body[0] == '[')
		if (isJSON || unknown != "") && (err != nil || !bytes.Equal(got, body)) {
			t.Errorf("%q under %q became %q, %v", body, encoding, got, err)
		}
	})
}
