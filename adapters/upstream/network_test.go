package upstream

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func compressed(t *testing.T, text string, with func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := with(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// twice compresses a body as the first encoding says, and then with gzip.
func twice(first func(io.Writer) (io.WriteCloser, error)) func(io.Writer) (io.WriteCloser, error) {
	return func(w io.Writer) (io.WriteCloser, error) {
		outer := gzip.NewWriter(w)
		inner, err := first(outer)
		return struct {
			io.Writer
			io.Closer
		}{inner, closers{inner, outer}}, err
	}
}

type closers []io.Closer

func (all closers) Close() (err error) {
	for _, c := range all {
		err = errors.Join(err, c.Close())
	}
	return err
}

func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	zipped := func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
	zlibbed := func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }
	deflated := func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 9) }
	plain := func(w io.Writer) (io.WriteCloser, error) {
		return struct {
			io.Writer
			io.Closer
		}{w, io.NopCloser(nil)}, nil
	}
	zstd := func(w io.Writer) (io.WriteCloser, error) {
		_, err := io.WriteString(w, "\x28\xb5\x2f\xfd")
		if err != nil {
			return nil, err
		}
		return plain(w)
	}
	for _, c := range []struct {
		name, encoding string
		with           func(io.Writer) (io.WriteCloser, error)
		wrong          string // of the response; "": it is read
	}{
		{"as usual", "gzip", zipped, ""},
		{"no header", "", zipped, ""},
		{"identity", "identity", zipped, ""},
		{"an old name", "X-Gzip", zipped, ""},
		{"not gzip at all", "x-gzip", plain, ""},
		{"not gzip, in spite of its name", "gzip", plain, ""},
		{"not deflate at all", "deflate", plain, ""},
		{"zlib without a header", "", zlibbed, ""},
		{"gzip of zlib", "deflate, gzip", twice(zlibbed), ""},
		{"gzip and identity", "Identity,GZIP", zipped, ""},
		{"zlib", "deflate", zlibbed, ""},
		{"deflate without zlib", "deflate", deflated, ""},
		{"not compressed", "", plain, ""},
		{"brotli", "br", plain, `its body is compressed as "br", which drmhub cannot read`},
		{"twice", "gzip, gzip", twice(zipped), ""},
		{"gzip of brotli", "br, gzip", zipped, `its body is compressed as "br, gzip", which drmhub cannot read`},
		{"zstd", "", zstd, `its body is compressed as "zstd", which drmhub cannot read`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, status := range []int{200, 400} {
				body := compressed(t, `{"n":7,"message":"no"}`, c.with)
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.Header()["Content-Encoding"] = []string{c.encoding}
					w.WriteHeader(status)
					_, _ = w.Write(body)
				}))
				t.Cleanup(server.Close)
				client, err := New(Options{BaseURL: server.URL})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(client.Close)
				var into struct {
					N int `json:"n"`
				}
				_, err = client.Read(t.Context(), Request{Path: "/x"}, &into)
				switch {
				case status == 200 && c.wrong == "" && (err != nil || into.N != 7),
					status == 200 && c.wrong != "" && (err == nil || !strings.HasSuffix(err.Error(), c.wrong)),
					status == 400 && c.wrong == "" &&
						!strings.Contains(apierror.Convert(err).Metadata[apierror.VendorMessage], `"no"`):
					t.Errorf("HTTP %d: %+v, %v", status, into, err)
				}
			}
		})
	}
}

func TestARedirectIsNamed(t *testing.T) {
	for location, want := range map[string]string{
		"https://other.example/login?token=hunter2#a": "it is a redirect to https://other.example/login, which",
		"https://u:hunter2@other.example":             "it is a redirect to https://other.example, which",
		"/elsewhere":                                  "/elsewhere, which",
		"":                                            "it is a redirect, which",
		"http://%zz":                                  "it is a redirect, which",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusMovedPermanently)
		}))
		client, err := New(Options{BaseURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Read(t.Context(), Request{Path: "/x"}, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", location, err)
		}
		client.Close()
		server.Close()
	}
}

func TestAPrivateAuthorityIsTrusted(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	defer server.Close()
	var ca CA
	if problem := ca.LoadFile([]byte("no certificate")); problem == "" {
		t.Error("a file without a certificate is taken")
	}
	if problem := ca.LoadFile(pem.EncodeToMemory(
		&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})); problem != "" {
		t.Fatal(problem)
	}
	for want, network := range map[string]Network{"": {TLS: &TLS{CA: ca}}, "set tls.ca_file": {}} {
		client, err := New(Options{BaseURL: server.URL, Network: network})
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []call{client.Read, client.WriteOnRecord} {
			_, err := call(t.Context(), Request{Method: "POST", Path: "/x"}, nil)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%v, want %q", err, want)
			}
		}
		client.Close()
	}
}

