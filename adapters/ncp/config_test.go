package ncp

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/secret"
)

func TestEveryUnusableSettingIsReported(t *testing.T) {
	for keys, spoil := range map[string]func(*Config){
		"":                    func(*Config) {},
		"base_url":            func(c *Config) { c.BaseURL += "/api/v1" },
		"access_key":          func(c *Config) { c.AccessKey = secret.Text{} },
		"secret_key":          func(c *Config) { c.SecretKey = secret.New("") },
		"region_code":         func(c *Config) { c.RegionCode = "" },
		"page_size_parameter": func(c *Config) { c.PageSizeParameter = "page_size" },
		"page_number_base":    func(c *Config) { c.PageNumberBase = 2 },
		"drm_type_condition":  func(c *Config) { c.DRMTypeCondition = "drmtype" },
		"page_concurrency":    func(c *Config) { c.PageConcurrency = 17 },
		"page_concurrency ":   func(c *Config) { c.PageConcurrency = 0 },
		"time_zone":           func(c *Config) { c.TimeZone = zone(t, "Europe/Berlin") },
		"time_zone ":          func(c *Config) { c.TimeZone = zone(t, "Africa/Casablanca") },
		" ":                   func(c *Config) { c.TimeZone = zone(t, "Asia/Seoul") },
		"timeout":             func(c *Config) { c.Timeout = new(5 * time.Minute) },
		"requests_per_second": func(c *Config) { c.RequestsPerSecond = new(math.Inf(1)) },
		// The defaults alone lack the account.
		"access_key base_url secret_key": func(c *Config) { *c = *NewConfig() },
	} {
		c := NewConfig()
		c.BaseURL = "https://multi-drm.apigw.ntruss.com"
		c.AccessKey, c.SecretKey = secret.New("the-access-key"), secret.New("the-secret-key")
		spoil(c)
		if got := adaptertest.MistakenKeys(c.Check); !slices.Equal(got, strings.Fields(keys)) {
			t.Errorf("with a bad %q, Check reports %v", keys, got)
		}
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
