package upstream

import (
	"context"
	"net/http"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// Close closes idle connections. The client can still be used.
func (c *Client) Close() { closeIdle([2]http.RoundTripper{c.reads, c.writes}) }

// WriteOnRecord is Write as the one step of a mutation. It ends with ctx, even after it has left.
func (c *Client) WriteOnRecord(ctx context.Context, req Request, into any) (res *Response, err error) {
	run := mutation.NewContext(context.WithoutCancel(ctx), mutation.NewMemory())
	_, err = mutation.Do(run, mutation.Write[*emptypb.Empty]{
		Send: func(attempt context.Context, _ mutation.Attempt) (_ *emptypb.Empty, err error) {
			res, err = c.Write(cut{ctx, attempt}, req, into)
			return &emptypb.Empty{}, err
		},
	})
	return res, err
}

// cut is the context of an attempt that ends with another context.
type cut struct {
	context.Context
	attempt context.Context
}

func (c cut) Value(key any) any { return c.attempt.Value(key) }
