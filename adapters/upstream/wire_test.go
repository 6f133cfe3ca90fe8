package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// respondTwice sends two responses to each request at once. The first one names the path of the
// request.
func respondTwice(conn net.Conn) {
	defer conn.Close()
	for requests := bufio.NewReader(conn); ; {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		both := ""
		for _, name := range []string{r.URL.Path, "another"} {
			body := fmt.Sprintf(`{"name":%q}`, name)
			both += fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
		if _, err := io.WriteString(conn, both); err != nil {
			return
		}
	}
}

// The second request leaves on the connection before net/http looks at what else has arrived.
func TestAResponseToAnotherRequestIsNotTaken(t *testing.T) {
	t.Parallel()
	c, err := New(Options{BaseURL: "http://vendor.test", Network: Network{AllowHTTP: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, side := range []http.RoundTripper{c.reads, c.writes} {
		side.(*http.Transport).DialContext = watched(func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go respondTwice(theirs)
			return ours, nil
		})
	}
	for name, call := range map[string]call{"a read": c.Read, "a write": c.WriteOnRecord} {
		get := func(path string, trace *httptrace.ClientTrace) (name string, err error) {
			var got struct {
				Name string `json:"name"`
			}
			_, err = call(httptrace.WithClientTrace(t.Context(), trace), Request{Method: "POST", Path: path}, &got)
			return got.Name, err
		}
		free, sent := make(chan struct{}), make(chan struct{}, 9)
		var first sync.WaitGroup
		first.Go(func() {
			_, err := get("/first", &httptrace.ClientTrace{PutIdleConn: func(error) { close(free); <-sent }})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		<-free
		got, err := get("/second", &httptrace.ClientTrace{
			WroteRequest: func(httptrace.WroteRequestInfo) { sent <- struct{}{} },
		})
		first.Wait()
		if isUnknown := apierror.IsOutcomeUnknown(err); got != "/second" && !isUnknown {
			t.Errorf("%s: the response to /second is %q, %v", name, got, err)
		}
	}
}

func TestTheWireBelowTLSIsFound(t *testing.T) {
	t.Parallel()
	below := &wire{}
	for _, conn := range []net.Conn{below, tls.Client(below, nil), tls.Client(tls.Client(below, nil), nil)} {
		if wireOf(conn) != below {
			t.Errorf("the wire below a %T is not found", conn)
		}
	}
	if found := wireOf(&net.TCPConn{}); found != nil {
		t.Errorf("found %v", found)
	}
}
