package telecomx

import (
	"context"
	"sync"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// renewal is how long before its end a token is no longer used, or a fifth of its life where
	// that is less: time enough for a call.
	renewal = time.Minute
	// loginPause is how long a refused login is not tried again. TelecomX may lock a user after a
	// number of wrong passwords, and what was refused seldom becomes right within a minute.
	loginPause = time.Minute
	// keptTokens is how many tokens of before are still taken out of texts: calls that are under
	// way may carry them.
	keptTokens = 4
)

// session has the token that calls carry. It logs in when the first call needs one, shortly before
// the token ends, and when TelecomX refuses it: once, however many calls wait for it.
type session struct {
	config Config
	login  func(context.Context) (grant, error)
	now    func() time.Time

	mu       sync.Mutex
	current  token
	count    int           // of tokens
	spent    []secret.Text // the last tokens before
	customer string        // the user's own, from the last login
	level    string        // its access level
	underWay *flight       // nil: nobody logs in
	refused  error         // why the last login was refused
	pause    time.Time     // until when that is the answer
	// trusted holds until when a refusal is taken at its word: there is a new token because of it
	// already, or one was refused in the same way.
	trusted map[pb.ErrorReason]time.Time
}

// grant is what a login gives.
type grant struct {
	token           secret.Text
	life            time.Duration // 0: forever
	customer, level string
}

// token is a token that calls carry.
type token struct {
	text   secret.Text
	number int       // from 1; 0 is no token
	since  time.Time // when it was given
	until  time.Time // when the next one is needed; zero: never
}

func (t token) usable(now time.Time) bool {
	return t.number > 0 && (t.until.IsZero() || now.Before(t.until))
}

// flight is a login under way, for all calls that wait for it.
type flight struct {
	landed chan struct{} // closed when the others are set
	token  token
	err    error
}

func newSession(config Config, login func(context.Context) (grant, error)) *session {
	s := &session{config: config, login: login, now: time.Now, trusted: map[pb.ErrorReason]time.Time{}}
	if !config.Token.IsZero() {
		s.current = token{text: config.Token, number: 1}
	}
	return s
}

// get is a token to make a call with. A caller who goes away leaves the login to the others.
func (s *session) get(ctx context.Context) (token, error) {
	s.mu.Lock()
	now := s.now()
	if s.current.usable(now) {
		defer s.mu.Unlock()
		return s.current, nil
	}
	if now.Before(s.pause) {
		defer s.mu.Unlock()
		return token{}, s.refused
	}
	f := s.underWay
	if f == nil {
		f = &flight{landed: make(chan struct{})}
		s.underWay = f
		go s.fly(context.WithoutCancel(ctx), f)
	}
	s.mu.Unlock()
	select {
	case <-f.landed:
		return f.token, f.err
	case <-ctx.Done():
		return token{}, apierror.FromContext(ctx)
	}
}

// fly logs in. The token's life is counted from before the call, since TelecomX' own count begins
// amid it.
func (s *session) fly(ctx context.Context, f *flight) {
	begun := s.now()
	g, err := s.login(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(f.landed)
	s.underWay = nil
	if err != nil {
		if apierror.Convert(err).Reason == pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED {
			s.refused, s.pause = err, s.now().Add(loginPause)
		}
		f.err = err
		return
	}
	s.retire()
	s.count++
	s.current = token{text: g.token, number: s.count, since: s.now()}
	if g.life > 0 {
		s.current.until = begun.Add(g.life - min(renewal, g.life/5))
	}
	s.customer, s.level = g.customer, g.level
	f.token = s.current
}

// retire ends the use of the current token.
func (s *session) retire() {
	if s.current.number == 0 {
		return
	}
	s.spent = append(s.spent, s.current.text)
	if len(s.spent) > keptTokens {
		s.spent = s.spent[1:]
	}
	s.current = token{}
}

// renew reports whether a call that was refused with this token can be made again with another one.
// The token is used no more then.
func (s *session) renew(carried token, why pb.ErrorReason) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.config.Token.IsZero():
		return false
	case carried.number != s.current.number:
		return true // somebody else has a new one, or is about to
	case s.now().Before(s.trusted[why]):
		return false
	}
	s.retire()
	// which may be about the access level: then the next token is refused as this one was
	if why == pb.ErrorReason_VENDOR_PERMISSION_DENIED {
		s.trusted[why] = s.now().Add(loginPause)
	}
	return true
}

// trust takes refusals at their word, for as long as a refused login is not tried again: so not
// every call logs in that TelecomX refuses.
func (s *session) trust(why pb.ErrorReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trusted[why] = s.now().Add(loginPause)
}

// user is the user's own customer and access level, as far as a login has told them.
func (s *session) user() (customer, level string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.customer, s.level
}

// secrets are what is to be taken out of texts: the credentials, and the tokens that calls may
// carry.
func (s *session) secrets() []secret.Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]secret.Text{s.config.Password, s.config.Token, s.current.text}, s.spent...)
}
