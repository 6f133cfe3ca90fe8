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
	// defaultLife is how many minutes a token is valid if the login does not say. maxLife bounds
	// what the login says.
	defaultLife, maxLife = 15, 365 * 24 * 60
)

// A loginResponse is the response to a login. ExpiresInMinutes is -1 if the token does not expire.
type loginResponse struct {
	Token            string     `json:"token"`
	ExpiresInMinutes float64    `json:"expiresInMinutes"`
	Customer         jsonx.Text `json:"customer"`
	AccessLevel      jsonx.Text `json:"accessLevel"`
}

// login calls "POST /auth/login". It opens a session and changes nothing else, so it can be repeated
// as a read.
func (a *Adapter) login(ctx context.Context) (grant, error) {
	var response loginResponse
	credentials := map[string]string{"username": a.config.Username, "password": a.config.Password.Reveal()}
	res, err := a.vendor.Read(ctx, upstream.Request{
		Method:   http.MethodPost,
		Path:     loginPath,
		Body:     upstream.JSON(credentials),
		Unsigned: true,
	}, &response)
	switch {
	case err != nil:
		return grant{}, loginRefused(err)
	case response.Token == "":
		return grant{}, res.Complete(apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"TelecomX accepted the login but sent no token: check base_url in this vendor's configuration"))
	}
	return grant{
		token:    secret.New(response.Token),
		life:     life(response.ExpiresInMinutes),
		customer: string(response.Customer),
		level:    string(response.AccessLevel),
	}, nil
}

// life returns how long a token is valid. 0 means that it does not expire.
func life(minutes float64) time.Duration {
	switch {
	case minutes < 0:
		return 0
	case minutes == 0: // omitted
		minutes = defaultLife
	}
	return time.Duration(min(minutes, maxLife) * float64(time.Minute))
}

// loginRefused returns the error of a failed login. It blames the configuration for a refusal, since
// no caller can cause one. It returns err if TelecomX throttles or fails, or if a proxy may have sent
// the response.
func loginRefused(err error) error {
	e := apierror.Convert(err)
	status, _ := strconv.Atoi(e.Metadata[apierror.VendorHTTPStatus])
	switch {
	case status < 400, status >= 500, status == http.StatusTooManyRequests,
		e.Reason == pb.ErrorReason_VENDOR_UNAVAILABLE, e.Reason == pb.ErrorReason_VENDOR_RESPONSE_INVALID:
		return err
	}
	refused := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED,
		"TelecomX refuses the login (HTTP %d): check username, password and base_url in this vendor's configuration. "+
			"The user may be locked, or its password changed. To avoid a lock, drmhub waits %v before the next login.",
		status, loginPause)
	refused.Metadata = e.Metadata
	return refused
}
