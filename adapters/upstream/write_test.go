package upstream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestAWriteThatMayHaveArrivedIsUnknown(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		status  string // in the metadata
		says    string
	}{
		"cut before the response": {abort, "", "broke"},
		"cut in the response":     {cut(200, `{"name":"si`), "200", "broke"},
		"timeout":                 {stall, "", "30s"},
		"503 with a pause":        {answer(503, "", "Retry-After", "9"), "503", "HTTP 503"},
		"redirect":                {answer(307, "", "Location", "/elsewhere"), "307", "is a redirect"},
		"HTML":                    {answer(200, "<html>Welcome", "Content-Type", "text/html"), "200", "text/html"},
		"not JSON":                {answer(200, `{"name":`), "200", "EOF"},
		"empty":                   {answer(200, ""), "200", "empty"},
		"too large":               {answer(200, `{"x":"`+strings.Repeat("x", 2000)), "200", "larger than 1000 bytes"},
		"endless":                 {endless(200, strings.Repeat(" ", 100)), "200", "larger than 1000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			against(t, test.handler, upstream.Options{MaxBody: 1000}, func(t *testing.T, v *vendor) {
				e := want(t, v.write(t.Context()), unknown, test.says)
				if e.Metadata[apierror.VendorHTTPStatus] != test.status || e.RetryAfter != 0 {
					t.Errorf("%+v, want status %q", e, test.status)
				}
				v.wantCalls(t, 1)
			})
		})
	}
	against(t, stall, upstream.Options{}, func(t *testing.T, v *vendor) {
		want(t, v.write(within(t, time.Second)), unknown, "")
		v.wantCalls(t, 1)
		want(t, v.write(leaving(t, time.Second)), unknown, "")
	})
	// A transport that does not support httptrace may have sent anything.
	blind := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("broken pipe") })
	against(t, working, over(blind), func(t *testing.T, v *vendor) {
		want(t, v.write(t.Context()), unknown, "")
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAWriteThatNeverLeftIsNotSent(t *testing.T) {
	refusing := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("connection refused")
	}}
	hanging := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	sleep := func(context.Context, *http.Request) error { time.Sleep(2 * time.Second); return nil } // virtual
	always := func(t *testing.T, _ time.Duration) context.Context { return t.Context() }
	unencodable := upstream.Request{Method: "POST", Path: "/x", Body: upstream.JSON(func() {})}
	for name, test := range map[string]struct {
		o    upstream.Options
		ctx  func(*testing.T, time.Duration) context.Context
		req  upstream.Request
		kind errorKind
	}{
		"refused connection":        {over(refusing), always, post, unavailable},
		"a vendor without TLS":      {upstream.Options{BaseURL: "https://vendor.test"}, always, post, unavailable},
		"timeout":                   {over(hanging), always, post, unavailable},
		"deadline":                  {over(hanging), within, post, unavailable},
		"the caller leaves":         {over(hanging), leaving, post, canceled},
		"a slow signature":          {upstream.Options{Sign: sleep}, within, post, unavailable},
		"a method that is repeated": {upstream.Options{}, always, get, internal}, // by net/http
		"a body that has no JSON":   {upstream.Options{}, always, unencodable, internal},
	} {
		t.Run(name, func(t *testing.T) {
			against(t, working, test.o, func(t *testing.T, v *vendor) {
				ctx := test.ctx(t, time.Second)
				for range 2 { // the second time, some contexts have ended
					_, err := v.WriteOnRecord(ctx, test.req, nil)
					notSent(t, err, test.kind)
				}
				v.wantCalls(t, 0)
				if n := v.dials.Load(); n != 0 && test.o.BaseURL == "" {
					t.Errorf("%d connections", n)
				}
			})
		})
	}
}

// writes are all kinds of requests that change something, those that net/http might think harmless
// to repeat included.
func writes() (all []upstream.Request) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		for _, body := range []upstream.Body{{}, upstream.JSON(site{"x"})} {
			for _, key := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
				r := upstream.Request{Method: method, Path: "/sites/x", Body: body}
				if key != "" {
					r.Header = http.Header{key: {"k"}}
				}
				all = append(all, r)
			}
		}
	}
	return all
}

func TestAWriteIsSentOnceOverAConnectionThatBreaks(t *testing.T) {
	for _, req := range writes() {
		handler := func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "GET" {
				working(w, r)
				return
			}
			_, _ = io.ReadAll(r.Body)
			for name := range req.Header {
				if r.Header.Get(name) != "k" {
					t.Errorf("%s %s did not arrive", req.Method, name)
				}
			}
			abort(w, r) // as a server does whose idle time has just passed
		}
		against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
			_ = v.read(t.Context()) // so that the write gets a connection that was used before
			_, err := v.WriteOnRecord(t.Context(), req, nil)
			want(t, err, unknown, "")
			v.wantCalls(t, 2)
			if n := v.dials.Load(); n != 1 {
				t.Errorf("%d connections, so the case was not tried", n)
			}
		})
	}
}

// dying is a connection whose other end went away unnoticed: once dead, it takes no byte, and
// nothing comes.
type dying struct {
	net.Conn
	dead *atomic.Bool
}

func (d dying) Write(p []byte) (int, error) {
	if d.dead.Load() {
		return 0, errors.New("broken pipe")
	}
	return d.Conn.Write(p)
}

