package config_test

import (
	"slices"
	"testing"

	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/server/internal/config"
)

// TestAccountDigest demands that the digest differs for each key of the account, and for no other
// key.
func TestAccountDigest(t *testing.T) {
	t.Parallel()
	base := pallycon.Config{BaseURL: "https://a.example", AccountID: "a", AccountSeq: "1"}
	digest := func(c pallycon.Config) string { return config.Vendor{Kind: "pallycon", Settings: &c}.AccountDigest() }
	for key, change := range map[string]func(c *pallycon.Config){
		"base_url":        func(c *pallycon.Config) { c.BaseURL = "https://b.example" },
		"account_id":      func(c *pallycon.Config) { c.AccountID = "b" },
		"account_seq":     func(c *pallycon.Config) { c.AccountSeq = "2" },
		"page_index_base": func(c *pallycon.Config) { c.PageIndexBase++ },
	} {
		other := base
		change(&other)
		if differs := digest(other) != digest(base); differs != (key != "page_index_base") {
			t.Errorf("another %s: the digest differs: %v", key, differs)
		}
	}
}

// TestMergeOfOIDC changes the issuer and the client at it.
func TestMergeOfOIDC(t *testing.T) {
	t.Parallel()
	client, other := &config.OIDC{ClientID: "a"}, &config.OIDC{ClientID: "b"}
	for _, row := range []struct {
		issuer           string // of the next configuration
		before, next     *config.OIDC
		want             *config.OIDC
		changed, restart []string
	}{
		{"a", client, client, client, nil, nil},
		{"a", client, nil, client, nil, []string{"auth.oidc"}},
		{"a", nil, client, nil, nil, []string{"auth.oidc"}},
		{"b", client, other, other, []string{"auth.issuer", "auth.oidc.client_id"}, nil},
		{"b", client, nil, nil, []string{"auth.oidc", "auth.issuer"}, nil},
		{"b", nil, client, nil, []string{"auth.issuer"}, []string{"auth.oidc"}},
	} {
		running := &config.Config{Auth: config.Auth{Mode: config.AuthJWT, Issuer: "a", OIDC: row.before}}
		next := &config.Config{Auth: config.Auth{Mode: config.AuthJWT, Issuer: row.issuer, OIDC: row.next}}
		changed, restart := config.Merge(running, next)
		if next.Auth.OIDC != row.want || running.Auth.OIDC != row.before ||
			!slices.Equal(changed, row.changed) || !slices.Equal(restart, row.restart) {
			t.Errorf("%+v: %v, changed %q, restart %q", row, next.Auth.OIDC, changed, restart)
		}
	}
}
