package pallycon

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/drmhub/drmhub/adapters/secret"
)

const (
	// tokenLife is short, because a stolen token gives access to the account until it ends.
	tokenLife = 10 * time.Minute
	// tokenRenewal is how long before its end a token is replaced. It leaves time for a call, and
	// for clocks that differ.
	tokenRenewal = 2 * time.Minute
)

// A tokens makes the JWT of the guide's "Payload Specification", and reuses it until shortly before
// it ends.
type tokens struct {
	config Config
	now    func() time.Time

	mu            sync.Mutex
	token         secret.Text
	authorization secret.Text // the header with the token
	ends          time.Time
	// hidden is what no text may show: the key, the token, and the one before, which a call may
	// still use. Nobody changes the list.
	hidden []secret.Text
}

func newTokens(config Config) *tokens {
	return &tokens{config: config, now: time.Now, hidden: []secret.Text{config.ServiceAPIKey}}
}

// sign puts the token into a request.
func (t *tokens) sign(_ context.Context, r *http.Request) error {
	authorization, err := t.get()
	if err != nil {
		return err
	}
	r.Header["Authorization"] = []string{authorization.Reveal()}
	return nil
}

// get returns the header with the token.
func (t *tokens) get() (authorization secret.Text, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// PallyCon compares exp with the time of day, so drmhub does too: a monotonic clock can stop
	// while the machine sleeps. A token with more than its whole life left was made before the
	// clock was set back.
	now := t.now().Round(0)
	if left := t.ends.Sub(now); left > tokenRenewal && left <= tokenLife {
		return t.authorization, nil
	}
	ends := now.Add(tokenLife)
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub":         "PallyConAPI",
		"aud":         "INKA", // one string, not a list
		"iss":         "PallyCon",
		"account_id":  t.config.AccountID,
		"account_seq": t.config.AccountSeq,
		"exp":         ends.Unix(),
	}).SignedString([]byte(t.config.ServiceAPIKey.Reveal()))
	if err != nil {
		return secret.Text{}, fmt.Errorf("signing PallyCon's token: %w", err)
	}
	before := t.token
	t.token, t.ends = secret.New(signed), ends
	t.authorization = secret.New("Bearer " + signed)
	t.hidden = []secret.Text{t.config.ServiceAPIKey, t.token, before}
	return t.authorization, nil
}

// secrets returns what no text may show.
func (t *tokens) secrets() []secret.Text {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hidden
}
