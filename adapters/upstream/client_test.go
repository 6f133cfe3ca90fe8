package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
)

func TestBaseURL(t *testing.T) {
	const scheme, host, parts = "must begin with http://", "has no host", "scheme and host only"
	for base, test := range map[string]struct {
		says   string // what New says, "" if it takes the URL
		origin bool
	}{
		"http://127.0.0.1:7001":        {"", true},
		"http://[::1]:80":              {"", true},
		"https://api.vendor.example":   {"", true},
		"https://api.vendor.example/":  {"", false},
		"https://host?":                {parts, false},
		"https://host#":                {"", false},
		"HTTPS://host":                 {"", false},
		"":                             {scheme, false},
		"vendor.example":               {scheme, false},
		"ftp://vendor.example":         {scheme, false},
		"//host":                       {scheme, false},
		"https://":                     {host, false},
		"https:host":                   {host, false},
		"https://:80":                  {host, false},
		"https://host:65536":           {"port", false},
		"https://u:hunter2@v.example":  {"credentials", false},
		"https://user@host":            {"credentials", false},
		"https://v.example/api":        {parts, false},
		"https://v.example?x=hunter2":  {parts, false},
		"https://v.example#x":          {parts, false},
		"127.0.0.1:7001":               {"not a URL", false},
		"https://host:port":            {"not a URL", false},
		" https://host":                {"not a URL", false},
		"https://host ":                {"not a URL", false},
		"https://u:hunter2@v.ex ample": {"not a URL", false},
	} {
		_, err := upstream.New(upstream.Options{BaseURL: base})
		switch {
		case test.says == "" && err != nil:
			t.Errorf("%q: %v", base, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%q: %v, want %q", base, err, test.says)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("a secret shows in %v", err)
		}
		if got := upstream.IsOrigin(base); got != test.origin {
			t.Errorf("IsOrigin(%q) is %v", base, got)
		}
	}
}

func TestTheTimeoutEndsBeforeAWriteMust(t *testing.T) {
	for timeout, accepted := range map[time.Duration]bool{
		-time.Second: false, 0: false, time.Millisecond: true,
		mutation.MaxWriteTime: true, mutation.MaxWriteTime + 1: false, 5 * time.Minute: false,
	} {
		mistake := ""
		upstream.Limits{Timeout: new(timeout)}.CheckLimits(func(key, problem string) { mistake = key + " " + problem })
		if (mistake == "") != accepted {
			t.Errorf("%v: %q, want accepted %v", timeout, mistake, accepted)
		}
	}
}

func TestWhatTheVendorReceives(t *testing.T) {
	type seen struct{ method, target, contentType, accept, extra, body string }
	var got seen
	handler := func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header
		got = seen{r.Method, r.RequestURI, h.Get("Content-Type"), h.Get("Accept"), h.Get("X-Extra"), string(body)}
		if r.ContentLength != int64(len(body)) {
			t.Errorf("Content-Length %d of %q", r.ContentLength, body)
		}
	}
	const json, form = "application/json", "application/x-www-form-urlencoded"
	const jsonUTF8 = json + ";charset=UTF-8"
	query := url.Values{"b": {"ä +&"}, "a": {"1", "2"}}
	header := http.Header{"X-Extra": {"e"}, "Accept": {"text/csv"}}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
		for _, test := range []struct {
			req  upstream.Request
			want seen
		}{
			{upstream.Request{Path: upstream.Path("sites", "a/b c", "x@y:z"), Query: query},
				seen{"GET", "/sites/a%2Fb%20c/x@y:z?a=1&a=2&b=%C3%A4%20%2B%26", "", json, "", ""}},
			{upstream.Request{Path: "/x", RawQuery: "z=%7e&a=b+c"}, seen{"GET", "/x?z=%7e&a=b+c", "", json, "", ""}},
			{upstream.Request{Method: "PUT", Path: "/x", Header: header, Body: upstream.JSON(site{"n<"}).As(jsonUTF8)},
				seen{"PUT", "/x", jsonUTF8, "text/csv", "e", `{"name":"n<"}`}},
			{upstream.Request{Method: "POST", Path: "/x", Body: upstream.Form(url.Values{"a": {"b c"}})},
				seen{"POST", "/x", form, json, "", "a=b+c"}},
			{upstream.Request{Method: "POST", Path: "/x"}, seen{"POST", "/x", "", json, "", ""}},
		} {
			call := v.WriteOnRecord
			if test.want.method == "GET" {
				call = v.Read
			}
			if _, err := call(t.Context(), test.req, nil); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("the vendor got  %+v\nwant %+v", got, test.want)
			}
		}
	})
}