// TestAProxyIsUsedAndBlamed calls vendors behind a proxy that wants credentials.
func TestAProxyIsUsedAndBlamed(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") == "" {
			w.WriteHeader(http.StatusProxyAuthRequired)
		} else if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer proxy.Close()
	host := strings.TrimPrefix(proxy.URL, "http://")
	for _, c := range []struct{ base, user, want string }{
		{"http://vendor.test", "", "the proxy in front of the vendor wants a user and a password (HTTP 407, "},
		{"https://vendor.test", "", "the proxy wants a user and a password (HTTP 407)"},
		{"https://vendor.test", "u:hunter2@", "the proxy refuses to connect to the vendor (HTTP 502)"},
		{"http://vendor.test", "u:hunter2@", ""},
	} {
		network := Network{Proxy: Proxy{secret.New("http://" + c.user + host)}, AllowHTTP: true}
		client, err := New(Options{BaseURL: c.base, Network: network})
		if err != nil {
			t.Fatal(err)
		}
		_, read := client.Read(t.Context(), Request{Path: "/x"}, nil)
		_, write := client.WriteOnRecord(t.Context(), Request{Method: "POST", Path: "/x"}, nil)
		if c.want == "" && (read != nil || write != nil) {
			t.Errorf("%s: %v, %v", c.base, read, write)
		}
		if c.want != "" && (!strings.Contains(read.Error(), c.want) || !strings.Contains(write.Error(), c.want) ||
			!strings.HasPrefix(write.Error(), "not sent: ") || strings.Contains(read.Error(), "hunter2") ||
			strings.Contains(read.Error(), host)) {
			t.Errorf("%s: %v, %v, want %q", c.base, read, write, c.want)
		}
		client.Close()
	}
}

func TestADeadProxyIsBlamedWithoutItsAddress(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	client, err := New(Options{BaseURL: "https://vendor.test", Network: Network{Proxy: Proxy{secret.New(dead.URL)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.WriteOnRecord(t.Context(), Request{Method: "POST", Path: "/x"}, nil)
	if says := err.Error(); !strings.Contains(says, "the proxy: dial: ") || strings.Contains(says, "127.0.0.1") {
		t.Error(says)
	}
}

// TestAStrangersProxyProvesNothing calls a vendor without a proxy. A box in front of it asks for
// the credentials of one, perhaps after the effect.
func TestAStrangersProxyProvesNothing(t *testing.T) {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer vendor.Close()
	client, err := New(Options{BaseURL: vendor.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, read := client.Read(t.Context(), Request{Path: "/x"}, nil)
	_, write := client.WriteOnRecord(t.Context(), Request{Method: "POST", Path: "/x"}, nil)
	if apierror.Convert(read).Reason != pb.ErrorReason_VENDOR_RESPONSE_INVALID || !apierror.IsOutcomeUnknown(write) {
		t.Errorf("%v, %v", read, write)
	}
}

func TestCredentialsAreNotSentInClear(t *testing.T) {
	for base, fits := range map[string]bool{
		"https://vendor.test": true, "http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost": true,
		"http://vendor.test": false, "http://10.0.0.1": false, "http://localhost.example": false,
	} {
		_, err := New(Options{BaseURL: base})
		if fits != (err == nil) || err != nil && !strings.Contains(err.Error(), "allow_http") {
			t.Errorf("%s: %v", base, err)
		}
		if _, err := New(Options{BaseURL: base, Network: Network{AllowHTTP: true}}); err != nil {
			t.Errorf("%s, allowed: %v", base, err)
		}
	}
}

func TestAnUnreadableProxyIsRefused(t *testing.T) {
	for text, fits := range map[string]bool{
		"http://proxy:3128": true, "https://u:p@proxy": true, "socks5://[::1]:1080": true,
		"": false, "proxy:3128": false, "ftp://proxy": false, "http://": false, "http://a b": false,
		"http://%zz": false, "http://proxy:65536": false,
	} {
		var p Proxy
		if problem := p.SetText(text); fits != (problem == "") {
			t.Errorf("%q: %q", text, problem)
		}
	}
	for _, c := range []struct {
		base, name, value string
		refused           bool
	}{
		{"https://vendor.test", "HTTPS_PROXY", "http://hunter2 x:1", true},
		{"https://vendor.test", "https_proxy", "ftp://hunter2", true},
		{"http://vendor.test", "HTTP_PROXY", "http://[::1", true},
		{"https://vendor.test", "HTTPS_PROXY", "proxy:3128", false},
		{"https://vendor.test", "HTTP_PROXY", "http://[::1", false},
		{"https://127.0.0.1", "HTTPS_PROXY", "http://[::1", false},
	} {
		t.Setenv(c.name, c.value)
		_, err := New(Options{BaseURL: c.base, Network: Network{AllowHTTP: true}})
		if c.refused != (err != nil) || err != nil && !strings.Contains(err.Error(), c.name) ||
			err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", c, err)
		}
		t.Setenv(c.name, "")
	}
}
