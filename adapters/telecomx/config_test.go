package telecomx

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/secret"
)

// complete is the shortest configuration that works.
func complete() *Config {
	c := NewConfig()
	c.BaseURL, c.Username, c.Password = "https://api.telecomx.dk", "ops", secret.New("the-password")
	return c
}

func TestEitherWayOfLoggingInWillDo(t *testing.T) {
	if got := adaptertest.MistakenKeys(complete().Check); len(got) != 0 {
		t.Errorf("username and password are refused for %v", got)
	}
	c := NewConfig()
	c.BaseURL, c.Token, c.Customer = "http://127.0.0.1:7003", secret.New("the-token"), "5f0c9a417be2d86630a1c4f8"
	if got := adaptertest.MistakenKeys(c.Check); len(got) != 0 {
		t.Errorf("a machine token is refused for %v", got)
	}
	want := []string{"base_url", "username"}
	if got := adaptertest.MistakenKeys(NewConfig().Check); !slices.Equal(got, want) {
		t.Errorf("the defaults alone lack %v, want %v", got, want)
	}
}

func TestEveryUnusableSettingIsReported(t *testing.T) {
	for what, c := range map[string]struct {
		key   string
		spoil func(*Config)
	}{
		"a path":                    {"base_url", func(c *Config) { c.BaseURL = "https://api.telecomx.dk/iptv" }},
		"a user in the URL":         {"base_url", func(c *Config) { c.BaseURL = "https://ops:the-password@host" }},
		"no username":               {"username", func(c *Config) { c.Username = "" }},
		"no password":               {"password", func(c *Config) { c.Password = secret.Text{} }},
		"a token too":               {"token", func(c *Config) { c.Token = secret.New("the-token") }},
		"a token beside a username": {"token", func(c *Config) { c.Token, c.Password = c.Password, secret.Text{} }},
		"a customer that is no id":  {"customer", func(c *Config) { c.Customer = "acme" }},
		"no time":                   {"timeout", func(c *Config) { c.Timeout = new(time.Duration(0)) }},
		"a time above a write's":    {"timeout", func(c *Config) { c.Timeout = new(5 * time.Minute) }},
		"no count of requests":      {"requests_per_second", func(c *Config) { c.RequestsPerSecond = new(math.NaN()) }},
	} {
		set := complete()
		c.spoil(set)
		if got := adaptertest.MistakenKeys(set.Check); !slices.Equal(got, []string{c.key}) {
			t.Errorf("%s: Check reports %v, want %s", what, got, c.key)
		}
		set.Check(func(key, problem string) {
			if strings.Contains(problem, "the-password") || strings.Contains(problem, "the-token") {
				t.Errorf("%s: what is reported of %s quotes a secret", what, key)
			}
		})
	}
}
