package upstream

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
)

// readOnly is a transport for reads alone: a write fails the test.
func readOnly(t *testing.T) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s was sent", r.Method, r.URL)
		}
		return &http.Response{StatusCode: 204, Body: http.NoBody, Request: r}, nil
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func newReadOnly(t *testing.T, o Options) *Client {
	t.Helper()
	o.BaseURL, o.Transport = cmp.Or(o.BaseURL, "https://vendor.test"), readOnly(t)
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// planned returns the line that a dry run of a write keeps.
func planned(t *testing.T, o Options, req Request) string {
	t.Helper()
	ctx, dryRun := mutation.WithDryRun(t.Context())
	if _, err := newReadOnly(t, o).Write(ctx, req, nil); !mutation.IsDryRun(err) {
		t.Fatalf("a write in a dry run returns %v, want the error of a dry run", err)
	}
	lines := dryRun.Requests()
	if len(lines) != 1 {
		t.Fatalf("the dry run keeps %q, want one line", lines)
	}
	if strings.ContainsFunc(lines[0], func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("%q is no line of printable ASCII", lines[0])
	}
	return lines[0]
}

const (
	acceptJSON = ` --header 'Accept: application/json'`
	typeJSON   = acceptJSON + ` --header 'Content-Type: application/json`
	empty      = ` --header 'Content-Length: 0'`
	typeForm   = acceptJSON + ` --header 'Content-Type: application/x-www-form-urlencoded'`
)

func TestADryRunKeepsWhatAWriteWouldSend(t *testing.T) {
	const host, postTo = "https://vendor.test", "--request POST 'https://vendor.test"
	object := JSON(map[string]any{"name": "n<", "a": 1}).As("application/json;charset=UTF-8")
	header := http.Header{"X-B": {"1", "2"}, "X-A": {""}, "Accept": {"text/csv"}, "User-Agent": {"me"}, "Host": {"h"}}
	parts := Multipart(
		Part{Name: "code", Content: []byte("<it's\n@home")},
		Part{Name: "cert", FileName: "fairplay.cer", Content: []byte{0, 1}},
		Part{Name: "key", FileName: `a;"b".pem`, ContentType: "text/plain", Content: []byte("not shown")},
		Part{Name: "meta", ContentType: "application/json", Content: []byte(`{"a":";"}`)},
	)
	for _, test := range []struct {
		req  Request
		want string
	}{
		{Request{Method: "POST", Path: Path("sites", "a/b c", "x@y:z"), Body: object},
			postTo + `/sites/a%2Fb%20c/x@y:z'` + typeJSON + `;charset=UTF-8' --data-raw '{"a":1,"name":"n<"}'`},
		{Request{Method: "PUT", Body: JSON("@file")},
			"--request PUT '" + host + `/x'` + typeJSON + `' --data-raw '"@file"'`},
		{Request{Method: "POST", Body: Form(url.Values{"b": {"ä +&"}, "a": {"1", "2"}})},
			postTo + `/x'` + typeForm + ` --data-raw 'a=1&a=2&b=%C3%A4+%2B%26'`},
		{Request{Method: "POST", Body: Form(nil)}, postTo + `/x'` + typeForm + ` --data-raw ''`},
		{Request{Method: "PATCH", Query: url.Values{"b": {"ä +&'"}, "a": {"1", "2"}}},
			"--request PATCH '" + host + `/x?a=1&a=2&b=%C3%A4%20%2B%26%27'` + acceptJSON + empty},
		{Request{Method: "DELETE", RawQuery: "z=%7e&a=b+c&l[]={1}&q='"},
			"--globoff --request DELETE '" + host + `/x?z=%7e&a=b+c&l[]={1}&q='\'''` + acceptJSON},
		{Request{Method: "DELETE", RawQuery: "q=é"}, "--request DELETE $'" + host + `/x?q=\xc3\xa9'` + acceptJSON},
		{Request{Method: "DELETE", Header: header}, "--request DELETE '" + host + `/x' --header 'Accept: text/csv'` +
			` --header 'User-Agent: me' --header 'X-A;' --header 'X-B: 1' --header 'X-B: 2'`},
		{Request{Method: "POST", Body: parts}, postTo + `/x'` + acceptJSON +
			` --form-string $'code=<it\'s\x0a@home' --form 'cert=@"fairplay.cer";type=application/octet-stream'` +
			` --form 'key=@"a;\"b\".pem";type=text/plain' --form 'meta="{\"a\":\";\"}";type=application/json'`},
	} {
		test.req.Path = cmp.Or(test.req.Path, "/x")
		if got := planned(t, Options{}, test.req); got != "curl "+test.want {
			t.Errorf("the line is\n%s\nwant\ncurl %s", got, test.want)
		}
	}
	want := `curl --globoff --request DELETE 'http://[::1]:80/x'` + acceptJSON
	if got := planned(t, Options{BaseURL: "http://[::1]:80/"}, Request{Method: "DELETE", Path: "/x"}); got != want {
		t.Errorf("the line is\n%s\nwant\n%s", got, want)
	}
}

func TestADryRunHidesWhatASignatureAdds(t *testing.T) {
	plain := Request{Method: "DELETE", Path: "/x"}
	query, header, body, unsigned := plain, plain, plain, plain
	query.RawQuery = "b=2&a=1%202"
	header.Header = http.Header{"X-Key": {"plain"}}
	body.Body = Form(url.Values{"a": {"1"}})
	unsigned.Unsigned = true
	const line = "--request DELETE 'https://vendor.test/x"
	for name, test := range map[string]struct {
		sign func(r *http.Request)
		req  Request
		want string
	}{
		"a header": {func(r *http.Request) { r.Header.Set("Authorization", "Bearer hunter2") }, query,
			line + `?b=2&a=1%202'` + acceptJSON + ` --header 'Authorization: [redacted]'`},
		"under its own spelling": {func(r *http.Request) { r.Header["x-KEY"] = []string{"hunter2"} }, query,
			line + `?b=2&a=1%202'` + acceptJSON + ` --header 'x-KEY: [redacted]'`},
		"a value to a header": {func(r *http.Request) { r.Header.Add("X-Key", "hunter2") }, header,
			line + `'` + acceptJSON + ` --header 'X-Key: [redacted]'`},
		"a parameter": {func(r *http.Request) { r.URL.RawQuery += "&key=hunter2" }, query,
			"--globoff " + line + `?a=1%202&b=2&key=[redacted]'` + acceptJSON},
		"another parameter of the name": {func(r *http.Request) { r.URL.RawQuery += "&b=hunter2" }, query,
			"--globoff " + line + `?a=1%202&b=[redacted]'` + acceptJSON},
		"what is no parameter": {func(r *http.Request) { r.URL.RawQuery += "&key=hunter2;&key2=%hunter2" }, query,
			line + `?a=1%202&b=2'` + acceptJSON},
		"a parameter alone": {func(r *http.Request) { r.URL.RawQuery = "key=hunter2" }, plain,
			"--globoff " + line + `?key=[redacted]'` + acceptJSON},
		"a body": {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("hunter2")) }, body,
			line + `'` + typeForm + ` --data-raw 'a=1'`},
		"a host, which is no credential": {func(r *http.Request) { r.Host = "other.test" }, query,
			line + `?b=2&a=1%202'` + acceptJSON + ` --header 'Host: other.test'`},
		"nothing, unsigned": {func(*http.Request) { t.Error("it is signed") }, unsigned, line + `'` + acceptJSON},
	} {
		o := Options{Sign: func(_ context.Context, r *http.Request) error { test.sign(r); return nil }}
		if got := planned(t, o, test.req); got != "curl "+test.want {
			t.Errorf("%s: the line is\n%s\nwant\ncurl %s", name, got, test.want)
		}
	}
}

