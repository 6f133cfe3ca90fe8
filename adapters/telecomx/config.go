package telecomx

import (
	"math"
	"regexp"
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// Config is the telecomx section of a vendor: one user, or one machine token, at TelecomX. The
// names of the keys are in the tags; NewConfig has the defaults. Credentials are either username
// and password or token.
type Config struct {
	// BaseURL is scheme and host, without a path. TelecomX's pages say https://api.telecomx.dk; it
	// has no default, since a test account must not reach the real service by a missing line.
	// Required.
	BaseURL string `yaml:"base_url"`
	// Username is that of the user who logs in.
	Username string `yaml:"username"`
	// Password is the same user's.
	Password secret.Text `yaml:"password"`
	// Token is a machine token, which TelecomX gives out for a user (POST /employee/ID/token) and
	// which does not expire.
	Token secret.Text `yaml:"token"`

	// Customer is the TelecomX customer, 24 hexadecimal characters, that calls are about which name
	// none. Empty, the default, is the user's own customer, which TelecomX tells at a login; with a
	// machine token nothing tells it, so that CreateDrmAccount then needs one.
	Customer string `yaml:"customer"`

	// Timeout bounds one call to TelecomX, from dialing to the last byte. It is 30s by default, 1m
	// at most.
	Timeout time.Duration `yaml:"timeout"`
	// RequestsPerSecond paces the calls, logins included; 0, the default, does not. TelecomX's
	// pages name no limit.
	RequestsPerSecond float64 `yaml:"requests_per_second"`
}

// NewConfig is a Config with every default in place; the required values are still missing.
func NewConfig() *Config { return &Config{Timeout: 30 * time.Second} }

var isID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`).MatchString

// Check reports every setting that cannot be used: its key, and what to do. It never quotes a
// value.
func (c *Config) Check(report func(key, problem string)) {
	if !upstream.IsOrigin(c.BaseURL) {
		report("base_url", "must be scheme and host alone, such as https://api.telecomx.dk: drmhub adds the path")
	}
	user := c.Username != "" || !c.Password.IsZero()
	switch {
	case user && !c.Token.IsZero():
		report("token", "must not stand beside username and password: drmhub logs in with these, or uses the machine token")
	case !user && c.Token.IsZero():
		report("username", "is missing: the TelecomX user to log in as, with its password; or set token, a machine token")
	case user && c.Username == "":
		report("username", "is missing: the user whose password is set")
	case user && c.Password.IsZero():
		report("password", "is missing: the user's password, as {env: NAME} or {file: PATH}")
	}
	if c.Customer != "" && !isID(c.Customer) {
		report("customer", "must be the id of a TelecomX customer: 24 hexadecimal characters")
	}
	if mistake := upstream.TimeoutMistake(c.Timeout); mistake != "" {
		report("timeout", mistake)
	}
	if r := c.RequestsPerSecond; math.IsNaN(r) || math.IsInf(r, 0) || r < 0 {
		report("requests_per_second", "must be a number from 0 up; 0 does not pace")
	}
}
