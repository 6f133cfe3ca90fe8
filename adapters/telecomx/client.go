package telecomx

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// read makes a call that changes nothing.
func (a *Adapter) read(ctx context.Context, req upstream.Request, into any) (*upstream.Response, error) {
	return a.session.call(ctx, func(ctx context.Context) (*upstream.Response, error) {
		return a.vendor.Read(ctx, req, into)
	})
}

// write makes a call that changes something. If TelecomX refuses the token, it has refused the call,
// so the call can be sent again.
func (a *Adapter) write(ctx context.Context, req upstream.Request, into any) (*upstream.Response, error) {
	return a.session.call(ctx, func(ctx context.Context) (*upstream.Response, error) {
		return a.vendor.Write(ctx, req, into)
	})
}

type carriedKey struct{}

// call sends a request. If TelecomX refuses the token that it carried, call sends it again with a
// new one. TelecomX returns 401 or 403 for an expired token, and 403 for an insufficient access
// level too. A token that was given after the refusal shows which of the two it was.
func (s *session) call(
	ctx context.Context, send func(context.Context) (*upstream.Response, error),
) (*upstream.Response, error) {
	carried := &token{}
	ctx = context.WithValue(ctx, carriedKey{}, carried)
	var refused time.Time // for the first time
	for {
		res, err := send(ctx)
		why := doubtful(err)
		switch {
		case why == 0 || carried.number == 0:
			return res, err
		case !refused.IsZero() && !carried.since.Before(refused):
			s.acceptRefusals(why)
			return res, err
		case !s.renew(*carried, why):
			return res, err
		case refused.IsZero():
			refused = s.now()
		}
	}
}

// doubtful returns why a call was refused, if its token may be the cause. It returns 0 otherwise.
func doubtful(err error) pb.ErrorReason {
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		switch e.Reason {
		case pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED, pb.ErrorReason_VENDOR_PERMISSION_DENIED:
			return e.Reason
		}
	}
	return 0
}

// sign adds the token to a request's query, where TelecomX expects it.
func (s *session) sign(ctx context.Context, r *http.Request) error {
	carried, ok := ctx.Value(carriedKey{}).(*token)
	if !ok {
		carried = &token{}
	}
	*carried = token{} // clears the token of an earlier attempt
	t, err := s.get(ctx)
	if err != nil {
		// DEADLINE_EXCEEDED would not say whether a write had an effect.
		if r.Method != http.MethodGet && apierror.Convert(err).Code == codes.DeadlineExceeded {
			return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
				"not sent: the deadline passed before the login at TelecomX ended")
		}
		return err
	}
	*carried = t
	if r.URL.RawQuery != "" {
		r.URL.RawQuery += "&"
	}
	r.URL.RawQuery += "token=" + strings.ReplaceAll(url.QueryEscape(t.text.Reveal()), "+", "%20")
	return nil
}
