package telecomx

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// read makes a call that changes nothing. missing is TelecomX's word for what the call names, if
// TelecomX does not have it. A 404 with another word is about something else, and proves nothing
// about that.
func (a *Adapter) read(
	ctx context.Context, req upstream.Request, missing string, into any,
) (*upstream.Response, error) {
	req.Shape = shapes[reflect.TypeOf(into)]
	res, err := a.session.call(ctx, func(ctx context.Context) (*upstream.Response, error) {
		return a.vendor.Read(ctx, req, into)
	}, nil)
	if err == nil {
		return res, nil
	}
	e := *apierror.Convert(err)
	if e.Reason != pb.ErrorReason_RESOURCE_NOT_FOUND || says(err, missing) {
		return nil, err
	}
	e.Message = "TelecomX says that something else is missing than the call names (HTTP 404, " +
		e.Metadata[apierror.VendorCode] + "). Check base_url"
	e.Code, e.Reason = codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID
	return nil, &e
}

// A writing is how a call that changes something is made.
type writing struct {
	words []string // of TelecomX, for a refusal of this call
	// took reports whether TelecomX shows the change.
	took func(context.Context) (bool, error)
	// resent reports whether the call was sent twice, though the first one may take effect late.
	resent bool
}

// errTook says that a call took effect, though its response was a refusal.
var errTook = errors.New("telecomx: the change is made")

// write makes a call that changes something. If TelecomX itself refuses the token, it has refused
// the call, so the call can be sent again. If a proxy may have refused it, the change is read back
// first. A refusal with a word of another call is read back before it counts.
func (a *Adapter) write(
	ctx context.Context, req upstream.Request, w *writing, into any,
) (*upstream.Response, error) {
	doubtful := false // the first one may take effect late
	res, err := a.session.call(ctx, func(ctx context.Context) (*upstream.Response, error) {
		return a.vendor.Write(ctx, req, into)
	}, func(refused *apierror.Error) error {
		if !refused.Unproven {
			return nil
		}
		doubtful, w.resent = true, true
		switch took, err := w.took(ctx); {
		case err != nil:
			unknown := apierror.OutcomeUnknown("Outcome unknown: %s Reading the change back failed: %v%s",
				strings.TrimSuffix(refused.Message, ".")+".", err, mutation.RetryAdvice)
			unknown.Metadata = refused.Metadata
			return unknown
		case took:
			return errTook
		}
		return nil
	})
	if err == nil || errors.Is(err, errTook) || !mutation.IsPlain(err) || apierror.IsOutcomeUnknown(err) {
		return res, err
	}
	e := *apierror.Convert(err)
	e.Unproven = e.Unproven || doubtful
	isOwn := slices.Contains(w.words, e.Metadata[apierror.VendorCode])
	switch e.Reason {
	case pb.ErrorReason_VENDOR_INPUT_REFUSED:
		e.Unproven = e.Unproven || !isOwn
	case pb.ErrorReason_RESOURCE_NOT_FOUND, pb.ErrorReason_VENDOR_STATE, pb.ErrorReason_VENDOR_ALREADY_EXISTS:
		if !isOwn {
			e.Code, e.Reason = codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED
			said := strings.TrimSuffix(", "+e.Metadata[apierror.VendorCode], ", ")
			e.Message = "TelecomX refuses the request (HTTP " + e.Metadata[apierror.VendorHTTPStatus] + said + ")"
		}
	}
	return nil, &e
}

type carriedKey struct{}

// call sends a request. If TelecomX refuses the token that it carried, call sends it again with a
// new one, unless again returns an error. TelecomX returns 401 or 403 for an expired token, and 403
// for an insufficient access level too. A token that was given after the refusal shows which of the
// two it was.
func (s *session) call(
	ctx context.Context, send func(context.Context) (*upstream.Response, error), again func(*apierror.Error) error,
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
		if again != nil {
			if err := again(apierror.Convert(err)); err != nil {
				return nil, err
			}
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
		return notSent(r.Method, err)
	}
	*carried = t
	if r.URL.RawQuery != "" {
		r.URL.RawQuery += "&"
	}
	r.URL.RawQuery += "token=" + strings.ReplaceAll(url.QueryEscape(t.text.Reveal()), "+", "%20")
	return nil
}

// notSent returns the error of a call that was not sent, because the login failed.
func notSent(method string, err error) error {
	known, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		return err
	}
	e := *known
	switch e.Code {
	case codes.Canceled:
		return err
	case codes.DeadlineExceeded:
		// It would not say whether a write had an effect.
		if method == http.MethodGet {
			return err
		}
		return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
			"not sent: the deadline passed before the login at TelecomX ended")
	}
	e.Message = "not sent: " + strings.TrimPrefix(e.Message, "not sent: ")
	return &e
}
