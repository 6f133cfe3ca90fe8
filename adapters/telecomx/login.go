package telecomx

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	loginPath = "/auth/login"
	// usualLife is how long a token is good where the login does not say, in minutes; longestLife
	// is what an answer is cut at: a year.
	usualLife, longestLife = 15, 365 * 24 * 60
)

// loginAnswer is what a login answers. ExpiresInMinutes is -1 where the token does not expire.
type loginAnswer struct {
	Token            string     `json:"token"`
	ExpiresInMinutes float64    `json:"expiresInMinutes"`
	Customer         jsonx.Text `json:"customer"`
	AccessLevel      jsonx.Text `json:"accessLevel"`
}

// login is "POST /auth/login". It opens a session and changes nothing else, so it may be tried
// again as a read.
func (a *Adapter) login(ctx context.Context) (grant, error) {
	var answer loginAnswer
	res, err := a.vendor.Read(ctx, upstream.Request{
		Method:   http.MethodPost,
		Path:     loginPath,
		Body:     upstream.JSON(map[string]string{"username": a.config.Username, "password": a.config.Password.Reveal()}),
		Unsigned: true,
	}, &answer)
	switch {
	case err != nil:
		return grant{}, loginRefused(err)
	case answer.Token == "":
		return grant{}, res.Complete(apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"TelecomX answers the login and gives no token: is base_url TelecomX' API?"))
	}
	return grant{
		token:    secret.New(answer.Token),
		life:     life(answer.ExpiresInMinutes),
		customer: string(answer.Customer),
		level:    string(answer.AccessLevel),
	}, nil
}

// life is how long a token is good; 0: forever.
func life(minutes float64) time.Duration {
	switch {
	case minutes < 0:
		return 0
	case minutes == 0: // left out
		minutes = usualLife
	}
	return time.Duration(min(minutes, longestLife) * float64(time.Minute))
}

// loginRefused makes a refused login the fault of the configuration, whatever TelecomX says of it:
// no caller can have caused it. Throttling, and a failure of TelecomX' own, are none.
func loginRefused(err error) error {
	e := apierror.Convert(err)
	status, _ := strconv.Atoi(e.Metadata[apierror.VendorHTTPStatus])
	if status < 400 || status >= 500 || status == http.StatusTooManyRequests {
		return err
	}
	refused := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED,
		"TelecomX refuses the login (HTTP %d): check username, password and base_url in this vendor's configuration, and whether the user is locked or its password was changed; "+
			"drmhub logs in again after %v at the earliest, lest it lock the user", status, loginPause)
	refused.Metadata = e.Metadata
	return refused
}
