package token_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
)

// served is a transport that returns a key set without a connection.
type served struct {
	mu   sync.Mutex
	body string
}

func (s *served) set(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body = body
}

func (s *served) RoundTrip(*http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.body == "" {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(s.body))}, nil
}

// withSet runs a test with a verifier of a set, at synctest's time.
func withSet(t *testing.T, body string, test func(t *testing.T, issuer *served, v *token.Verifier)) {
	tokentest.JWKS() // The keys are made outside of the bubble.
	synctest.Test(t, func(t *testing.T) {
		issuer := &served{body: body}
		set, err := keyset.New(keyset.Options{URL: "https://id.example", Transport: issuer})
		if err != nil {
			t.Fatal(err)
		}
		set.Start(t.Context())
		defer set.Close()
		test(t, issuer, verifier(t, set))
	})
}

func TestATokenEndsAlsoWhereItIsRemembered(t *testing.T) {
	withSet(t, tokentest.JWKS(), func(t *testing.T, _ *served, v *token.Verifier) {
		raw := tokentest.Sign("ES256", "es256", map[string]any{"exp": time.Now().Add(40 * time.Second).Unix()})
		for second := range 80 {
			_, err := v.Verify(t.Context(), raw)
			if want := second >= 70; (token.ReasonOf(err) == token.Expired) != want {
				t.Fatalf("after %d s: %v", second, err)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestATokenOfARemovedKeyIsRefusedAfterTheNextRefresh(t *testing.T) {
	withSet(t, tokentest.JWKS(), func(t *testing.T, issuer *served, v *token.Verifier) {
		exp := time.Now().Add(time.Hour).Unix()
		raw := tokentest.Sign("ES256", "set-es256", map[string]any{"exp": exp})
		stays := tokentest.Sign("RS256", "set-rsa", map[string]any{"exp": exp})
		for second := range 16 * 60 {
			if second == 60 {
				issuer.set(`{"keys":[` + tokentest.JWK("set-rsa", nil) + `]}`)
			}
			_, err := v.Verify(t.Context(), raw)
			if want := second > 15*60; (token.ReasonOf(err) == token.UnknownKey) != want && second != 15*60 {
				t.Fatalf("after %d s: %v", second, err)
			}
			if _, err := v.Verify(t.Context(), stays); err != nil {
				t.Fatalf("after %d s: %v", second, err)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestATokenThatNoSetCanHelpWaitsForNone(t *testing.T) {
	withSet(t, tokentest.JWKS(), func(t *testing.T, _ *served, v *token.Verifier) {
		began := time.Now()
		past, soon := began.Add(-time.Hour).Unix(), began.Add(time.Hour).Unix()
		for raw, want := range map[string]token.Reason{
			tokentest.Sign("ES256", "old-es256", map[string]any{"exp": past}):               token.Expired,
			tokentest.Sign("ES256", "old-es256", map[string]any{"exp": soon, "aud": "x"}):   token.WrongAudience,
			tokentest.Sign("ES256", "old-es256", map[string]any{"exp": soon, "vendors": 7}): token.BadClaim,
			tokentest.Sign("HS256", "old-hs256", map[string]any{"exp": soon}):               token.UnknownKey,
		} {
			if _, err := v.Verify(t.Context(), raw); token.ReasonOf(err) != want || time.Since(began) != 0 {
				t.Errorf("%v after %v, want %s", err, time.Since(began), want)
			}
		}
	})
}

func TestAnOutageRefusesNoKnownKey(t *testing.T) {
	withSet(t, tokentest.JWKS(), func(t *testing.T, issuer *served, v *token.Verifier) {
		exp := time.Now().Add(2 * time.Hour).Unix()
		raw := tokentest.Sign("ES256", "set-es256", map[string]any{"exp": exp})
		for minute := range 75 {
			if minute == 1 {
				issuer.set("")
			}
			if _, err := v.Verify(t.Context(), raw); err != nil {
				t.Fatalf("after %d minutes: %v", minute, err)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestARememberedTokenCostsLittle(t *testing.T) {
	v, ctx := verifier(t), t.Context()
	raw := tokentest.Sign("ES256", "es256", map[string]any{"roles": []string{"viewer"}, "vendors": []string{"acme"}})
	if n := testing.AllocsPerRun(100, func() {
		if _, err := v.Verify(ctx, raw); err != nil {
			t.Fatal(err)
		}
	}); n > 3 {
		t.Errorf("%v allocations", n)
	}
	if hits, misses := v.Lookups(); hits != 100 || misses != 1 {
		t.Errorf("%d tokens were remembered, and %d were not", hits, misses)
	}
}
