package upstream

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
)

// respondTwice sends two responses to each request: one that names the path, and one that nobody asked for.
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

func TestAResponseToAnotherRequestIsNotTaken(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.DiscardHandler)) // net/http logs each response that nobody asked for.
	vendor, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer vendor.Close()
	go func() {
		for conn, err := vendor.Accept(); err == nil; conn, err = vendor.Accept() {
			go respondTwice(conn)
		}
	}()
	c, err := New(Options{BaseURL: "http://" + vendor.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var callers sync.WaitGroup
	for caller := range 4 {
		callers.Go(func() {
			for i := range 500 {
				for _, call := range []call{c.Read, c.WriteOnRecord} {
					var got struct {
						Name string `json:"name"`
					}
					path := fmt.Sprintf("/%d/%d", caller, i)
					_, err := call(t.Context(), Request{Method: "POST", Path: path}, &got)
					if err == nil && got.Name != path {
						t.Errorf("the response to %s is %q", path, got.Name)
					}
				}
			}
		})
	}
	callers.Wait()
}

func TestTheWireBelowTLSIsFound(t *testing.T) {
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
