package emulator

import (
	"fmt"
	"maps"
	"net/http"
	"time"
)

// A session belongs to the token of a login.
type session struct {
	username string
	expires  time.Time // zero means never
}

func (s session) over(now time.Time) bool { return !s.expires.IsZero() && !now.Before(s.expires) }

func (e *Emulator) serveLogin(w http.ResponseWriter, r *http.Request) {
	body, err := readFields(r)
	var a any
	if err == nil {
		a, err = e.login(body)
	}
	e.write(w, a, err)
}

// login serves "POST /auth/login".
func (e *Emulator) login(body fields) (any, error) {
	refused := failure{e.assumed.LoginRefused, "access_denied"}
	notEmpty := func(v string) bool { return v != "" }
	username, err := body.text("username", notEmpty)
	if err != nil {
		return nil, refused
	}
	password, err := body.text("password", notEmpty)
	if err != nil {
		return nil, refused
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	u, known := e.users[username]
	switch {
	case known && u.AccessLevel == LevelNoLogin:
		return nil, accessDenied
	case !known || password == "" || password != u.Password:
		return nil, refused
	case e.assumed.LoginWants != "" && body[e.assumed.LoginWants] == nil:
		return nil, invalid(e.assumed.LoginWants)
	}
	now := e.Clock().Now()
	maps.DeleteFunc(e.sessions, func(_ string, s session) bool { return s.over(now) })
	token, s := hex(e.tokens, 48), session{username: username}
	if e.minutes > 0 {
		s.expires = now.Add(time.Duration(e.minutes) * time.Minute)
	}
	e.sessions[token] = s
	e.logins++
	return struct {
		Token            string `json:"token"`
		ExpiresInMinutes int    `json:"expiresInMinutes"`
		Customer         string `json:"customer"`
		AccessLevel      string `json:"accessLevel"`
	}{token, e.minutes, u.Customer, u.AccessLevel}, nil
}

// identify returns the user of the one valid token in a request.
func (e *Emulator) identify(tokens []string) (User, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if len(tokens) == 1 {
		if username, known := e.machines[tokens[0]]; known {
			return e.users[username], nil
		}
		if s, known := e.sessions[tokens[0]]; known && !s.over(e.Clock().Now()) {
			return e.users[s.username], nil
		}
	}
	return User{}, failure{e.assumed.TokenRefused, "access_denied"}
}

// Logins returns how many logins succeeded.
func (e *Emulator) Logins() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.logins
}

// ChangePassword gives a user another password. The tokens of its logins end, unless the
// assumptions keep them. Its machine token stays. It panics if there is no such user.
func (e *Emulator) ChangePassword(username, password string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, known := e.users[username]
	if !known {
		panic(fmt.Sprintf("emulator: a password for user %q, who does not exist", username))
	}
	u.Password = password
	e.users[username] = u
	if !e.assumed.SessionsOutlivePassword {
		maps.DeleteFunc(e.sessions, func(_ string, s session) bool { return s.username == username })
	}
}

// RevokeTokens ends all tokens, of logins and of machines. A user with a password can log in again.
func (e *Emulator) RevokeTokens() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.sessions)
	clear(e.machines)
}
