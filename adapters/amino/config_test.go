package amino

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/secret"
)

// complete returns the shortest configuration that works.
func complete() *Config {
	c := NewConfig()
	c.BaseURL, c.Token = "https://api.operator.example", secret.New("the-token")
	return c
}

func TestDefaultsNeedOnlyTheAccount(t *testing.T) {
	if got := adaptertest.MistakenKeys(complete().Check); len(got) != 0 {
		t.Errorf("a complete configuration is refused for %v", got)
	}
	withKey := complete()
	withKey.Token, withKey.APIKey = secret.Text{}, secret.New("the-key")
	if got := adaptertest.MistakenKeys(withKey.Check); len(got) != 0 {
		t.Errorf("a complete configuration with a key is refused for %v", got)
	}
	want := []string{"base_url", "token"}
	if got := adaptertest.MistakenKeys(NewConfig().Check); !slices.Equal(got, want) {
		t.Errorf("the defaults alone lack %v, want %v", got, want)
	}
}

func TestEveryUnusableSettingIsReported(t *testing.T) {
	for _, test := range []struct {
		key   string
		spoil func(*Config)
	}{
		{"base_url", func(c *Config) { c.BaseURL = "https://api.operator.example/api" }},
		{"api_key", func(c *Config) { c.APIKey = secret.New("the-key") }},
		{"api_key", func(c *Config) { c.Token, c.APIKey = secret.Text{}, secret.New("the key") }},
		{"token", func(c *Config) { c.Token = secret.New("the-token\n") }},
		{"authorization_scheme", func(c *Config) { c.AuthorizationScheme = "Api key" }},
		{"content_type", func(c *Config) { c.ContentType = "text/plain" }},
		{"content_type", func(c *Config) { c.ContentType = "" }},
		{"offset_parameter", func(c *Config) { c.OffsetParameter = "" }},
		{"limit_parameter", func(c *Config) { c.LimitParameter = "" }},
		{"limit_parameter", func(c *Config) { c.LimitParameter = c.OffsetParameter }},
		{"max_page_size", func(c *Config) { c.MaxPageSize = 1 }},
		{"max_page_size", func(c *Config) { c.MaxPageSize = 1001 }},
		{"product_shape", func(c *Config) { c.ProductShape = "old" }},
		{"product_shape", func(c *Config) { c.ProductShape = "" }},
		{"batch_concurrency", func(c *Config) { c.BatchConcurrency = 0 }},
		{"batch_concurrency", func(c *Config) { c.BatchConcurrency = 101 }},
		{"timeout", func(c *Config) { c.Timeout = new(time.Duration(0)) }},
		{"timeout", func(c *Config) { c.Timeout = new(5 * time.Minute) }},
		{"requests_per_second", func(c *Config) { c.RequestsPerSecond = new(math.NaN()) }},
		{"requests_per_second", func(c *Config) { c.RequestsPerSecond = new(-1.0) }},
	} {
		c := complete()
		test.spoil(c)
		if got := adaptertest.MistakenKeys(c.Check); !slices.Equal(got, []string{test.key}) {
			t.Errorf("with a bad %s, Check reports %v", test.key, got)
		}
	}
}
