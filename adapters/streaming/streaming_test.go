package streaming_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/streaming"
	"github.com/drmhub/drmhub/internal/panics"
)

// client is the client's end of a stream of numbers.
type client struct {
	grpc.ServerStream
	ctx  context.Context
	got  []int
	send func(int) error // nil: takes all
}

func (c *client) Context() context.Context { return c.ctx }

func (c *client) Send(n *int) error {
	c.got = append(c.got, *n)
	if c.send == nil {
		return nil
	}
	return c.send(*n)
}

// count returns 1, 2, 3 and so on, and then err.
func count(upTo int, err error) (next func(context.Context) (*int, error), fetched *int) {
	fetched = new(int)
	return func(context.Context) (*int, error) {
		if *fetched == upTo {
			return nil, err
		}
		*fetched++
		n := *fetched
		return &n, nil
	}, fetched
}

func TestSend(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		messages  int
		end, want error
	}{
		"no message":         {0, io.EOF, nil},
		"three messages":     {3, io.EOF, nil},
		"an error at once":   {0, broken, broken},
		"an error after two": {2, broken, broken},
	} {
		synctest.Test(t, func(t *testing.T) {
			to := &client{ctx: t.Context()}
			next, _ := count(test.messages, test.end)
			if err := streaming.Send(to, next); !errors.Is(err, test.want) || len(to.got) != test.messages {
				t.Errorf("%s: %v, %v", name, to.got, err)
			}
			if !slices.IsSorted(to.got) {
				t.Errorf("%s: out of order: %v", name, to.got)
			}
		})
	}
}

func TestSendFetchesOneMessageAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, fetched := count(10, io.EOF)
		to := &client{ctx: t.Context(), send: func(n int) error {
			synctest.Wait() // until fetching can go no further
			if want := min(n+1, 10); *fetched != want {
				t.Errorf("%d messages are fetched while message %d is sent, want %d", *fetched, n, want)
			}
			return nil
		}}
		if err := streaming.Send(to, next); err != nil {
			t.Error(err)
		}
	})
}

func TestSendEndsWithItsClient(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		cancel bool // the stream's context ends with the second message
		code   codes.Code
	}{
		"Send fails":        {false, codes.Unknown},
		"the client leaves": {true, codes.Canceled},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			next, fetched := count(10, io.EOF)
			err := streaming.Send(&client{ctx: ctx, send: func(n int) error {
				if n < 2 {
					return nil
				}
				if test.cancel {
					cancel()
				}
				return broken
			}}, next)
			if *fetched > 3 {
				t.Errorf("%s: %d messages are fetched", name, *fetched)
			}
			if test.cancel != (apierror.Convert(err).Code == test.code) || !test.cancel && !errors.Is(err, broken) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestSendEndsWhatNextWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		returned := false
		next := func(ctx context.Context) (*int, error) {
			<-ctx.Done()
			returned = true
			return nil, ctx.Err()
		}
		go cancel()
		err := streaming.Send(&client{ctx: ctx}, next)
		if apierror.Convert(err).Code != codes.Canceled || !returned {
			t.Errorf("%v, and next has returned: %v", err, returned)
		}
	})
}

func TestSendRaisesAPanicOfNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := panics.Catch(func() {
			err := streaming.Send(&client{ctx: t.Context()}, func(context.Context) (*int, error) { panic("boom") })
			t.Errorf("Send returns %v", err)
		})
		if p == nil || p.Value != "boom" {
			t.Errorf("Send panics with %v", p)
		}
	})
}
