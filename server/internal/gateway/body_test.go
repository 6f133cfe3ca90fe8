package gateway_test

import (
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
)

func TestMediaTypes(t *testing.T) {
	ask := requests(t)
	for header, taken := range map[string]bool{
		"Content-Type: application/json":                  true,
		"Content-Type: application/json; charset=UTF-8":   true,
		"Content-Type: Application/JSON":                  true,
		"Content-Type: text/plain":                        false,
		"Content-Type: ":                                  false,
		"Content-Type: application/x-www-form-urlencoded": false,
		"Content-Type: application/json; charset=latin1":  false,
		"Content-Type: application/json; charset":         false,
		"Content-Type: application/jsonx":                 false,
		"Content-Encoding: br":                            false,
		"Content-Encoding: gzip, gzip":                    false,
		"Content-Encoding: identity":                      true,
	} {
		r, got := ask("POST", "/v1/vendors/v/members", `{}`, header)
		if !taken {
			r.failed(t, http.StatusUnsupportedMediaType, "INVALID_ARGUMENT", "REQUEST_INVALID")
		}
		if taken != (got != nil) {
			t.Errorf("%s: called with %v: %s", header, got, r.text)
		}
	}
	for _, body := range []string{"", " \n"} {
		for header, taken := range map[string]bool{
			"Content-Type: text/plain": false, "Content-Type: multipart/form-data": false,
			"Content-Type: application/json": true, "Content-Type: ": true,
		} {
			if r, got := ask("POST", "/v1/vendors/v/members", body, header); taken != (got != nil) ||
				!taken && r.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("the empty body %q, %s: %s", body, header, r.text)
			}
		}
	}
	if r, got := ask("GET", "/v1/vendors", "", "Content-Type: text/plain"); got == nil {
		t.Errorf("the type of a GET matters: %s", r.text)
	}
}

func TestBodiesThatAreTooLarge(t *testing.T) {
	ask := requests(t) // takes 1000 bytes
	body := func(size int) string { return `{"email":"` + strings.Repeat("a", size-len(`{"email":""}`)) + `"}` }
	if r, got := ask("POST", "/v1/vendors/v/members", body(1000)); got == nil {
		t.Errorf("1000 bytes: %s", r.text)
	}
	r, got := ask("POST", "/v1/vendors/v/members", body(1001))
	e := r.failed(t, http.StatusRequestEntityTooLarge, "INVALID_ARGUMENT", "REQUEST_INVALID")
	if got != nil || !strings.Contains(e.Message, "1000 bytes") {
		t.Errorf("1001 bytes: %v, %q", got, e.Message)
	}
}

func TestCompressedBodies(t *testing.T) {
	ask := requests(t) // takes 1000 bytes
	compress := func(text string) string {
		var out strings.Builder
		w := gzip.NewWriter(&out)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return out.String()
	}
	long := compress(`{"email":"` + strings.Repeat("a", 100_000) + `"}`)
	for body, status := range map[string]int{
		compress(`{"email":"a@example.com"}`): 200, compress(""): 200, "": 200, long: 413,
		compress(`{"mail":1}`): 400, "{}": 400, long + "x": 413,
		compress(`{"email":"a@example.com"}`)[:30]: 400, compress(`{}`) + "x": 400,
	} {
		for _, coding := range []string{"gzip", "GZIP", "x-gzip"} {
			r, got := ask("POST", "/v1/vendors/v/members", body, "Content-Encoding: "+coding)
			if r.StatusCode != status || (got != nil) != (status == 200) {
				t.Errorf("%q: HTTP %d, want %d: %s", body, r.StatusCode, status, r.text)
			}
		}
	}
	r, _ := ask("POST", "/v1/vendors/v/members", "{}", "Content-Encoding: br")
	if r.StatusCode != http.StatusUnsupportedMediaType || r.Header.Get("Accept-Encoding") != "gzip" {
		t.Errorf("HTTP %d %v", r.StatusCode, r.Header)
	}
}

func TestLongNamesAreNotRepeatedInFull(t *testing.T) {
	ask := requests(t)
	const path = "/v1/vendors/v/members"
	long := strings.Repeat("x", 900)
	for path, body := range map[string]string{path + "?" + long + "=1": "", path: `{"` + long + `":1}`} {
		r, _ := ask("POST", path, body)
		if r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID"); len(r.text) > 1000 {
			t.Errorf("%d bytes: %s", len(r.text), r.text)
		}
	}
}
