package twin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

func TestTransportShowsTheHandlerWhatAServerWould(t *testing.T) {
	type seen struct{ method, uri, path, host, header, body, value string }
	type key struct{}
	show := func(got *seen) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			value, _ := r.Context().Value(key{}).(string)
			*got = seen{r.Method, r.RequestURI, r.URL.Path, r.Host, r.Header.Get("X-Test"), string(body), value}
			w.Header().Set("X-Answer", "a")
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("X-Answer", "too late")
			_, _ = fmt.Fprint(w, "plain text")
		}
	}
	type answer struct {
		status int
		header string
		length int64
		body   string
	}
	send := func(client *http.Client, base string) answer {
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
		if err != nil {
			t.Fatal(err)
		}
		res.Header.Del("Date")
		return answer{res.StatusCode, fmt.Sprint(res.Header), res.ContentLength, string(all)}
	}
	var overTCP, inProcess seen
	server := httptest.NewServer(show(&overTCP))
	defer server.Close()
	one := send(server.Client(), server.URL)
	other := send(&http.Client{Transport: twin.Transport(show(&inProcess))}, "http://vendor.example")
	if overTCP != inProcess {
		t.Errorf("over TCP the handler sees %+v, in process %+v", overTCP, inProcess)
	}
	if one != other {
		t.Errorf("over TCP the client sees %+v, in process %+v", one, other)
	}
}

func TestTransportStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		client := &http.Client{Transport: twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := range 3 {
				_, _ = fmt.Fprintf(w, "row %d\n", i)
				_ = http.NewResponseController(w).Flush()
				<-next
			}
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
		}))}
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
		client := &http.Client{Transport: twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			_, err := w.Write([]byte("x"))
			ended <- err
		}))}
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
		client := &http.Client{
			Timeout: time.Second,
			Transport: twin.Transport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				close(ended)
			})),
		}
		start := time.Now()
		_, err := client.Do(newRequest(t, "GET", "http://v/", ""))
		if timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err); !ok || !timeout.Timeout() || time.Since(start) != time.Second {
			t.Errorf("error %v after %v, want a timeout after 1s", err, time.Since(start))
		}
		<-ended
	})
}

func TestCanceledRequestIsNotServed(t *testing.T) {
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	client := &http.Client{Transport: twin.Transport(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler ran")
	}))}
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
			handler := func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, strings.Repeat("x", test.writes))
				panic(test.panics)
			}
			client := &http.Client{Transport: twin.Transport(http.HandlerFunc(handler))}
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

func TestHeadHasNoBody(t *testing.T) {
	res, body := mustCall(t, &http.Client{Transport: twin.Transport(newTwin(twin.Options{}))}, "HEAD", "http://v/", "")
	if res.StatusCode != 200 || body != "" || res.Header.Get("X-Vendor") != "yes" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
}

func TestAnAnswerHasTheTwinsDate(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	vendor := newTwin(twin.Options{Clock: twin.FrozenClock(now)})
	server := httptest.NewServer(vendor)
	defer server.Close()
	inProcess := &http.Client{Transport: twin.Transport(vendor)}
	for how, client := range map[string]*http.Client{"in process": inProcess, "over TCP": server.Client()} {
		res, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := res.Header.Get("Date"); got != now.Format(http.TimeFormat) {
			t.Errorf("%s: %q, want the twin's clock", how, got)
		}
	}
}