func TestADryRunHidesSecrets(t *testing.T) {
	for _, value := range []string{
		"hunter2", "p w/&=;+%", `say "no" \ 'yes'`, "<tag>&", "schön\nverkürzt", "naïve 😀 \"key\"", "\x01\x7f\u2028\"x",
	} {
		text := secret.New(value)
		padded, object := []byte("a "+value), map[string]any{"k": value, "more": []string{"a" + value + "b"}}
		typed := Part{Name: "k", ContentType: "text/plain", Content: padded}
		file := Part{Name: "k", FileName: "f", ContentType: "text/x", Content: []byte(value)}
		for want, req := range map[string]Request{
			"/keys/[redacted]'":                            {Path: Path("keys", value)},
			"?k=[redacted]'":                               {Query: url.Values{"k": {value}}},
			"'X-Key: key [redacted]'":                      {Header: http.Header{"X-Key": {"key " + value}}},
			`'{"k":"[redacted]","more":["a[redacted]b"]}'`: {Body: JSON(object)},
			"'k=[redacted]'":                               {Body: Form(url.Values{"k": {value}})},
			"'k=a [redacted]'":                             {Body: Multipart(Part{Name: "k", Content: padded})},
			`'k="a [redacted]";type=text/plain'`:           {Body: Multipart(typed)},
			`'k=@"f";type=text/x' --form-string 'l=[redacted]'`: {
				Body: Multipart(file, Part{Name: "l", Content: []byte(value)}),
			},
		} {
			req.Method = "POST"
			if req.Path == "" {
				req.Path = "/x"
			}
			secrets := []secret.Text{text}
			byClient := planned(t, Options{Secrets: func() []secret.Text { return secrets }}, req)
			req.Secrets = secrets
			for _, line := range []string{byClient, planned(t, Options{}, req)} {
				if !strings.Contains(line, want) {
					t.Errorf("with the secret %q, the line is %s, want %s", value, line, want)
				}
			}
		}
	}
	short := Request{Method: "POST", Path: "/x", Secrets: []secret.Text{secret.New("pw"), secret.New("")}}
	short.Body = Multipart(Part{Name: "pw", Content: []byte("pw")}, Part{Name: "none"},
		Part{Name: "typed", ContentType: "text/plain", Content: []byte("pw")})
	want := `--form-string 'pw=[redacted]' --form-string 'none=' --form 'typed="[redacted]";type=text/plain'`
	if got := planned(t, Options{}, short); !strings.HasSuffix(got, want) {
		t.Errorf("with a secret of two letters, %s, want %s", got, want)
	}
}

