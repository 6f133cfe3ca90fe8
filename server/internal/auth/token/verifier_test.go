package token_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// verifier returns a verifier of tokentest's keys and sets.
func verifier(t testing.TB, sets ...*keyset.Set) *token.Verifier {
	t.Helper()
	v, err := token.New(token.Options{
		Issuer: tokentest.Issuer, Audience: tokentest.Audience, Leeway: 30e9, Keys: tokentest.Keys(), Sets: sets,
		Reserved: []string{"Billing.acme.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryAttackIsRefused(t *testing.T) {
	server := tokentest.NewKeyServer(t)
	set, err := keyset.New(keyset.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	set.Start(t.Context())
	t.Cleanup(set.Close)
	v := verifier(t, set)
	if _, err := v.Verify(t.Context(), tokentest.Sign("RS256", "set-rsa", nil)); err != nil {
		t.Fatal(err)
	}
	var rows sync.WaitGroup
	for _, row := range tokentest.Table() {
		rows.Go(func() { // Those with an unknown key wait for the same fetch.
			for range 2 {
				claims, err := v.Verify(t.Context(), row.Token)
				if got := token.ReasonOf(err); got != row.Reason || (err == nil) != (claims != nil) {
					t.Errorf("%s: %v, %q: %v; want %q", row.Name, claims, got, err, row.Reason)
				}
			}
		})
	}
	rows.Wait()
}

func TestClaims(t *testing.T) {
	v := verifier(t)
	thumbprint := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for _, test := range []struct {
		claims map[string]any
		want   token.Claims
	}{
		{nil, token.Claims{Subject: "billing"}},
		{map[string]any{"sub": "a b", "scope": " sites:read  a\tb ", "roles": "viewer"},
			token.Claims{Subject: "a b", Scopes: []string{"sites:read", "a\tb"}, Roles: []string{"viewer"}}},
		{map[string]any{"Scope": "secrets:read", "ROLES": "admin", "vendors[]": []string{}, "scp": "a"},
			token.Claims{Subject: "billing"}},
		{map[string]any{"vendors": []string{}, "sites": []string{}, "customers": []string{}, "roles": []string{}},
			token.Claims{Subject: "billing", Vendors: []string{}, Sites: []string{}, Customers: []string{}}},
		{map[string]any{"vendors": []string{"acme", "é"}, "customers": []string{"", "c%2F"},
			"sites": []string{"vendors/acme/sites/a%2fb%40c", "vendors/%61cme/sites/100%25"}},
			token.Claims{Subject: "billing", Vendors: []string{"acme", "é"}, Customers: []string{"", "c%2F"},
				Sites: []string{"vendors/acme/sites/a%2Fb@c", "vendors/acme/sites/100%25"}}},
		{map[string]any{"cnf": map[string]any{"x5t#S256": thumbprint}},
			token.Claims{Subject: "billing", Thumbprint: thumbprint}},
	} {
		got, err := v.Verify(t.Context(), tokentest.Sign("HS256", "hs256", test.claims))
		if err != nil {
			t.Errorf("%v: %v", test.claims, err)
			continue
		}
		if left := time.Until(got.Expires); left < 50*time.Minute || left > time.Hour {
			t.Errorf("%v: expires in %v", test.claims, left)
		}
		test.want.Expires, test.want.Key = got.Expires, got.Key
		if shown(got) != shown(&test.want) {
			t.Errorf("%v:\n%s, want\n%s", test.claims, shown(got), shown(&test.want))
		}
	}
}

// shown shows claims, and whether a confinement is absent.
func shown(c *token.Claims) string {
	return fmt.Sprintf("%q %v %v %v", *c, c.Vendors == nil, c.Sites == nil, c.Customers == nil)
}

func TestReservedSubjects(t *testing.T) {
	v := verifier(t)
	for _, sub := range []string{"billing.acme.example", "BILLING.acme.example"} {
		_, err := v.Verify(t.Context(), tokentest.Sign("ES256", "es256", map[string]any{"sub": sub}))
		if token.ReasonOf(err) != token.BadSubject {
			t.Errorf("%s: %v", sub, err)
		}
	}
}

func TestACallerWhoLeavesIsNotRefused(t *testing.T) {
	set, err := keyset.New(keyset.Options{URL: "https://id.example"}) // It never starts.
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	_, err = verifier(t, set).Verify(ctx, tokentest.Sign("RS256", "set-rsa", nil))
	if !errors.Is(err, context.Canceled) || token.ReasonOf(err) != "" {
		t.Error(err)
	}
}
