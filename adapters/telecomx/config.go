package telecomx

import (
	"regexp"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// Config is the telecomx section of a vendor: one user or one machine token at TelecomX. The
// credentials are either username and password, or token. NewConfig returns the defaults.
type Config struct {
	// BaseURL is scheme and host, without a path. It is required. TelecomX's pages say
	// https://api.telecomx.dk. There is no default, so that a test account cannot reach the real
	// service by mistake.
	BaseURL string `yaml:"base_url" reload:"account" required:"true" pattern:"^https?://[^/?#@ ]+$"`
	// Username is the name of the user who logs in.
	Username string `yaml:"username" reload:"account" range:"1.."`
	// Password is the password of that user.
	Password secret.Text `yaml:"password"`
	// Token is a machine token. TelecomX issues it for a user (POST /employee/ID/token), and it
	// does not expire.
	Token secret.Text `yaml:"token" instead:"username,password"`

	// Customer is the id of a TelecomX customer, 24 hexadecimal characters. Calls that name no
	// customer use it. The default is the user's own customer, which TelecomX returns at a login.
	// It returns none for a machine token, so CreateDrmAccount then needs a customer.
	Customer string `yaml:"customer" reload:"account" pattern:"^([0-9a-fA-F]{24})?$"`

	// Network says how to reach the vendor: the keys tls and proxy.
	upstream.Network
	// Limits has the keys timeout and requests_per_second.
	upstream.Limits
}

// NewConfig returns a Config with every default. The required values are missing.
func NewConfig() *Config { return &Config{} }

var isID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`).MatchString

// Check reports each setting that cannot be used: its key, and what to do. It never quotes a value.
func (c *Config) Check(report func(key, problem string)) {
	if !upstream.IsOrigin(c.BaseURL) {
		report("base_url", "must be scheme and host alone, such as https://api.telecomx.dk: drmhub adds the path")
	}
	user := c.Username != "" || !c.Password.IsZero()
	switch {
	case user && !c.Token.IsZero():
		report("token", "must not be set together with username and password: keep one of the two")
	case !user && c.Token.IsZero():
		report("username", "is missing: set username and password of a TelecomX user, or token, a machine token")
	case user && c.Username == "":
		report("username", "is missing: the user whose password is set")
	case user && c.Password.IsZero():
		report("password", "is missing: the user's password, as {env: NAME} or {file: PATH}")
	}
	if c.Customer != "" && !isID(c.Customer) {
		report("customer", "must be the id of a TelecomX customer: 24 hexadecimal characters")
	}
	c.CheckLimits(report)
}
