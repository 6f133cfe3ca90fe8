package twin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Every test in a synctest bubble also proves that no goroutine is left: the bubble would never
// end.

// inProcess returns a client of a handler, without a socket.
func inProcess(handler http.HandlerFunc) *http.Client {
	return &http.Client{Transport: twin.Transport(handler)}
}

func TestTransportShowsTheHandlerWhatAServerWould(t *testing.T) {
	type key struct{}
	show := func(got *string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			*got = fmt.Sprint(r.Method, r.RequestURI, r.URL.Path, r.Host, r.Header.Get("X-Test"), string(body),
				r.Context().Value(key{}))
			w.Header().Set("X-Answer", "a")
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("X-Answer", "too late")
			_, _ = fmt.Fprint(w, "plain text")
		}
	}
	send := func(client *http.Client, base string) string {
		ctx := context.WithValue(t.Context(), key{}, "the client's own")
		r := newRequest(t, "PUT", base+"/a%2Fb/c?q=1&q=2", "payload").WithContext(ctx)
		r.Host = "vendor.example"
		r.Header.Set("X-Test", "x")
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		all, err := io.ReadAll(res.Body)
		res.Header.Del("Date")
		return fmt.Sprint(res.StatusCode, res.Header, res.ContentLength, string(all), err)
	}
	var seenOverTCP, seenInProcess string
	server := httptest.NewServer(show(&seenOverTCP))
	defer server.Close()
	got, want := send(inProcess(show(&seenInProcess)), "http://vendor.example"), send(server.Client(), server.URL)
	if seenInProcess != seenOverTCP {
		t.Errorf("over TCP the handler sees %s, in process %s", seenOverTCP, seenInProcess)
	}
	if got != want {
		t.Errorf("over TCP the client sees %s, in process %s", want, got)
	}
}

func TestTransportStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		client := inProcess(func(w http.ResponseWriter, _ *http.Request) {
			for i := range 3 {
				_, _ = fmt.Fprintf(w, "row %d\n", i)
				_ = http.NewResponseController(w).Flush()
				<-next
			}
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
		})
		res, err := client.Do(newRequest(t, "GET", "http://v/", ""))
		if err != nil {
			t.Fatal(err)
		}
		row := make([]byte, 6)
		for i := range 3 {
			if _, err := io.ReadFull(res.Body, row); err != nil || string(row) != fmt.Sprintf("row %d\n", i) {
				t.Fatalf("row %q, error %v", row, err)
			}
			next <- struct{}{}
		}
		rest, err := io.ReadAll(res.Body)
		if err != nil || len(rest) != 1<<20 {
			t.Errorf("read %d bytes, error %v", len(rest), err)
		}
		_ = res.Body.Close()
	})
}

func TestClosingTheBodyEndsTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		client := inProcess(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			_, err := w.Write([]byte("x"))
			ended <- err
		})
		res, err := client.Do(newRequest(t, "GET", "http://v/", ""))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if err := <-ended; err == nil {
			t.Error("writing to a client that has gone away succeeded")
		}
	})
}

func TestCancellationEndsBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		client := inProcess(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			close(ended)
		})
		client.Timeout = time.Second
		start := time.Now()
		_, err := client.Do(newRequest(t, "GET", "http://v/", ""))
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() || time.Since(start) != time.Second {
			t.Errorf("error %v after %v, want a timeout after 1s", err, time.Since(start))
		}
		<-ended
	})
}

func TestCanceledRequestIsNotServed(t *testing.T) {
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	client := inProcess(func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") })
	if _, err := client.Do(newRequest(t, "GET", "http://v/", "").WithContext(ctx)); !errors.Is(err, cause) {
		t.Errorf("error %v, want the cause", err)
	}
}

func TestPanicsAreErrorsOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, test := range map[string]struct {
			panics  any
			writes  int // bytes before the panic
			callErr string
			readErr string
		}{
			"abort":                       {http.ErrAbortHandler, 0, "unexpected EOF", ""},
			"abort with little written":   {http.ErrAbortHandler, 100, "unexpected EOF", ""},
			"abort in the middle":         {http.ErrAbortHandler, 10_000, "", "unexpected EOF"},
			"a mistake of the handler's":  {"oops", 0, "the handler panicked: oops", ""},
			"a mistake after much output": {"oops", 10_000, "", "the handler panicked: oops"},
		} {
			client := inProcess(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, strings.Repeat("x", test.writes))
				panic(test.panics)
			})
			_, _, callErr, readErr := call(t, client, "GET", "http://v/", "")
			if !says(callErr, test.callErr) || !says(readErr, test.readErr) {
				t.Errorf("%s: errors %v and %v, want %q and %q", name, callErr, readErr, test.callErr, test.readErr)
			}
		}
	})
}

// says reports whether err has want in its text, or is nil where want is empty.
func says(err error, want string) bool {
	if err == nil || want == "" {
		return err == nil && want == ""
	}
	return strings.Contains(err.Error(), want)
}

func TestHeadHasNoBodyAndTheDateIsTheTwins(t *testing.T) {
	onBothTransports(t, twin.Options{Clock: twin.FrozenClock(now)}, func(t *testing.T, s session) {
		res, body := mustCall(t, s.client, "HEAD", s.base, "")
		if res.StatusCode != 200 || body != "" || res.Header.Get("X-Vendor") != "yes" ||
			res.Header.Get("Date") != now.Format(http.TimeFormat) {
			t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
		}
	})
}
