package upstream_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestAnswersThatCannotBeRead(t *testing.T) {
	deep := func(n int) string {
		return `{"name":"x","other":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}"
	}
	for _, test := range []struct{ name, body, says string }{
		{"empty", "", "empty body"},
		{"white space", " \n ", "empty body"},
		{"null", " null ", "null"},
		{"no JSON", "OK", "invalid character"},
		{"half", `{"name":"one"`, "EOF"},
		{"stray brace", `{"name":"one"}}`, "after top-level value"},
		{"second value", `{"name":"one"}{"name":"two"}`, "after top-level value"},
		{"duplicate", `{"name":"one","name":"two"}`, "duplicate"},
		{"duplicate where nobody looks", `{"name":"one","x":{"a":1,"a":2}}`, "duplicate"},
		{"invalid UTF-8", "{\"name\":\"\xff\"}", "UTF-8"},
		{"invalid UTF-8 where nobody looks", "{\"x\":\"\xff\"}", "UTF-8"},
		{"another type", `{"name":{"a":1}}`, "/name"},
		{"a list", `[{"name":"one"}]`, "array"},
		{"too deep", deep(32), "nests more than 32"},
		{"far too deep", strings.Repeat("[", 1<<16), "nests more than 32"},
		{"too large", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, "larger than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			against(t, answer(200, test.body), upstream.Options{MaxBody: 1 << 20}, func(t *testing.T, v *vendor, c *upstream.Client) {
				_, err := c.Read(t.Context(), get, &site{})
				e := want(t, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
				if !strings.Contains(e.Message, test.says) || e.Metadata[apierror.VendorHTTPStatus] != "200" {
					t.Errorf("%+v, want %q", e, test.says)
				}
				wantCalls(t, v, 1)
			})
		})
	}
}

func TestAnswersThatCanBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		name    string
	}{
		"unknown members":     {answer(200, `{"x":[{}],"name":"one","y":null}`), "one"},
		"case matters":        {answer(200, `{"Name":"other","NAME":"other"}`), ""},
		"as deep as allowed":  {answer(200, `{"x":`+strings.Repeat("[", 31)+strings.Repeat("]", 31)+`,"name":"]]{{[["}`), "]]{{[["},
		"white space after":   {answer(200, "{\"name\":\"one\"}\r\n"), "one"},
		"JSON:API":            {answer(201, `{"name":"one"}`, "Content-Type", "application/vnd.api+json"), "one"},
		"parameters":          {answer(200, `{"name":"one"}`, "Content-Type", "Application/JSON;charset=UTF-8"), "one"},
		"sloppy parameters":   {answer(200, `{"name":"one"}`, "Content-Type", "application/json;charset"), "one"},
		"brackets in escapes": {answer(200, `{"name":"\"`+strings.Repeat("[", 40)+`\\"}`), `"` + strings.Repeat("[", 40) + `\`},
	} {
		t.Run(name, func(t *testing.T) {
			against(t, test.handler, upstream.Options{}, func(t *testing.T, _ *vendor, c *upstream.Client) {
				var into site
				if _, err := c.Read(t.Context(), get, &into); err != nil || into.Name != test.name {
					t.Errorf("%+v, %v; want %q", into, err, test.name)
				}
			})
		})
	}
}

func TestNothingIsLeftOfAnEarlierAnswer(t *testing.T) {
	type page struct {
		Sites []site `json:"sites"`
		Total int    `json:"total"`
	}
	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"total":7,"sites":[{"name":"one"},`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	against(t, inTurn(half, answer(200, `{"sites":[{}]}`)), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		into := page{Total: 5}
		if _, err := c.Read(t.Context(), get, &into); err != nil || into.Total != 0 || len(into.Sites) != 1 || into.Sites[0].Name != "" {
			t.Errorf("%+v, %v", into, err)
		}
		wantCalls(t, v, 2)
	})
}

func TestAnotherContentType(t *testing.T) {
	for _, test := range []struct{ contentType, body, excerpt string }{
		{"text/html; charset=utf-8", "<html>\n<b>Maintenance</b>", "<html> <b>Maintenance</b>"},
		{"text/plain", "OK", "OK"},
		{"text/plain", ` {"password":"hunter2"}`, ""}, // what looks like data is not shown
		{"application/jsonp", "[1]", ""},
	} {
		against(t, answer(200, test.body, "Content-Type", test.contentType), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
			_, err := c.Read(t.Context(), get, &site{})
			e := want(t, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
			if !strings.Contains(e.Message, "expected JSON, got "+test.contentType) || e.Metadata[apierror.VendorMessage] != test.excerpt {
				t.Errorf("%+v", e)
			}
			wantCalls(t, v, 1)
		})
	}
}

func TestAValueThatDoesNotFitIsNotShown(t *testing.T) {
	for _, value := range []string{`4711471147114711`, `"4711"`} {
		against(t, answer(200, `{"pin":`+value+`}`), upstream.Options{}, func(t *testing.T, _ *vendor, c *upstream.Client) {
			var into struct {
				PIN int32 `json:"pin"`
			}
			_, err := c.Read(t.Context(), get, &into)
			want(t, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
			if all := everything(err); strings.Contains(all, "4711") || !strings.Contains(all, "/pin") {
				t.Errorf("want the place and not the value in %s", all)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	handler := answer(302, "", "Location", "/elsewhere?token=hunter2")
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		_, err := c.Read(t.Context(), get, &site{})
		e := want(t, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
		if !strings.Contains(e.Message, "HTTP 302") || strings.Contains(everything(err), "hunter2") {
			t.Errorf("%s", everything(err))
		}
		wantCalls(t, v, 1)
	})
}

func TestAnEndlessBodyEnds(t *testing.T) {
	for name, piece := range map[string]string{"white space": strings.Repeat(" ", 4096), "a string": `"` + strings.Repeat("x", 4096)} {
		t.Run(name, func(t *testing.T) {
			against(t, endless(piece), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
				_, err := c.Read(t.Context(), get, &[]site{})
				want(t, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
				if _, err := c.Read(t.Context(), get, nil); err != nil {
					t.Errorf("an answer that nobody reads: %v", err)
				}
				wantCalls(t, v, 2)
			})
		})
	}
}

func TestCompressedAnswers(t *testing.T) {
	squeeze := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		return b.String()
	}
	var sent string
	handler := func(w http.ResponseWriter, r *http.Request) { answer(200, sent, "Content-Encoding", "gzip")(w, r) }
	against(t, handler, upstream.Options{MaxBody: 1000}, func(t *testing.T, v *vendor, c *upstream.Client) {
		var into site
		sent = squeeze(`{"name":"one"}`)
		if _, err := c.Read(t.Context(), get, &into); err != nil || into.Name != "one" {
			t.Fatalf("%+v, %v", into, err)
		}
		for _, sent = range []string{squeeze(strings.Repeat(" ", 1<<20)), "no gzip at all", sent[:12] + "\xff\xff\xff\xff" + sent[16:], sent[:len(sent)-8] + "12345678"} {
			_, err := c.Read(t.Context(), get, &into)
			want(t, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
		}
		wantCalls(t, v, 5)
	})
}

func TestALargePageIsNotHeldTwice(t *testing.T) {
	// 8 MB that no field wants
	page := []byte(`{"unused":[` + strings.Repeat(`"`+strings.Repeat("x", 998)+`",`, 8000) + `1],"name":"one"}`)
	handler := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(page)
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, _ *vendor, c *upstream.Client) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var into site
		if _, err := c.Read(t.Context(), get, &into); err != nil || into.Name != "one" {
			t.Fatalf("%+v, %v", into, err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("decoding %d bytes allocated %d", len(page), got)
		}
	})
}
