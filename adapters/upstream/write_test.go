package upstream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestAWriteThatMayHaveArrivedIsUnknown(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		status  string // in the metadata
		says    string
	}{
		{"cut before the answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", "broke"},
		{"cut in the answer", cut, "200", "broke"},
		{"time-out", stall, "", "30s"},
		{"500", answer(500, `{"error":"boom"}`), "500", "HTTP 500"},
		{"501", answer(501, ""), "501", "HTTP 501"},
		{"503 with a pause", answer(503, "", "Retry-After", "9"), "503", "HTTP 503"},
		{"redirect", answer(307, "", "Location", "/elsewhere"), "307", "is a redirect"},
		{"HTML", answer(200, "<html>Welcome", "Content-Type", "text/html"), "200", "text/html"},
		{"no JSON", answer(200, `{"name":`), "200", "EOF"},
		{"empty", answer(200, ""), "200", "empty"},
		{"too large", answer(200, `{"name":"`+strings.Repeat("x", 2000)+`"}`), "200", "larger than 1000 bytes"},
		{"endless", endless(strings.Repeat(" ", 100)), "200", "larger than 1000 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			against(t, test.handler, upstream.Options{MaxBody: 1000}, func(t *testing.T, v *vendor, c *upstream.Client) {
				_, err := c.WriteOnRecord(t.Context(), post, &site{})
				e := want(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
				if !strings.Contains(e.Message, test.says) || e.Metadata[apierror.VendorHTTPStatus] != test.status || e.RetryAfter != 0 {
					t.Errorf("%+v, want %q and status %q", e, test.says, test.status)
				}
				wantCalls(t, v, 1)
			})
		})
	}
	t.Run("deadline", func(t *testing.T) {
		against(t, stall, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
			_, err := c.WriteOnRecord(within(t, time.Second), post, &site{})
			want(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
			wantCalls(t, v, 1)
		})
	})
	t.Run("the caller leaves", func(t *testing.T) {
		against(t, stall, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := c.WriteOnRecord(ctx, post, &site{})
			want(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		})
	})
}

func TestAWriteThatTheVendorRefusesIsRefused(t *testing.T) {
	for status, code := range map[int]codes.Code{
		400: codes.InvalidArgument, 401: codes.FailedPrecondition, 403: codes.FailedPrecondition, 404: codes.NotFound, 409: codes.AlreadyExists,
		418: codes.FailedPrecondition, 422: codes.InvalidArgument, 429: codes.ResourceExhausted,
	} {
		for name, handler := range map[string]http.HandlerFunc{
			"whole": answer(status, `{"error":"no"}`),
			"cut": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				w.WriteHeader(status)
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			},
		} {
			t.Run(strconv.Itoa(status)+" "+name, func(t *testing.T) {
				against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
					_, err := c.WriteOnRecord(t.Context(), post, &site{})
					if e := apierror.Convert(err); e.Code != code || e.Metadata[apierror.VendorHTTPStatus] != strconv.Itoa(status) {
						t.Errorf("%+v, want %v", e, code)
					}
					wantCalls(t, v, 1)
				})
			})
		}
	}
}

func TestAWriteThatNeverLeftIsNotSent(t *testing.T) {
	notSent := func(t *testing.T, v *vendor, err error, code codes.Code) {
		t.Helper()
		if e := apierror.Convert(err); e.Code != code || !strings.HasPrefix(e.Message, "not sent: ") {
			t.Errorf("%v %v, want %v and \"not sent: \"", e.Code, e, code)
		}
		wantCalls(t, v, 0)
	}
	hanging := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }}
	against(t, working, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		v.refuse()
		_, err := c.WriteOnRecord(t.Context(), post, nil)
		notSent(t, v, err, codes.Unavailable)
	})
	// the vendor speaks no TLS
	against(t, working, upstream.Options{BaseURL: "https://vendor.test"}, func(t *testing.T, v *vendor, c *upstream.Client) {
		_, err := c.WriteOnRecord(t.Context(), post, nil)
		notSent(t, v, err, codes.Unavailable)
	})
	against(t, working, upstream.Options{Transport: hanging}, func(t *testing.T, v *vendor, c *upstream.Client) {
		_, err := c.WriteOnRecord(t.Context(), post, nil) // the client's own time-out
		notSent(t, v, err, codes.Unavailable)
		_, err = c.WriteOnRecord(within(t, time.Second), post, nil)
		notSent(t, v, err, codes.Unavailable)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = c.WriteOnRecord(ctx, post, nil)
		notSent(t, v, err, codes.Canceled)
		_, err = c.WriteOnRecord(ctx, post, nil)
		notSent(t, v, err, codes.Canceled)
	})
	// virtual
	slow := upstream.Options{Sign: func(context.Context, *http.Request) error { time.Sleep(2 * time.Second); return nil }}
	against(t, working, slow, func(t *testing.T, v *vendor, c *upstream.Client) {
		_, err := c.WriteOnRecord(within(t, time.Second), post, nil)
		notSent(t, v, err, codes.Unavailable)
		if n := v.dials.Load(); n != 0 {
			t.Errorf("%d connections for a call whose deadline had passed", n)
		}
	})
	against(t, working, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		_, err := c.WriteOnRecord(t.Context(), get, nil) // net/http would feel free to repeat it
		notSent(t, v, err, codes.Internal)
		_, err = c.WriteOnRecord(t.Context(), upstream.Request{Method: "POST", Path: "/x", Body: upstream.JSON(func() {})}, nil)
		notSent(t, v, err, codes.Internal)
	})
}

