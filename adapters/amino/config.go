package amino

import (
	"cmp"
	"math"
	"mime"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// Config is the amino section of a vendor: one operator's management API at AminoTV. The names of
// the keys are in the tags; NewConfig has the defaults. Credentials are either token or api_key.
type Config struct {
	// BaseURL is scheme and host, without a path. It has no default: every operator has a host of
	// its own. Required.
	BaseURL string `yaml:"base_url"`
	// Token is sent as "Authorization: Bearer …", of which AminoTV's overview of the Licenses v4
	// API speaks. drmhub does not renew it.
	Token secret.Text `yaml:"token"`
	// APIKey is sent as "Authorization: Apikey …", with which AminoTV's other pages have the
	// management calls made.
	APIKey secret.Text `yaml:"api_key"`
	// AuthorizationScheme is the word before the credentials. Empty, the default, is Bearer for a
	// token and Apikey for a key.
	AuthorizationScheme string `yaml:"authorization_scheme"`

	// ContentType is that of the bodies, and what is asked for as an answer: application/json by
	// default. JSON:API's own, application/vnd.api+json, is the other one that a server may want;
	// AminoTV's pages name none.
	ContentType string `yaml:"content_type"`
	// OffsetParameter and LimitParameter are the query parameters of a list: how many rows to leave
	// out, and how many to give. AminoTV's pages name none; offset and limit by default.
	OffsetParameter string `yaml:"offset_parameter"`
	LimitParameter  string `yaml:"limit_parameter"`
	// MaxPageSize is how many rows one call asks for at most, from 2 to 1000; 100 by default, which
	// a sibling of this API gives to who does not say.
	MaxPageSize int `yaml:"max_page_size"`
	// ProductUpdates says that there is PATCH /products/{product_id}, as in AminoTV's sibling APIs;
	// false by default. Without it there is no UpdateProduct.
	ProductUpdates bool `yaml:"product_updates"`
	// LicenseStandsWithoutIrdeto says what AminoTV does where Irdeto, the DRM partner, fails: with
	// true, the license is created or deleted all the same, so that reading it back shows nothing
	// of Irdeto; with false, the default, it is as if the call had not been made.
	LicenseStandsWithoutIrdeto bool `yaml:"license_stands_without_irdeto"`
	// UniqueOrders refuses an order_id that another license of the user and product has, with
	// ALREADY_EXISTS; false by default: AminoTV's pages do not say that one order is one license,
	// and drmhub tells licenses of one order apart. An order_id that drmhub draws is unique anyway.
	UniqueOrders bool `yaml:"unique_orders"`

	// BatchConcurrency is how many items of a batch are carried out at once; 8 by default.
	BatchConcurrency int `yaml:"batch_concurrency"`
	// Timeout bounds one call to AminoTV, from dialing to the last byte. It is 30s by default, 1m
	// at most.
	Timeout time.Duration `yaml:"timeout"`
	// RequestsPerSecond paces the calls; 0, the default, does not. AminoTV's pages name no limit.
	RequestsPerSecond float64 `yaml:"requests_per_second"`
}

// NewConfig is a Config with every default in place; the required values are still missing.
func NewConfig() *Config {
	return &Config{
		ContentType:      "application/json",
		OffsetParameter:  "offset",
		LimitParameter:   "limit",
		MaxPageSize:      100,
		BatchConcurrency: 8,
		Timeout:          30 * time.Second,
	}
}

// isScheme is RFC 9110's auth-scheme, which is a token.
var isScheme = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$").MatchString

// Check reports every setting that cannot be used: its key, and what to do. It never quotes a value.
func (c *Config) Check(report func(key, problem string)) {
	if !upstream.IsOrigin(c.BaseURL) {
		report("base_url", "must be scheme and host alone, such as https://api.operator.example: drmhub adds the path")
	}
	c.checkCredentials(report)
	if kind, _, err := mime.ParseMediaType(c.ContentType); err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		report("content_type", "must be one of JSON: application/json or application/vnd.api+json")
	}
	if c.OffsetParameter == "" {
		report("offset_parameter", "must name the query parameter that says how many rows to leave out")
	}
	if c.LimitParameter == "" || c.LimitParameter == c.OffsetParameter {
		report("limit_parameter", "must name the query parameter that says how many rows to give, which is another one than offset_parameter")
	}
	if c.MaxPageSize < 2 || c.MaxPageSize > 1000 {
		report("max_page_size", "must be a number from 2 to 1000")
	}
	if c.BatchConcurrency < 1 || c.BatchConcurrency > 100 {
		report("batch_concurrency", "must be a number from 1 to 100")
	}
	if mistake := upstream.TimeoutMistake(c.Timeout); mistake != "" {
		report("timeout", mistake)
	}
	if r := c.RequestsPerSecond; math.IsNaN(r) || math.IsInf(r, 0) || r < 0 {
		report("requests_per_second", "must be a number from 0 up; 0 does not pace")
	}
}

func (c *Config) checkCredentials(report func(key, problem string)) {
	unfit := func(s secret.Text) bool {
		return strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' })
	}
	switch {
	case c.Token.IsZero() && c.APIKey.IsZero():
		report("token", "is missing: a token as {env: NAME} or {file: PATH}; or set api_key")
	case !c.Token.IsZero() && !c.APIKey.IsZero():
		report("api_key", "must not stand beside token: calls are made with one of them")
	case unfit(c.Token):
		report("token", "cannot be sent: it has a space, a line break or another character that no token has")
	case unfit(c.APIKey):
		report("api_key", "cannot be sent: it has a space, a line break or another character that no key has")
	}
	if c.AuthorizationScheme != "" && !isScheme(c.AuthorizationScheme) {
		report("authorization_scheme", "must be one word, such as Bearer or Apikey: what stands before the credentials in the header Authorization")
	}
}

// authorization is the header that every call carries.
func (c *Config) authorization() string {
	if !c.Token.IsZero() {
		return cmp.Or(c.AuthorizationScheme, "Bearer") + " " + c.Token.Reveal()
	}
	return cmp.Or(c.AuthorizationScheme, "Apikey") + " " + c.APIKey.Reveal()
}