func TestAShellReadsWhatWouldBeSent(t *testing.T) {
	for _, value := range []string{
		"", "plain", "it's", "''", `\`, `\'`, `"$HOME" $(id) !1 ~ * # & | ;` + "`id`", "a\nb\r\n\tc",
		"schön", "\x80\xff0", "é1a", "\x7f\x1b[31m", "日本語'\\n", "@file", "<file", "-x",
	} {
		body := Multipart(Part{Name: "k", Content: []byte(value)})
		line := planned(t, Options{}, Request{Method: "POST", Path: "/x", Body: body})
		if words := shellWords(t, line); words[len(words)-1] != "k="+value {
			t.Errorf("of %q a shell makes %q", value, words)
		}
	}
	object := map[string]string{"q": `a "b" \ 'c'`, "n": "line\nline", "u": "é 日本 😀 \u2028", "z": "\x00\x01"}
	named := Request{Method: "POST", Path: "/x", Header: http.Header{"X-Name": {"it's é"}}, Body: JSON(object)}
	line := planned(t, Options{}, named)
	words := shellWords(t, line)
	if got, want := words[len(words)-1], string(JSON(object).content); got != want {
		t.Errorf("of %s a shell makes %s", want, got)
	}
	if !slices.Contains(words, "X-Name: it's é") {
		t.Errorf("the header is lost in %q", words)
	}
	if got := quote("a\x00b'"); got != `$'a\x00b\''` { // which no shell can give to a program
		t.Errorf("a NUL is quoted as %s", got)
	}
}

