package config_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/server/internal/config"
)

// TestAccountDigest demands that the digest differs for each key of the account, and for no other key.
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