func TestATransportThatCannotBeWatchedMayHaveSentAnything(t *testing.T) {
	blind := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("broken pipe") })
	against(t, working, upstream.Options{Transport: blind}, func(t *testing.T, _ *vendor, c *upstream.Client) {
		_, err := c.WriteOnRecord(t.Context(), post, nil)
		want(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

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
			// closes the connection, as a server does whose idle time has just passed
			panic(http.ErrAbortHandler)
		}
		against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
			// so that the write gets a connection that was used before
			if _, err := c.Read(t.Context(), get, nil); err != nil {
				t.Fatal(err)
			}
			_, err := c.WriteOnRecord(t.Context(), req, nil)
			want(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
			wantCalls(t, v, 2)
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
	for _, up := range []bool{true, false} {
		for _, req := range writes() {
			against(t, working, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
				var dead atomic.Bool
				v.wrap = func(conn net.Conn, number int64) net.Conn {
					if number > 1 {
						return conn
					}
					return dying{conn, &dead}
				}
				if _, err := c.Read(t.Context(), get, nil); err != nil {
					t.Fatal(err)
				}
				dead.Store(true)
				if !up {
					v.refuse()
				}
				_, err := c.WriteOnRecord(t.Context(), req, nil)
				switch {
				case up && err != nil:
					t.Errorf("%s: %v", req.Method, err)
				case up:
					wantCalls(t, v, 2)
				default:
					if e := want(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE); !strings.HasPrefix(e.Message, "not sent: ") {
						t.Errorf("message %q", e.Message)
					}
					wantCalls(t, v, 1)
				}
			})
		}
	}
}

func TestAWriteWhoseAnswerNobodyReads(t *testing.T) {
	against(t, answer(204, ""), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		resp, err := c.WriteOnRecord(t.Context(), upstream.Request{Method: "DELETE", Path: "/x"}, nil)
		if err != nil || resp.Status != 204 {
			t.Errorf("%+v, %v", resp, err)
		}
		wantCalls(t, v, 1)
	})
}

func TestARecordOfAWriteHasTheStatusOfItsAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc // of the write; reads get 203
		want    mutation.Record
	}{
		{"taken", answer(201, `{"name":"new"}`), mutation.Record{State: mutation.Done, HTTPStatus: 201}},
		{"taken, without a body", answer(204, ""), mutation.Record{State: mutation.Done, HTTPStatus: 204}},
		{"refused", answer(422, `{"error":"no"}`), mutation.Record{State: mutation.Refused, HTTPStatus: 422}},
		{"unknown", answer(500, ""), mutation.Record{State: mutation.Sent, HTTPStatus: 500}},
		{"never answered", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, mutation.Record{State: mutation.Sent}},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "GET" {
					answer(203, `{"name":"one"}`)(w, r)
					return
				}
				test.handler(w, r)
			}
			var c *upstream.Client
			sign := func(ctx context.Context, _ *http.Request) error {
				_, err := c.Read(ctx, upstream.Request{Path: "/login", Unsigned: true}, nil)
				return err
			}
			against(t, handler, upstream.Options{Sign: sign}, func(t *testing.T, _ *vendor, client *upstream.Client) {
				c = client
				log := mutation.NewMemory()
				_, _ = mutation.Do(mutation.NewContext(t.Context(), log), mutation.Write[*pb.Site]{
					Step: "create",
					Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Site, error) {
						if _, err := c.Write(ctx, post, nil); err != nil {
							return nil, err
						}
						_, err := c.Read(ctx, get, nil) // what was made of it
						return &pb.Site{}, err
					},
					ReadBack: func(context.Context) (*pb.Site, bool, error) { return nil, false, errors.New("not asked for") },
				})
				if got := log.Get("create"); got.State != test.want.State || got.HTTPStatus != test.want.HTTPStatus {
					t.Errorf("the record is %+v, want %+v", got, test.want)
				}
			})
		})
	}
}

