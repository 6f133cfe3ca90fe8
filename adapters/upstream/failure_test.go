package upstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

func TestWhatAStatusMeans(t *testing.T) {
	for _, test := range []struct {
		status int
		kind   errorKind // of a read; a write is unknown from 500 on
		says   string
		reads  int64 // how often a read is sent
	}{
		{400, inputRefused, "value", 1},
		{401, credentials, "check the key", 1},
		{402, rejected, "refuses", 1},
		{403, permission, "account", 1},
		{404, notFound, "no such", 1},
		{405, rejected, "refuses", 1},
		{409, exists, "already", 1},
		{410, rejected, "refuses", 1},
		{413, rejected, "refuses", 1},
		{418, rejected, "refuses", 1},
		{422, inputRefused, "value", 1},
		{429, limited, "throttles", 1},
		{500, unavailable, "failure", 3},
		{501, unavailable, "failure", 1},
		{504, unavailable, "failure", 3},
		{599, unavailable, "failure", 3},
	} {
		status := strconv.Itoa(test.status)
		t.Run(status, func(t *testing.T) {
			body := "because\r\n\x1b[31mso\x00"
			metadata := map[string]string{apierror.VendorHTTPStatus: status, apierror.VendorRequestID: "t-1"}
			metadata[apierror.VendorMessage] = "because   [31mso"
			handler := answer(test.status, body, "X-Trace", "t-1", "Content-Type", "text/plain")
			against(t, handler, upstream.Options{RequestIDHeader: "x-trace"}, func(t *testing.T, v *vendor) {
				e := want(t, v.read(t.Context()), test.kind, test.says)
				if !strings.Contains(e.Message, "GET /sites, HTTP "+status) || !maps.Equal(e.Metadata, metadata) {
					t.Errorf("%q, metadata %q", e.Message, e.Metadata)
				}
				v.wantCalls(t, test.reads)
			})
			ofWrite := test.kind
			if test.status >= 500 {
				ofWrite = unknown
			}
			for _, handler := range []http.HandlerFunc{answer(test.status, `{"error":"no"}`), cut(test.status, "")} {
				against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
					e := want(t, v.write(t.Context()), ofWrite, "HTTP "+status)
					if e.Metadata[apierror.VendorHTTPStatus] != status {
						t.Errorf("metadata %q", e.Metadata)
					}
					v.wantCalls(t, 1)
				})
			}
		})
	}
}

// acme reads the errors of a vendor that documents some.
func acme(status int, header http.Header, body []byte) *apierror.Error {
	var e struct{ Code, Message string }
	if json.Unmarshal(body, &e) != nil || e.Code == "" {
		return nil
	}
	made := apierror.New(wrongState.code, wrongState.reason,
		"acme (HTTP %d, %s) says %s", status, header.Get("X-Mood"), e.Message)
	if e.Code == "DOWN" {
		made = apierror.New(unavailable.code, unavailable.reason, "acme is down")
	}
	return made.With(apierror.VendorCode, e.Code).With(apierror.VendorMessage, e.Message)
}

func TestTheAdapterReadsItsVendorsErrors(t *testing.T) {
	for _, test := range []struct {
		status     int
		body       string
		kinds      [2]errorKind // of a read and of a write
		vendorCode string
		reads      int64 // how often a read is sent
	}{
		{400, `{"Code":"E1","Message":"not\u001b now"}`, [2]errorKind{wrongState, wrongState}, "E1", 1},
		{500, `{"Code":"E1","Message":"not now"}`, [2]errorKind{wrongState, unknown}, "E1", 1},
		{500, `{"Code":"DOWN"}`, [2]errorKind{unavailable, unknown}, "DOWN", 3},
		{400, `{"Code":"DOWN"}`, [2]errorKind{unavailable, unavailable}, "DOWN", 1},
		{404, `default backend - 404`, [2]errorKind{unusable, unknown}, "", 1},
		{408, `not theirs`, [2]errorKind{unavailable, unknown}, "", 3},
		{408, `{"Code":"E1","Message":"not now"}`, [2]errorKind{wrongState, unknown}, "E1", 1},
		{400, `not theirs`, [2]errorKind{unusable, inputRefused}, "", 1},
		{409, `not theirs`, [2]errorKind{unusable, exists}, "", 1},
		{410, ``, [2]errorKind{unusable, unknown}, "", 1},
		{425, `not theirs`, [2]errorKind{unavailable, unknown}, "", 3},
		{429, `not theirs`, [2]errorKind{limited, unknown}, "", 1},
		{429, `{"Code":"E1","Message":"not now"}`, [2]errorKind{wrongState, wrongState}, "E1", 1},
		{403, `not theirs`, [2]errorKind{permission, permission}, "", 1},
	} {
		o := upstream.Options{Failure: acme, RequestIDHeader: "X-Trace"}
		handler := answer(test.status, test.body, "X-Mood", "good", "X-Trace", "t-1")
		against(t, handler, o, func(t *testing.T, v *vendor) {
			status := strconv.Itoa(test.status)
			for i, call := range both {
				e := want(t, call(v, t.Context()), test.kinds[i], "")
				got := [3]string{e.Metadata[apierror.VendorCode], e.Metadata[apierror.VendorHTTPStatus],
					e.Metadata[apierror.VendorRequestID]}
				if got != [3]string{test.vendorCode, status, "t-1"} {
					t.Errorf("metadata %q, want %q and %s", e.Metadata, test.vendorCode, status)
				}
				says := "acme (HTTP " + status + ", good) says " + e.Metadata[apierror.VendorMessage]
				if test.kinds[i] == wrongState && e.Message != says {
					t.Errorf("message %q, want %q", e.Message, says)
				}
				v.wantCalls(t, test.reads+int64(i))
			}
		})
	}
}