func TestAWriteMovesOnFromAConnectionThatTakesNoByte(t *testing.T) {
	for _, down := range []bool{false, true} {
		for _, req := range writes() {
			against(t, working, upstream.Options{}, func(t *testing.T, v *vendor) {
				var dead atomic.Bool
				v.wrap = func(conn net.Conn, number int64) net.Conn {
					if number > 1 {
						return conn
					}
					return dying{conn, &dead}
				}
				if err := v.read(t.Context()); err != nil {
					t.Fatal(err)
				}
				dead.Store(true)
				v.down.Store(down)
				_, err := v.WriteOnRecord(t.Context(), req, nil)
				switch {
				case down:
					notSent(t, err, unavailable)
					v.wantCalls(t, 1)
				case err != nil:
					t.Errorf("%s: %v", req.Method, err)
				default:
					v.wantCalls(t, 2)
				}
			})
		}
	}
}

func TestARecordOfAWriteHasTheStatusOfItsResponse(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc // of the write; reads get 203
		state   mutation.State
		status  int
	}{
		"taken":                 {answer(201, `{"name":"new"}`), mutation.Done, 201},
		"taken, without a body": {answer(204, ""), mutation.Done, 204},
		"refused":               {answer(422, `{"error":"no"}`), mutation.Refused, 422},
		"unknown":               {answer(500, ""), mutation.Sent, 500},
		"without a response":    {abort, mutation.Sent, 0},
	} {
		t.Run(name, func(t *testing.T) {
			handler := func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "GET" {
					answer(203, `{"name":"one"}`)(w, r)
					return
				}
				test.handler(w, r)
			}
			var login func(context.Context) error
			sign := func(ctx context.Context, _ *http.Request) error { return login(ctx) }
			against(t, handler, upstream.Options{Sign: sign}, func(t *testing.T, v *vendor) {
				login = func(ctx context.Context) error {
					_, err := v.Read(ctx, upstream.Request{Path: "/login", Unsigned: true}, nil)
					return err
				}
				log := mutation.NewMemory()
				_, _ = mutation.Do(mutation.NewContext(t.Context(), log), mutation.Write[*pb.Site]{
					Step: "create",
					Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Site, error) {
						res, err := v.Write(ctx, post, nil)
						if err != nil {
							return nil, err
						}
						if res.Status != test.status {
							t.Errorf("the response has the status %d, want %d", res.Status, test.status)
						}
						return &pb.Site{}, v.read(ctx) // what was made of it
					},
					ReadBack: func(context.Context) (*pb.Site, bool, error) { return nil, false, io.EOF },
				})
				if got := log.Get("create"); got.State != test.state || got.HTTPStatus != test.status {
					t.Errorf("the record is %+v, want %v and %d", got, test.state, test.status)
				}
			})
		})
	}
}

// slowLog is a log that takes a while to record that a write is sent.
type slowLog struct {
	*mutation.Memory
	delay time.Duration // virtual
	sent  []time.Time
}

func (l *slowLog) Put(ctx context.Context, step string, r mutation.Record) error {
	if r.State == mutation.Sent {
		time.Sleep(l.delay)
		l.sent = append(l.sent, time.Now())
	}
	return l.Memory.Put(ctx, step, r)
}

func (l *slowLog) write(ctx context.Context, v *vendor) error {
	_, err := mutation.Do(mutation.NewContext(ctx, l), mutation.Write[*pb.Site]{
		Step: "create",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Site, error) {
			_, err := v.Write(ctx, post, nil)
			return &pb.Site{}, err
		},
	})
	return err
}

// A wait for the write's turn and a login may take long. Only after them a write is recorded, and
// until then it ends with its caller.
func TestAWriteIsRecordedRightBeforeItLeaves(t *testing.T) {
	sleep := func(context.Context, *http.Request) error { time.Sleep(2 * time.Second); return nil } // virtual
	o := upstream.Options{Limits: upstream.Limits{RequestsPerSecond: new(0.1)}, Sign: sleep}
	against(t, working, o, func(t *testing.T, v *vendor) {
		if _, err := v.Read(t.Context(), upstream.Request{Path: "/x", Unsigned: true}, nil); err != nil {
			t.Fatal(err)
		}
		began, log := time.Now(), &slowLog{Memory: mutation.NewMemory()}
		err := log.write(within(t, 3*time.Second), v)
		e := notSent(t, err, unavailable)
		if !strings.Contains(e.Message, "the deadline passed") || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(began), e)
		}
		if len(log.sent) > 0 {
			t.Errorf("a write that never left is recorded: %v", log.sent)
		}
		v.wantCalls(t, 1)

		began = time.Now()
		if err := log.write(t.Context(), v); err != nil {
			t.Error(err)
		}
		// The write that ended has given its turn back, which comes ten seconds after that of the
		// read.
		took := time.Since(began).Round(time.Millisecond)
		if len(log.sent) != 1 || took != 9*time.Second || time.Since(log.sent[0]) > time.Second {
			t.Errorf("recorded at %v, of a write that began at %v and left at %v", log.sent, began, time.Now())
		}
		v.wantCalls(t, 2)
	})
	// The record says when the call ends, so a write that is late after it must not leave.
	o = upstream.Options{Limits: upstream.Limits{Timeout: new(time.Second)}}
	against(t, working, o, func(t *testing.T, v *vendor) {
		log := &slowLog{Memory: mutation.NewMemory(), delay: 2 * time.Second}
		notSent(t, log.write(t.Context(), v), unavailable)
		v.wantCalls(t, 0)
	})
	against(t, working, upstream.Options{}, func(t *testing.T, v *vendor) {
		if _, err := v.Write(mutation.NewContext(t.Context(), mutation.NewMemory()), post, nil); err == nil {
			t.Error("a write outside of mutation.Do succeeds")
		}
		v.wantCalls(t, 0)
	})
}

// over returns options with a transport.
func over(t http.RoundTripper) upstream.Options {
	return upstream.Options{Connection: upstream.Connection{Transport: t}}
}