// What comes before the wire, a wait for its turn or a login, may take long: only then does a write
// go on record, and until then it ends with its caller.
func TestAWriteGoesOnRecordRightBeforeItLeaves(t *testing.T) {
	o := upstream.Options{
		MaxPerSecond: 0.1,
		// virtual
		Sign: func(context.Context, *http.Request) error { time.Sleep(2 * time.Second); return nil },
	}
	against(t, working, o, func(t *testing.T, v *vendor, c *upstream.Client) {
		if _, err := c.Read(t.Context(), upstream.Request{Path: "/x", Unsigned: true}, nil); err != nil {
			t.Fatal(err)
		}
		begun, log := time.Now(), &diary{Memory: mutation.NewMemory()}
		ctx, cancel := context.WithDeadline(t.Context(), begun.Add(3*time.Second))
		defer cancel()
		step := mutation.Write[*emptypb.Empty]{Step: "create", Send: func(ctx context.Context, _ mutation.Attempt) (*emptypb.Empty, error) {
			_, err := c.Write(ctx, post, nil)
			return &emptypb.Empty{}, err
		}}
		_, err := mutation.Do(mutation.NewContext(ctx, log), step)
		if e := apierror.Convert(err); e.Code != codes.Unavailable || !strings.HasPrefix(e.Message, "not sent: the deadline passed") || time.Since(begun) != 3*time.Second {
			t.Errorf("after %v: %v %v", time.Since(begun), e.Code, e)
		}
		if len(log.at) > 0 {
			t.Errorf("a write that never left is on record: %v", log.at)
		}
		wantCalls(t, v, 1)

		begun = time.Now()
		if _, err := mutation.Do(mutation.NewContext(t.Context(), log), step); err != nil {
			t.Error(err)
		}
		if len(log.at) != 1 || time.Since(begun) < 10*time.Second || time.Since(log.at[0]) > time.Second {
			t.Errorf("on record at %v, of a write that began at %v and left at %v", log.at, begun, time.Now())
		}
		wantCalls(t, v, 2)
	})
}

// diary is a log that knows when a write went on record as sent.
type diary struct {
	*mutation.Memory
	at []time.Time
}

func (d *diary) Put(ctx context.Context, step string, r mutation.Record) error {
	if r.State == mutation.Sent {
		d.at = append(d.at, time.Now())
	}
	return d.Memory.Put(ctx, step, r)
}

// A process may freeze, or the store may take its time, after the write went on record: by when its
// call is over stands there.
func TestAWriteThatIsLateForItsOwnCallIsNotSent(t *testing.T) {
	against(t, working, upstream.Options{Timeout: time.Second}, func(t *testing.T, v *vendor, c *upstream.Client) {
		_, err := mutation.Do(mutation.NewContext(t.Context(), frozen{mutation.NewMemory()}), mutation.Write[*emptypb.Empty]{Step: "create", Send: func(ctx context.Context, _ mutation.Attempt) (*emptypb.Empty, error) {
			_, err := c.Write(ctx, post, nil)
			return &emptypb.Empty{}, err
		}})
		if e := apierror.Convert(err); e.Code != codes.Unavailable || !strings.HasPrefix(e.Message, "not sent: ") {
			t.Errorf("%v %v", e.Code, e)
		}
		wantCalls(t, v, 0)
	})
}

// frozen is a log that takes two seconds to say that a write is on record.
type frozen struct{ *mutation.Memory }

func (f frozen) Put(ctx context.Context, step string, r mutation.Record) error {
	if r.State == mutation.Sent {
		time.Sleep(2 * time.Second) // virtual
	}
	return f.Memory.Put(ctx, step, r)
}

func TestAWriteWithoutARecordIsNotSent(t *testing.T) {
	against(t, working, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		if _, err := c.Write(mutation.NewContext(t.Context(), mutation.NewMemory()), post, nil); err == nil {
			t.Error("a write outside of mutation.Do succeeds")
		}
		wantCalls(t, v, 0)
	})
}
