package telecomx

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
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
	Token            jsonx.Text `json:"token"`
	ExpiresInMinutes jsonx.Text `json:"expiresInMinutes"`
	Customer         jsonx.Text `json:"customer"`
	AccessLevel      jsonx.Text `json:"accessLevel"`
}

// login calls "POST /auth/login". It opens a session and changes nothing else, so it can be
// repeated as a read.
func (a *Adapter) login(ctx context.Context) (grant, error) {
	response := &answer[loginResponse]{}
	credentials := map[string]string{"username": a.config.Username, "password": a.config.Password.Reveal()}
	res, err := a.vendor.Read(ctx, upstream.Request{
		Method:   http.MethodPost,
		Path:     loginPath,
		Body:     upstream.JSON(credentials),
		Unsigned: true,
	}, response)
	switch {
	case err != nil:
		return grant{}, loginRefused(err)
	case response.refused || response.Value.Token == "":
		return grant{}, res.Complete(withoutToken(res.Status, response))
	}
	minutes, _ := strconv.ParseFloat(strings.TrimSpace(string(response.Value.ExpiresInMinutes)), 64)
	if math.IsNaN(minutes) {
		minutes = 0
	}
	return grant{
		token:    secret.New(string(response.Value.Token)),
		life:     life(minutes),
		customer: string(response.Value.Customer),
		level:    string(response.Value.AccessLevel),
	}, nil
}

// withoutToken returns the error of a login that has the status of a success, and no token.
func withoutToken(status int, response *answer[loginResponse]) *apierror.Error {
	e := response.explained(&apierror.Error{})
	var members strings.Builder
	for name, value := range response.members {
		members.WriteString(" " + name + " " + string(value))
	}
	factor := secondFactor(members.String())
	switch {
	case response.said == saysInternal:
		e.Code, e.Reason = codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE
		e.Message = "TelecomX reports a failure of its own at the login"
	case response.refused || factor != "":
		return credentialsRejected(status, factor, e.Metadata)
	default:
		e.Code, e.Reason = codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID
		e.Message = "TelecomX accepted the login but sent no token: check base_url in this vendor's configuration"
	}
	return e
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

// loginRefused returns the error of a failed login. It blames the configuration for a refusal,
// since no caller can cause one. It returns err if TelecomX throttles or fails, or if a proxy may
// have sent the response.
func loginRefused(err error) error {
	e := apierror.Convert(err)
	status, _ := strconv.Atoi(e.Metadata[apierror.VendorHTTPStatus])
	switch {
	case status < 400, status >= 500, status == http.StatusTooManyRequests,
		e.Reason == pb.ErrorReason_VENDOR_UNAVAILABLE, e.Reason == pb.ErrorReason_VENDOR_RESPONSE_INVALID:
		return err
	}
	text := e.Metadata[apierror.VendorCode] + " " + e.Metadata[apierror.VendorMessage]
	rejected := credentialsRejected(status, secondFactor(text), e.Metadata)
	if strings.HasPrefix(e.Metadata[apierror.VendorMessage], "<") { // It may also be of TelecomX's own server.
		rejected.Message += ". The response is a web page, so a proxy in front of TelecomX may have sent it"
	}
	return rejected
}

// secondFactor returns what TelecomX wants besides a password, if a text of its names it, and ""
// otherwise.
func secondFactor(text string) string {
	for _, name := range []string{"smsKey", "authenticatorToken"} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(name)) {
			return name
		}
	}
	return ""
}

// credentialsRejected returns the error of a refused login.
func credentialsRejected(status int, factor string, metadata map[string]string) *apierror.Error {
	check := "check username, password and base_url in this vendor's configuration. " +
		"The user may be locked, or its password changed"
	if factor != "" {
		check = "it wants " + factor + " besides the password, which drmhub cannot give. " +
			"Set token in this vendor's configuration, or a user who logs in with a password alone"
	}
	e := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED,
		"TelecomX refuses the login (HTTP %d): %s. To avoid a lock, drmhub waits %v before the next login",
		status, check, loginPause)
	e.Metadata = metadata
	return e
}
