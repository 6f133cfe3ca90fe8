package upstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestWhatAStatusMeans(t *testing.T) {
	for _, test := range []struct {
		status int
		code   codes.Code
		reason pb.ErrorReason
		says   string
	}{
		{400, codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED, "value"},
		{401, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED, "check the key"},
		{402, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "refuses"},
		{403, codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED, "account"},
		{404, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "no such"},
		{405, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "refuses"},
		{409, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "already"},
		{413, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "refuses"},
		{422, codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED, "value"},
		{429, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "throttles"},
		{500, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "failure"},
		{501, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "failure"},
		{504, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "failure"},
		{599, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "failure"},
	} {
		handler := answer(test.status, "because\r\n\x1b[31mso\x00", "X-Trace", "t-1", "Content-Type", "text/plain")
		against(t, handler, upstream.Options{RequestIDHeader: "x-trace"}, func(t *testing.T, _ *vendor, c *upstream.Client) {
			_, err := c.Read(t.Context(), get, &site{})
			e := want(t, err, test.code, test.reason)
			if !strings.Contains(e.Message, test.says) || !strings.Contains(e.Message, "GET /sites, HTTP "+strconv.Itoa(test.status)) {
				t.Errorf("%d: %q, want %q", test.status, e.Message, test.says)
			}
			got := e.Metadata
			if len(got) != 3 || got[apierror.VendorHTTPStatus] != strconv.Itoa(test.status) || got[apierror.VendorRequestID] != "t-1" || got[apierror.VendorMessage] != "because   [31mso" {
				t.Errorf("%d: metadata %q", test.status, got)
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
	made := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "acme (HTTP %d, %s) says %s", status, header.Get("X-Mood"), e.Message)
	if e.Code == "DOWN" {
		made = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "acme is down")
	}
	return made.With(apierror.VendorCode, e.Code).With(apierror.VendorMessage, e.Message)
}

func TestTheAdapterReadsItsVendorsErrors(t *testing.T) {
	check := func(t *testing.T, err error, code codes.Code, vendorCode, status string) *apierror.Error {
		t.Helper()
		e := apierror.Convert(err)
		if e.Code != code || e.Metadata[apierror.VendorCode] != vendorCode || e.Metadata[apierror.VendorHTTPStatus] != status || e.Metadata[apierror.VendorRequestID] != "t-1" {
			t.Errorf("%v %+v, want %v, %q and %q", e.Code, e, code, vendorCode, status)
		}
		return e
	}
	for _, test := range []struct {
		status      int
		body        string
		read, write codes.Code
		vendorCode  string
		reads       int64 // how often a read is sent
	}{
		{400, `{"Code":"E1","Message":"not\u001b now"}`, codes.FailedPrecondition, codes.FailedPrecondition, "E1", 1},
		{500, `{"Code":"E1","Message":"not now"}`, codes.FailedPrecondition, codes.Unknown, "E1", 1},
		{500, `{"Code":"DOWN"}`, codes.Unavailable, codes.Unknown, "DOWN", 3},
		{400, `{"Code":"DOWN"}`, codes.Unavailable, codes.Unavailable, "DOWN", 1},
		{409, `not theirs`, codes.AlreadyExists, codes.AlreadyExists, "", 1},
	} {
		o := upstream.Options{Failure: acme, RequestIDHeader: "X-Trace"}
		handler := answer(test.status, test.body, "X-Mood", "good", "X-Trace", "t-1")
		against(t, handler, o, func(t *testing.T, v *vendor, c *upstream.Client) {
			_, err := c.Read(t.Context(), get, &site{})
			e := check(t, err, test.read, test.vendorCode, strconv.Itoa(test.status))
			if test.read == codes.FailedPrecondition && e.Message != "acme (HTTP "+strconv.Itoa(test.status)+", good) says "+e.Metadata[apierror.VendorMessage] {
				t.Errorf("message %q", e.Message)
			}
			wantCalls(t, v, test.reads)
			_, err = c.WriteOnRecord(t.Context(), post, &site{})
			check(t, err, test.write, test.vendorCode, strconv.Itoa(test.status))
			wantCalls(t, v, test.reads+1)
		})
	}
}

func TestTheAdapterSeesABoundedBody(t *testing.T) {
	longest := 0
	o := upstream.Options{Failure: func(_ int, _ http.Header, body []byte) *apierror.Error { longest = len(body); return nil }}
	failing := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		endless(strings.Repeat("x", 1000))(w, r)
	}
	against(t, failing, o, func(t *testing.T, _ *vendor, c *upstream.Client) {
		_, err := c.Read(t.Context(), get, &site{})
		e := want(t, err, codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED)
		if longest != 64<<10 || len(e.Metadata[apierror.VendorMessage]) > 600 {
			t.Errorf("the adapter saw %d bytes, the caller %d", longest, len(e.Metadata[apierror.VendorMessage]))
		}
	})
}

func TestAFailureInsideHTTP200(t *testing.T) {
	o := upstream.Options{RequestIDHeader: "X-Trace", Secrets: func() []secret.Text { return []secret.Text{secret.New("hunter2")} }}
	against(t, answer(200, `{"name":"refused"}`, "X-Trace", "t-1"), o, func(t *testing.T, _ *vendor, c *upstream.Client) {
		resp, err := c.WriteOnRecord(t.Context(), post, &site{})
		if err != nil {
			t.Fatal(err)
		}
		made := apierror.Invalid("name", "hunter2 is taken").With(apierror.VendorMessage, "key hunter2")
		e := resp.Complete(made)
		if e.Metadata[apierror.VendorHTTPStatus] != "200" || e.Metadata[apierror.VendorRequestID] != "t-1" || strings.Contains(everything(e), "hunter2") {
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
			answer(status, r.RequestURI+" "+r.URL.Query().Get("token")+" "+password, "Content-Type", "text/html")(w, r)
		}
	}
	handlers := []http.HandlerFunc{cut, answer(200, `{"`+token+`":1,"`+token+`":2}`), answer(200, `{}`, "Content-Type", token)}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 429, 500} {
		handlers = append(handlers, echo(status))
	}
	sent := false
	o := upstream.Options{
		RequestIDHeader: "X-Trace",
		Sign: func(_ context.Context, r *http.Request) error {
			sent = true
			r.URL.RawQuery = "token=" + url.QueryEscape(token)
			return nil
		},
		Secrets: func() []secret.Text {
			if !sent {
				return nil // as for an adapter that has not logged in yet
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
		sent = false
		against(t, handler, o, func(t *testing.T, _ *vendor, c *upstream.Client) {
			for _, call := range []func(context.Context, upstream.Request, any) (*upstream.Response, error){c.Read, c.WriteOnRecord} {
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
		return nil, &url.Error{Op: "Post", URL: r.URL.String() + "&other=hunter2", Err: errors.New("no route to host for " + token)}
	})
	against(t, nil, o, func(t *testing.T, _ *vendor, c *upstream.Client) {
		_, err := c.Read(t.Context(), req, nil)
		if all := everything(err); strings.Contains(all, "hunter2") || !strings.Contains(all, "no route to host") {
			t.Errorf("%s", all)
		}
	})
}
