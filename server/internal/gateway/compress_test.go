package gateway_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

// unpacked returns the text of a response without its coding.
func (r reply) unpacked(t *testing.T) string {
	t.Helper()
	if r.Header.Get("Content-Encoding") != "gzip" {
		return r.text
	}
	content, err := gzip.NewReader(strings.NewReader(r.text))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sized serves vendors, accounts with and without a secret, and failures. Large ones have several
// KiB.
func sized(t *testing.T) *httptest.Server {
	long := strings.Repeat("long ", 300)
	return backend{call: func(_ context.Context, _ string, req proto.Message) (proto.Message, error) {
		switch req := req.(type) {
		case *pb.ListVendorsRequest:
			return &pb.ListVendorsResponse{NextPageToken: long}, nil
		case *pb.GetDrmAccountRequest:
			account := &pb.DrmAccount{Customer: long}
			if req.GetView() == pb.DrmAccount_FULL {
				account.Password = "0pen-Sesame"
			}
			return account, nil
		case *pb.GetSiteRequest:
			return nil, apierror.New(codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "%s", long)
		}
		return nil, nil
	}}.serve(t)
}

func TestResponsesAreCompressed(t *testing.T) {
	s := sized(t)
	const large, small, account = "/v1/vendors", "/v1/vendors/v", "/v1/vendors/v/drmAccounts/a"
	for _, c := range []struct {
		path, accept string
		compressed   bool
	}{
		{large, "gzip", true},
		{large, "GZIP", true},
		{large, "x-gzip", true},
		{large, "gzip, deflate, br, zstd", true},
		{large, "br;q=1.0, gzip;q=0.8, *;q=0.1", true},
		{large, "deflate, gzip;q=0.001", true},
		{large, "*", true},
		{large, "*;q=0.5, identity;q=0.2", true},
		{large, "identity;q=0, *", true},
		{large, "gzip;q=0.5, identity;q=0.5", true},
		{large, " , gzip ; q=1", true},
		{large, "", false},
		{large, "identity", false},
		{large, "br", false},
		{large, "gzip;q=0", false},
		{large, "gzip; Q=0.000", false},
		{large, "gzip;q=0, *", false},
		{large, "*;q=0", false},
		{large, "gzip;q=high", false},
		{large, "gzip;q=NaN", false},
		{large, "gzip;q=0.2, identity", false},
		{large, "*;q=0.2, identity;q=0.9", false},
		{large, "gzipped", false},
		{small, "gzip", false},
		{small, "gzip, identity;q=0", true},
		{small, "gzip, *;q=0", true},
		{account, "gzip", true},
		{account + "?view=FULL", "gzip", false},
		{account + "?view=FULL", "gzip, identity;q=0", false},
		{"/v1/vendors/v/sites/s", "gzip", true},
		{"/docs", "gzip", true},
		{"/docs", "br", false},
		{"/docs/swagger-ui.css", "gzip", true},
		{"/docs/swagger-ui.css", "gzip;q=0", false},
		{"/docs/favicon-32x32.png", "gzip", false},
		{"/healthz", "gzip", false},
		{"/v1/nothing", "gzip", false},
	} {
		plain := send(t, s, "GET", c.path, "")
		r := send(t, s, "GET", c.path, "", "Accept-Encoding: "+c.accept)
		head := send(t, s, "HEAD", c.path, "", "Accept-Encoding: "+c.accept)
		coding := r.Header.Get("Content-Encoding")
		if (coding == "gzip") != c.compressed || head.Header.Get("Content-Encoding") != coding {
			t.Errorf("%s, %q: coding %q, HEAD %q", c.path, c.accept, coding, head.Header.Get("Content-Encoding"))
		}
		if r.unpacked(t) != plain.text || c.compressed && len(r.text) > len(plain.text) && c.path != small {
			t.Errorf("%s, %q: %d bytes, want the same as %d bytes", c.path, c.accept, len(r.text), len(plain.text))
		}
		size := r.ContentLength
		if size >= 0 && (size != int64(len(r.text)) || head.ContentLength != size) {
			t.Errorf("%s: Content-Length %d, HEAD %d, of %d", c.path, size, head.ContentLength, len(r.text))
		}
		for _, r := range []reply{plain, r, head} {
			if !slices.Contains(r.Header.Values("Vary"), "Accept-Encoding") || r.StatusCode != plain.StatusCode ||
				r.Header.Get("Content-Type") != plain.Header.Get("Content-Type") {
				t.Errorf("%s, %q: HTTP %d %v", c.path, c.accept, r.StatusCode, r.Header)
			}
		}
	}
}

// TestAStreamIsFlushedThroughCompression reads each message before the next one is sent.
func TestAStreamIsFlushedThroughCompression(t *testing.T) {
	next := make(chan struct{})
	s := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
		for i := range 3 {
			<-next
			if err := s.Send(rows(i, i+1)); err != nil {
				return err
			}
		}
		<-next
		return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "down")
	}).serve(t)
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+streamPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	go func() { next <- struct{}{} }()
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := gzip.NewReader(res.Body)
	if err != nil || res.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v %v", err, res.Header)
	}
	lines := bufio.NewScanner(content)
	for i := range 3 {
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
		reads(t, []string{lines.Text()}, i)
		next <- struct{}{}
	}
	if !lines.Scan() || parseFailure(t, lines.Text()).Status != "UNAVAILABLE" || lines.Scan() || lines.Err() != nil {
		t.Errorf("the end is %q, %v", lines.Text(), lines.Err())
	}
}

// TestCompressionIsBounded opens more streams than are compressed at the same time. A stream that
// panics gives its place back.
func TestCompressionIsBounded(t *testing.T) {
	const most = 128
	end := make(chan struct{})
	h := streaming(func(req *pb.StreamLicensesRequest, s streamServer) error {
		if err := s.Send(rows(0, 1)); err != nil || req.GetPageToken() != "" {
			return err
		}
		<-end
		return nil
	}).handler(t, gateway.Options{})
	request := func(query string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), "GET", streamPath+query, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		return r
	}
	for range most + 1 {
		func() {
			defer func() { _ = recover() }()
			w := &recorded{header: http.Header{}, onWrite: func(*recorded) { panic("the client has left") }}
			h.ServeHTTP(w, request("?pageToken=one"))
		}()
	}
	var streams sync.WaitGroup
	codings := make(chan string, most+1)
	for range most + 1 {
		streams.Go(func() {
			begun := false
			w := &recorded{header: http.Header{}, onWrite: func(w *recorded) {
				if !begun {
					begun = true
					codings <- w.header.Get("Content-Encoding")
				}
			}}
			h.ServeHTTP(w, request(""))
		})
	}
	compressed := 0
	for range most + 1 {
		if <-codings == "gzip" {
			compressed++
		}
	}
	close(end)
	streams.Wait()
	if compressed != most {
		t.Errorf("%d of %d streams are compressed", compressed, most+1)
	}
}