func TestTheAdapterSeesABoundedBody(t *testing.T) {
	seen := 0
	o := upstream.Options{Failure: func(_ int, _ http.Header, body []byte) *apierror.Error {
		seen = len(body)
		return nil
	}}
	against(t, endless(400, strings.Repeat("x", 1000)), o, func(t *testing.T, v *vendor) {
		e := want(t, v.read(t.Context()), unusable, "")
		if told := len(e.Metadata[apierror.VendorMessage]); seen != 64<<10 || told > 600 {
			t.Errorf("the adapter saw %d bytes, the caller %d", seen, told)
		}
	})
}

func secrets(texts ...string) func() []secret.Text {
	return func() (all []secret.Text) {
		for _, text := range texts {
			all = append(all, secret.New(text))
		}
		return all
	}
}

func TestAFailureInsideHTTP200(t *testing.T) {
	o := upstream.Options{RequestIDHeader: "X-Trace", Secrets: secrets("hunter2")}
	against(t, answer(200, `{"name":"refused"}`, "X-Trace", "t-1"), o, func(t *testing.T, v *vendor) {
		resp, err := v.WriteOnRecord(t.Context(), post, &site{})
		if err != nil {
			t.Fatal(err)
		}
		made := apierror.Invalid("name", "hunter2 is taken").With(apierror.VendorMessage, "key hunter2")
		e := resp.Complete(made)
		if e.Metadata[apierror.VendorHTTPStatus] != "200" || e.Metadata[apierror.VendorRequestID] != "t-1" ||
			strings.Contains(everything(e), "hunter2") {
			t.Errorf("%s", everything(e))
		}
		if made.Violations[0].GetDescription() != "hunter2 is taken" || len(made.Metadata) != 1 {
			t.Errorf("the adapter's own error was changed: %+v", made)
		}
	})
}

func TestNoErrorShowsASecret(t *testing.T) {
	const token, password = "tok/hunter2+x", "pa55 word"
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Trace", r.URL.Query().Get("token"))
			w.Header().Set("Location", r.RequestURI)
			body := r.RequestURI + " " + r.URL.Query().Get("token") + " " + password
			answer(status, body, "Content-Type", "text/html")(w, r)
		}
	}
	handlers := []http.HandlerFunc{cut(200, `{"name":"si`),
		answer(200, `{"`+token+`":1,"`+token+`":2}`), answer(200, `{"name":[1]}`, "Content-Type", token)}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 429, 500} {
		handlers = append(handlers, echo(status))
	}
	loggedIn := false
	o := upstream.Options{
		RequestIDHeader: "X-Trace",
		Sign: func(_ context.Context, r *http.Request) error {
			loggedIn = true
			r.URL.RawQuery = "token=" + url.QueryEscape(token)
			return nil
		},
		Secrets: func() []secret.Text {
			if !loggedIn {
				return nil
			}
			return []secret.Text{secret.New(token)}
		},
		Failure: func(_ int, _ http.Header, body []byte) *apierror.Error {
			if strings.Contains(string(body), "?") {
				return apierror.Invalid("x", "%s", body).With(apierror.VendorCode, string(body))
			}
			return nil
		},
	}
	req := post
	req.Secrets = []secret.Text{secret.New(password)}
	for _, handler := range handlers {
		loggedIn = false
		against(t, handler, o, func(t *testing.T, v *vendor) {
			for _, call := range []func(context.Context, upstream.Request, any) (*upstream.Response, error){
				v.Read, v.WriteOnRecord,
			} {
				_, err := call(t.Context(), req, &site{})
				if err == nil {
					t.Fatal("no error")
				}
				if all := everything(err); strings.Contains(all, "hunter2") || strings.Contains(all, password) {
					t.Errorf("a secret shows in %s", all)
				}
			}
		})
	}
	o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		cause := errors.New("no route to host for " + token)
		return nil, &url.Error{Op: "Post", URL: r.URL.String() + "&other=hunter2", Err: cause}
	})
	against(t, nil, o, func(t *testing.T, v *vendor) {
		_, err := v.Read(t.Context(), req, nil)
		if all := everything(err); strings.Contains(all, "hunter2") || !strings.Contains(all, "no route to host") {
			t.Errorf("%s", all)
		}
	})
}

// A page of the vendor is cut at a place that may be inside of a token.
func TestAPageFullOfTokensShowsNoPartOfOne(t *testing.T) {
	for _, status := range []int{200, 400, 403} {
		for length := 61; length < 400; length += 67 {
			token := "t0ken" + strings.Repeat("x", length)
			page := answer(status, strings.Repeat(token, 1000), "Content-Type", "text/html")
			against(t, page, upstream.Options{Secrets: secrets(token)}, func(t *testing.T, v *vendor) {
				e := apierror.Convert(v.read(t.Context()))
				if e.Code == codes.OK || strings.Contains(e.Message+e.Metadata[apierror.VendorMessage], "t0ken") {
					t.Errorf("HTTP %d, tokens of %d: %s, %v", status, len(token), e.Message, e.Metadata)
				}
			})
		}
	}
}
