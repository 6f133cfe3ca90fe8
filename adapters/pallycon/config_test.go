package pallycon

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/secret"
)

// complete is the shortest configuration that works.
func complete() *Config {
	c := NewConfig()
	c.BaseURL, c.AccountID, c.AccountSeq = "https://service.pallycon.com", "acme", "77"
	c.ServiceAPIKey = secret.New("the-key")
	return c
}

func TestDefaultsNeedOnlyTheAccount(t *testing.T) {
	if got := adaptertest.MistakenKeys(complete().Check); len(got) != 0 {
		t.Errorf("a complete configuration is refused for %v", got)
	}
	want := []string{"account_id", "account_seq", "base_url", "service_api_key"}
	if got := adaptertest.MistakenKeys(NewConfig().Check); !slices.Equal(got, want) {
		t.Errorf("the defaults alone lack %v, want %v", got, want)
	}
}

func TestEveryUnusableSettingIsReported(t *testing.T) {
	for key, spoil := range map[string]func(*Config){
		"license_base_url":    func(c *Config) { c.LicenseBaseURL = "license-global.pallycon.com" },
		"base_url":            func(c *Config) { c.BaseURL = "https://service.pallycon.com/api/v2" },
		"account_id":          func(c *Config) { c.AccountID = "" },
		"account_seq":         func(c *Config) { c.AccountSeq = "" },
		"service_api_key":     func(c *Config) { c.ServiceAPIKey = secret.Text{} },
		"page_index_base":     func(c *Config) { c.PageIndexBase = 2 },
		"parameter_encoding":  func(c *Config) { c.ParameterEncoding = "JSON" },
		"license_retention":   func(c *Config) { c.LicenseRetention = -time.Hour },
		"timeout":             func(c *Config) { c.Timeout = new(5 * time.Minute) },
		"requests_per_second": func(c *Config) { c.RequestsPerSecond = new(math.NaN()) },
	} {
		c := complete()
		spoil(c)
		if got := adaptertest.MistakenKeys(c.Check); !slices.Equal(got, []string{key}) {
			t.Errorf("with a bad %s, Check reports %v", key, got)
		}
	}
}