func TestMultipart(t *testing.T) {
	handler := func(_ http.ResponseWriter, r *http.Request) {
		mediaType, p, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || mediaType != "multipart/form-data" {
			t.Errorf("%q, %v", mediaType, err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for _, head := range []string{
			"\r\nContent-Disposition: form-data; name=\"cert_file\"; filename=\"a %22b%22.cer\"\r\n",
			"\r\nContent-Disposition: form-data; name=\"key_pw\"\r\n",
		} {
			if !strings.Contains(string(body), head) {
				t.Errorf("%q lacks %q", body, head)
			}
		}
		form, err := multipart.NewReader(bytes.NewReader(body), p["boundary"]).ReadForm(1 << 20)
		if err != nil {
			t.Error(err)
			return
		}
		file := form.File["cert_file"][0]
		f, _ := file.Open()
		content, _ := io.ReadAll(f)
		got := [4]string{file.Filename, file.Header.Get("Content-Type"), string(content), form.Value["key_pw"][0]}
		if got != [4]string{`a %22b%22.cer`, "application/octet-stream", "\x00\x01", "pw"} {
			t.Errorf("%q", got)
		}
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
		file := upstream.Part{Name: "cert_file", FileName: `a "b".cer`, Content: []byte{0, 1}}
		body := upstream.Multipart(file, upstream.Part{Name: "key_pw", Content: []byte("pw")})
		_, err := v.WriteOnRecord(t.Context(), upstream.Request{Method: "POST", Path: "/x", Body: body}, nil)
		if err != nil {
			t.Fatal(err)
		}
		v.wantCalls(t, 1)
	})
}

func TestIdsCannotLeadElsewhere(t *testing.T) {
	against(t, working, upstream.Options{}, func(t *testing.T, v *vendor) {
		for _, path := range []string{
			upstream.Path("sites", ".."), upstream.Path("sites", "."), upstream.Path("sites", ""),
			upstream.Path("sites", "", "off"), "/sites/%2e%2E/policy", "/sites/a?b", "/sites/a#b",
			"sites", "", "/sites/%zz",
		} {
			_, err := v.Read(t.Context(), upstream.Request{Path: path}, nil)
			want(t, err, invalid, "")
		}
		v.wantCalls(t, 0)
	})
}

func TestEveryAttemptIsSignedAnew(t *testing.T) {
	var got []string
	handler := inTurn(answer(503, ""), working)
	n := 0
	sign := func(_ context.Context, r *http.Request) error {
		n++
		r.Header.Set("X-Signature", strings.Repeat("s", n)+r.URL.RequestURI())
		return nil
	}
	record := func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("X-Signature"))
		handler(w, r)
	}
	against(t, record, upstream.Options{Sign: sign}, func(t *testing.T, v *vendor) {
		for _, req := range []upstream.Request{{Path: "/a%2Fb", RawQuery: "q=%7e"}, {Path: "/login", Unsigned: true}} {
			if _, err := v.Read(t.Context(), req, nil); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Join(got, " ") != "s/a%2Fb?q=%7e ss/a%2Fb?q=%7e " {
			t.Errorf("signatures %q", got)
		}
	})
	mine := errors.New("mine")
	failing := upstream.Options{Sign: func(context.Context, *http.Request) error { return mine }}
	against(t, working, failing, func(t *testing.T, v *vendor) {
		for _, call := range both {
			if err := call(v, t.Context()); err != mine {
				t.Errorf("without a signature: %v", err)
			}
		}
		v.wantCalls(t, 0)
	})
}

func TestConnectionsAreReused(t *testing.T) {
	handler := inTurn(
		working,
		answer(404, `{"error":"no"}`),
		answer(401, strings.Repeat("x", 60<<10)),
		answer(200, strings.Repeat(" ", 1000)+`{"name":"two"}`+strings.Repeat("\n", 1000)),
		answer(204, ""),
		working,
		answer(400, strings.Repeat("x", 1<<20)), // not worth reading for the sake of a connection
		working,
	)
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
		for i := range 8 {
			var into any = &site{}
			if i == 4 || i == 5 {
				into = nil
			}
			_, _ = v.Read(t.Context(), get, into)
			if dials, want := v.dials.Load(), int64(1+i/7); dials != want {
				t.Fatalf("after call %d there were %d connections, want %d", i+1, dials, want)
			}
		}
		v.wantCalls(t, 8)
	})
}