// shellWords returns the words of a line. If there is a bash, it must find the same ones.
func shellWords(t *testing.T, line string) []string {
	t.Helper()
	words := split(line)
	if bash, err := exec.LookPath("bash"); err == nil {
		script := exec.Command(bash, "--norc", "-c", `printf '%s\0' `+line)
		script.Env = []string{"LC_ALL=C"}
		out, err := script.Output()
		asked := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		if err != nil || !slices.Equal(asked, words) {
			t.Errorf("of %s bash makes %q, want %q; %v", line, asked, words, err)
		}
	}
	return words
}

var (
	// A piece of a line is '…', $'…', an escaped character, an option's letters, or a space.
	piece  = regexp.MustCompile(`^(?s:'([^']*)'|\$'((?:\\.|[^'\\])*)'|\\(.)|([a-zA-Z-]+)|( ))`)
	escape = regexp.MustCompile(`(?s)\\(x[0-9a-f]{2}|.)`)
)

// split returns the words of a line as POSIX and, for $'…', bash define them. It returns nil if the
// line has anything else that a shell interprets.
func split(line string) []string {
	words := []string{""}
	for line != "" {
		found := piece.FindStringSubmatch(line)
		if found == nil {
			return nil
		}
		line = line[len(found[0]):]
		if found[5] != "" {
			words = append(words, "")
			continue
		}
		plain := escape.ReplaceAllStringFunc(found[2], func(s string) string {
			if c, err := hex.DecodeString(strings.TrimPrefix(s, `\x`)); err == nil {
				return string(c)
			}
			return s[1:]
		})
		words[len(words)-1] += found[1] + plain + found[3] + found[4]
	}
	return words
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a b", "it's", `\`, `\'`, `\x41`, "\n", "é1", "\xff", "$'x'", "'\x00'", "\x7fa"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		quoted := quote(word)
		if got := split(quoted); !slices.Equal(got, []string{word}) {
			t.Errorf("%q is quoted as %s, which is %q", word, quoted, got)
		}
		if strings.ContainsFunc(quoted, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is quoted as %q, which is no printable ASCII", word, quoted)
		}
	})
}

func TestADryRunThatFails(t *testing.T) {
	mine := errors.New("mine")
	c := newReadOnly(t, Options{Sign: func(context.Context, *http.Request) error { return mine }})
	ctx, dryRun := mutation.WithDryRun(t.Context())
	if _, err := c.Write(ctx, Request{Method: "POST", Path: "/x"}, nil); err != mine {
		t.Errorf("without a signature: %v", err)
	}
	unencodable := JSON(func() {})
	for _, req := range []Request{
		{Method: "POST", Path: Path("..")}, {Path: "/x"}, {Method: "POST", Path: "/x", Body: unencodable},
	} {
		if _, err := c.Write(ctx, req, nil); err == nil || !strings.HasPrefix(err.Error(), "not sent: ") {
			t.Errorf("%+v: %v, want \"not sent: \"", req, err)
		}
	}
	if lines := dryRun.Requests(); len(lines) > 0 {
		t.Errorf("it keeps %q", lines)
	}
}

func TestADryRunReads(t *testing.T) {
	logins := 0
	var c *Client
	c = newReadOnly(t, Options{Sign: func(ctx context.Context, r *http.Request) error {
		logins++
		_, err := c.Read(ctx, Request{Path: "/login", Unsigned: true}, nil)
		r.Header.Set("Authorization", "hunter2")
		return err
	}})
	ctx, dryRun := mutation.WithDryRun(t.Context())
	for range 2 {
		if res, err := c.Read(ctx, Request{Path: "/x"}, nil); err != nil || res.Status != 204 {
			t.Errorf("a read returns %v, %v", res, err)
		}
		if _, err := c.Write(ctx, Request{Method: "DELETE", Path: "/x"}, nil); !mutation.IsDryRun(err) {
			t.Errorf("a write returns %v", err)
		}
	}
	if lines := dryRun.Requests(); len(lines) != 2 || logins != 4 {
		t.Errorf("with %d logins, it keeps %q", logins, lines)
	}
}
