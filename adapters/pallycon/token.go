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
	// tokenRenewal is how long before its end a token is replaced. It leaves time for a call, and for
	// clocks that differ.
	tokenRenewal = 2 * time.Minute
)

// A tokens makes the JWT of the guide's "Payload Specification", and reuses it until shortly before
// it ends.
type tokens struct {
	config Config
	now    func() time.Time

	mu     sync.Mutex
	token  secret.Text
	before secret.Text // the token before, which a call may still use
	ends   time.Time
}

// sign puts the token into a request.
func (t *tokens) sign(_ context.Context, r *http.Request) error {
	token, err := t.get()
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	return nil
}

func (t *tokens) get() (secret.Text, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Before(t.ends.Add(-tokenRenewal)) {
		return t.token, nil
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
	t.before, t.token, t.ends = t.token, secret.New(signed), ends
	return t.token, nil
}

// secrets returns what no text may show: the key, and the tokens that calls may use.
func (t *tokens) secrets() []secret.Text {
	t.mu.Lock()
	defer t.mu.Unlock()
	return []secret.Text{t.config.ServiceAPIKey, t.token, t.before}
}
