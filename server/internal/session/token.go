package session

import (
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// maxForm bounds the body of a posted token, in bytes. A token has at most 8 KiB.
const maxForm = 16 << 10

// errBound is why a token that is bound to a certificate begins no session: the cookie would not be
// bound.
var errBound = errors.New("the token is bound to a client certificate")

// postToken begins a session with a token: {"token": "…"}.
func (s *Sessions) postToken(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var form struct {
		Token string `json:"token"`
	}
	if err != nil || json.Unmarshal(body, &form, json.RejectUnknownMembers(true)) != nil || form.Token == "" {
		return apierror.Invalid("token", "nobody was logged in: send the token as JSON: {\"token\": \"TOKEN\"}")
	}
	issuer := s.Issuer() // A reload may change it while the token is verified. The session then ends at once.
	caller, thumbprint, err := s.Tokens.Verify(r.Context(), form.Token)
	switch {
	case r.Context().Err() != nil:
		return r.Context().Err()
	case err != nil:
		return s.refuse(r.Context(), err)
	case thumbprint != "":
		return s.refuse(r.Context(), errBound)
	}
	if err := s.begin(r.Context(), w, issuer, caller.Identity); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// logout ends the session in this browser.
func (s *Sessions) logout(w http.ResponseWriter, _ *http.Request) error {
	remove(w, sessionCookie, http.SameSiteStrictMode)
	remove(w, loginCookie, http.SameSiteLaxMode)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
