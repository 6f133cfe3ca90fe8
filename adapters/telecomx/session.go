package telecomx

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// renewal is how long before its end a token is replaced, so that a call has time to end. A
	// token of less than five minutes is replaced after four fifths of its life.
	renewal = time.Minute
	// loginPause is the time between a refused login and the next one. TelecomX may lock a user
	// after a number of wrong passwords.
	loginPause = time.Minute
	// keptTokens is how many earlier tokens are still removed from texts. Running calls may carry
	// them.
	keptTokens = 4
)

// A session has the token that calls carry. It logs in when the first call needs a token, shortly
// before the token ends, and when TelecomX refuses it. All calls that wait share one login.
type session struct {
	config Config
	login  func(context.Context) (grant, error)
	now    func() time.Time

	mu       sync.Mutex // guards the fields up to accepted
	current  token
	count    int           // of tokens
	spent    []secret.Text // the last tokens before
	customer string        // the user's own, from the last login
	level    string        // its access level
	refused  error         // why the last login was refused
	pause    time.Time     // until when refused is returned
	// accepted holds until when a refusal is final: it has led to a new login already, or the new
	// token was refused in the same way.
	accepted map[pb.ErrorReason]time.Time

	logins singleflight.Group // one login for all calls that wait
}

// A grant is the result of a login.
type grant struct {
	token           secret.Text
	life            time.Duration // 0: without end
	customer, level string
}

// A token is sent with calls.
type token struct {
	text   secret.Text
	number int       // from 1; 0 means no token
	since  time.Time // when it was given
	until  time.Time // when it must be replaced; zero: never
}

func (t token) usable(now time.Time) bool {
	return t.number > 0 && (t.until.IsZero() || now.Before(t.until))
}

func newSession(config Config, login func(context.Context) (grant, error)) *session {
	s := &session{config: config, login: login, now: time.Now, accepted: map[pb.ErrorReason]time.Time{}}
	if !config.Token.IsZero() {
		s.current = token{text: config.Token, number: 1}
	}
	return s
}

// get returns a token to make a call with. A login goes on for the other callers when one leaves.
func (s *session) get(ctx context.Context) (token, error) {
	if t, decided, err := s.known(); decided {
		return t, err
	}
	login := s.logins.DoChan("", func() (any, error) { return s.logIn(context.WithoutCancel(ctx)) })
	select {
	case done := <-login:
		t, _ := done.Val.(token)
		return t, done.Err
	case <-ctx.Done():
		return token{}, apierror.FromContext(ctx)
	}
}

// known returns the current token, or why it has none. It reports false if a login must decide.
func (s *session) known() (t token, decided bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch now := s.now(); {
	case s.current.usable(now):
		return s.current, true, nil
	case now.Before(s.pause):
		return token{}, true, s.refused
	}
	return token{}, false, nil
}

// logIn logs in and returns the new token. The token's life is counted from before the call, since
// TelecomX begins to count during it.
func (s *session) logIn(ctx context.Context) (token, error) {
	if t, decided, err := s.known(); decided {
		return t, err // another login has ended meanwhile
	}
	begun := s.now()
	g, err := s.login(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	// A caller that finds this token invalidated begins a new login.
	defer s.logins.Forget("")
	if err != nil {
		if apierror.Convert(err).Reason == pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED {
			s.refused, s.pause = err, s.now().Add(loginPause)
		}
		return token{}, err
	}
	s.invalidate()
	s.count++
	s.current = token{text: g.token, number: s.count, since: s.now()}
	if g.life > 0 {
		s.current.until = begun.Add(g.life - min(renewal, g.life/5))
	}
	s.customer, s.level = g.customer, g.level
	return s.current, nil
}

// invalidate ends the use of the current token.
func (s *session) invalidate() {
	if s.current.number == 0 {
		return
	}
	s.spent = append(s.spent, s.current.text)
	if len(s.spent) > keptTokens {
		s.spent = s.spent[1:]
	}
	s.current = token{}
}

// renew reports whether a refused call can be made again with another token than carried. If so,
// carried is used no more.
func (s *session) renew(carried token, why pb.ErrorReason) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.config.Token.IsZero():
		return false
	case carried.number != s.current.number:
		return true // another call has a new token, or is about to get one
	case s.now().Before(s.accepted[why]):
		return false
	}
	s.invalidate()
	// The reason may be the access level: then the next token is refused too.
	if why == pb.ErrorReason_VENDOR_PERMISSION_DENIED {
		s.accepted[why] = s.now().Add(loginPause)
	}
	return true
}

// acceptRefusals makes refusals for this reason final for the time of loginPause, so that they do
// not lead to a login each.
func (s *session) acceptRefusals(why pb.ErrorReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted[why] = s.now().Add(loginPause)
}

// user returns the user's own customer and access level, "" if no login has told them.
func (s *session) user() (customer, level string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.customer, s.level
}

// secrets returns what must be removed from texts: the credentials, and the tokens that calls may
// carry.
func (s *session) secrets() []secret.Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]secret.Text{s.config.Password, s.config.Token, s.current.text}, s.spent...)
}
