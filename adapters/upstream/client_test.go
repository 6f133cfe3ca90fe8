package upstream_test

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestBaseURL(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:7001", "https://api.vendor.example", "https://api.vendor.example/", "http://[::1]:80"} {
		if _, err := upstream.New(upstream.Options{BaseURL: good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, says := range map[string]string{
		"":                             "http://",
		"vendor.example":               "http://",
		"ftp://vendor.example":         "http://",
		"https://":                     "host",
		"https://:80":                  "host",
		"https://u:hunter2@v.example":  "credentials",
		"https://v.example/api":        "scheme and host",
		"https://v.example?x=hunter2":  "scheme and host",
		"https://v.example#x":          "scheme and host",
		"https://u:hunter2@v.ex ample": "not a URL",
	} {
		_, err := upstream.New(upstream.Options{BaseURL: bad})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q and no secret", bad, err, says)
		}
	}
}

func TestAnOriginIsSchemeAndHostAlone(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:7001", "https://[::1]:7001", "https://api.vendor.example"} {
		if !upstream.IsOrigin(good) {
			t.Errorf("%s is refused", good)
		}
	}
	for _, bad := range []string{
		"", "api.vendor.example", "127.0.0.1:7001", "ftp://host", "https://", "https://:443", "https://host/", "https://host/api/v2", "https://host?a=b", "https://host?",
		"https://host#", "https://user:pass@host", "https://user@host", "https://host:port", " https://host", "https://host ", "HTTPS://host", "//host", "https:host",
	} {
		if upstream.IsOrigin(bad) {
			t.Errorf("%q is taken for scheme and host", bad)
		}
	}
}

func TestWhatTheVendorReceives(t *testing.T) {
	type seen struct {
		method, target, contentType, accept, extra, body string
		length                                           int64
	}
	var got seen
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Accept"), r.Header.Get("X-Extra"), string(body), r.ContentLength}
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, _ *vendor, c *upstream.Client) {
		for _, test := range []struct {
			req  upstream.Request
			want seen
		}{
			{upstream.Request{Path: upstream.Path("sites", "a/b c", "x@y:z"), Query: url.Values{"b": {"ä +&"}, "a": {"1", "2"}}},
				seen{method: "GET", target: "/sites/a%2Fb%20c/x@y:z?a=1&a=2&b=%C3%A4%20%2B%26", accept: "application/json"}},
			{upstream.Request{Path: "/x", RawQuery: "z=%7e&a=b+c"}, seen{method: "GET", target: "/x?z=%7e&a=b+c", accept: "application/json"}},
			{upstream.Request{Method: "PUT", Path: "/x", Header: http.Header{"X-Extra": {"e"}, "Accept": {"text/csv"}}, Body: upstream.JSON(site{"n<"}).As("application/json;charset=UTF-8")},
				seen{method: "PUT", target: "/x", accept: "text/csv", extra: "e", contentType: "application/json;charset=UTF-8", body: `{"name":"n<"}`, length: 13}},
			{upstream.Request{Method: "POST", Path: "/x", Body: upstream.Form(url.Values{"a": {"b c"}})},
				seen{method: "POST", target: "/x", accept: "application/json", contentType: "application/x-www-form-urlencoded", body: "a=b+c", length: 5}},
			{upstream.Request{Method: "POST", Path: "/x"}, seen{method: "POST", target: "/x", accept: "application/json"}},
		} {
			call := c.WriteOnRecord
			if test.want.method == "GET" {
				call = c.Read
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
	handler := func(w http.ResponseWriter, r *http.Request) {
		mediaType, p, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || mediaType != "multipart/form-data" {
			t.Errorf("%q, %v", mediaType, err)
		}
		form, err := multipart.NewReader(r.Body, p["boundary"]).ReadForm(1 << 20)
		if err != nil {
			t.Error(err)
			return
		}
		file := form.File["cert_file"][0]
		f, _ := file.Open()
		content, _ := io.ReadAll(f)
		if file.Filename != `a "b".cer` || file.Header.Get("Content-Type") != "application/octet-stream" || string(content) != "\x00\x01" || form.Value["key_pw"][0] != "pw" {
			t.Errorf("%+v %q %+v", file, content, form.Value)
		}
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		body := upstream.Multipart(upstream.Part{Name: "cert_file", FileName: `a "b".cer`, Content: []byte{0, 1}}, upstream.Part{Name: "key_pw", Content: []byte("pw")})
		if _, err := c.WriteOnRecord(t.Context(), upstream.Request{Method: "POST", Path: "/x", Body: body}, nil); err != nil {
			t.Fatal(err)
		}
		wantCalls(t, v, 1)
	})
}

func TestIdsCannotLeadElsewhere(t *testing.T) {
	against(t, working, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		for _, path := range []string{upstream.Path("sites", ".."), upstream.Path("sites", "."), upstream.Path("sites", ""), upstream.Path("sites", "", "off"),
			"/sites/%2e%2E/policy", "/sites/a?b", "/sites/a#b", "sites", "", "/sites/%zz"} {
			_, err := c.Read(t.Context(), upstream.Request{Path: path}, nil)
			want(t, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
		}
		wantCalls(t, v, 0)
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
	against(t, record, upstream.Options{Sign: sign}, func(t *testing.T, _ *vendor, c *upstream.Client) {
		if _, err := c.Read(t.Context(), upstream.Request{Path: "/a%2Fb", RawQuery: "q=%7e"}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(t.Context(), upstream.Request{Path: "/login", Unsigned: true}, nil); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, " ") != "s/a%2Fb?q=%7e ss/a%2Fb?q=%7e " {
			t.Errorf("signatures %q", got)
		}
	})
}

func TestAFailedSignatureEndsTheCallUnchanged(t *testing.T) {
	mine := errors.New("mine")
	o := upstream.Options{Sign: func(context.Context, *http.Request) error { return mine }}
	against(t, working, o, func(t *testing.T, v *vendor, c *upstream.Client) {
		if _, err := c.Read(t.Context(), get, nil); err != mine {
			t.Errorf("Read: %v", err)
		}
		if _, err := c.WriteOnRecord(t.Context(), post, nil); err != mine {
			t.Errorf("Write: %v", err)
		}
		wantCalls(t, v, 0)
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
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		for i := range 8 {
			var into any = &site{}
			if i == 4 || i == 5 {
				into = nil
			}
			_, _ = c.Read(t.Context(), get, into)
			if dials, want := v.dials.Load(), int64(1+i/7); dials != want {
				t.Fatalf("after call %d there were %d connections, want %d", i+1, dials, want)
			}
		}
		wantCalls(t, v, 8)
	})
}

func TestTheCallersEndReachesTheVendor(t *testing.T) {
	gone := make(chan struct{})
	handler := func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := c.Read(ctx, get, nil)
			failed <- err
		}()
		synctest.Wait()
		cancel()
		want(t, <-failed, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
		<-gone
		wantCalls(t, v, 1)
	})
}
