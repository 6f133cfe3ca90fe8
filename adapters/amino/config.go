package amino

import (
	"cmp"
	"mime"
	"regexp"
	"strings"
	"unicode"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// Config is the amino section of a vendor: one operator's management API at AminoTV. The tags hold
// the names of the keys, and NewConfig the defaults. Credentials are either token or api_key.
type Config struct {
	// BaseURL is scheme and host, without a path. Required: each operator has its own host.
	BaseURL string `yaml:"base_url" reload:"account" required:"true" pattern:"^https?://[^/?#@ ]+$"`
	// Token is sent as "Authorization: Bearer …", as AminoTV's overview of the Licenses v4 API
	// says. drmhub does not renew it.
	Token secret.Text `yaml:"token"`
	// APIKey is sent as "Authorization: Apikey …", as AminoTV's other pages say of management
	// calls.
	APIKey secret.Text `yaml:"api_key" instead:"token"`
	// AuthorizationScheme is the word before the credentials. By default it is Bearer for a token,
	// and Apikey for a key.
	AuthorizationScheme string `yaml:"authorization_scheme" pattern:"^[^ ]*$"`

	// ContentType is the media type of the bodies and the accepted one of the responses. AminoTV's
	// pages name none. A server may also want JSON:API's own, application/vnd.api+json. Default:
	// application/json.
	ContentType string `yaml:"content_type" pattern:"^ *([^;]*[+]|application/)[Jj][Ss][Oo][Nn] *(;.*)?$"`
	// OffsetParameter and LimitParameter are the query parameters of a list: how many rows to skip,
	// and how many to return. AminoTV's pages name none. Default: offset and limit.
	OffsetParameter string `yaml:"offset_parameter" range:"1.."`
	LimitParameter  string `yaml:"limit_parameter" range:"1.."`
	// MaxPageSize is the maximum number of rows that one call asks for, from 2 to 1000. Default:
	// 100, which is the default of a sibling of this API.
	MaxPageSize int `yaml:"max_page_size" range:"2..1000"`
	// ProductUpdates says that there is PATCH /products/{product_id}, as in AminoTV's sibling APIs.
	// Without it there is no UpdateProduct. Default: false.
	ProductUpdates bool `yaml:"product_updates"`
	// ProductShape is the form in which a product is written: "current" for the attributes of
	// AminoTV's page (title, price_record, license_defaults, is_user_visible), or "older" for those
	// of its older revisions (name, price_currency_amount, recurring, is_visible). Both are read.
	// Default: current.
	ProductShape string `yaml:"product_shape" enum:"current|older"`
	// LicenseStandsWithoutIrdeto says what AminoTV does if Irdeto, the DRM partner, fails. With
	// true, it creates or deletes the license all the same, and reading it back shows nothing of
	// Irdeto. With false, the default, the call has no effect.
	LicenseStandsWithoutIrdeto bool `yaml:"license_stands_without_irdeto"`
	// UniqueOrders refuses an order_id that another license of the user and product has, with
	// ALREADY_EXISTS. AminoTV's pages do not say that one order is one license, and drmhub tells
	// licenses of one order apart. An order_id that drmhub draws is always unique. Default: false.
	UniqueOrders bool `yaml:"unique_orders"`

	// BatchConcurrency is the number of items of a batch that are carried out at once. Default: 8.
	BatchConcurrency int `yaml:"batch_concurrency" range:"1..100"`
	// Network says how to reach the vendor: the keys tls and proxy.
	upstream.Network
	// Limits has the keys timeout and requests_per_second.
	upstream.Limits
}

// NewConfig returns a Config with every default. The required values are missing.
func NewConfig() *Config {
	return &Config{
		ContentType:      "application/json",
		OffsetParameter:  "offset",
		LimitParameter:   "limit",
		MaxPageSize:      100,
		ProductShape:     shapeCurrent,
		BatchConcurrency: 8,
	}
}

// isScheme reports whether a text is an auth-scheme of RFC 9110, which is a token.
var isScheme = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$").MatchString

// Check reports the key of every unusable setting, and what to do. It never quotes a value.
func (c *Config) Check(report func(key, problem string)) {
	if !upstream.IsOrigin(c.BaseURL) {
		report("base_url", "must be scheme and host alone, such as https://api.operator.example; drmhub adds the path")
	}
	c.checkCredentials(report)
	if !isJSON(c.ContentType) {
		report("content_type", "must be a media type of JSON: application/json or application/vnd.api+json")
	}
	if c.OffsetParameter == "" {
		report("offset_parameter", "must name the query parameter for the number of rows to skip")
	}
	if c.LimitParameter == "" || c.LimitParameter == c.OffsetParameter {
		report("limit_parameter", "must name the query parameter for the number of rows to return, "+
			"and must differ from offset_parameter")
	}
	if c.MaxPageSize < 2 || c.MaxPageSize > 1000 {
		report("max_page_size", "must be a number from 2 to 1000")
	}
	if c.ProductShape != shapeCurrent && c.ProductShape != shapeOlder {
		report("product_shape", "must be current or older: the form of AminoTV's products")
	}
	if c.BatchConcurrency < 1 || c.BatchConcurrency > 100 {
		report("batch_concurrency", "must be a number from 1 to 100")
	}
	c.CheckLimits(report)
}

func (c *Config) checkCredentials(report func(key, problem string)) {
	isUnfit := func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }
	unfit := func(s secret.Text) bool { return strings.ContainsFunc(s.Reveal(), isUnfit) }
	switch {
	case c.Token.IsZero() && c.APIKey.IsZero():
		report("token", "is required, as {env: NAME} or {file: PATH}, unless api_key is set")
	case !c.Token.IsZero() && !c.APIKey.IsZero():
		report("api_key", "must not be set together with token: remove one of them")
	case unfit(c.Token):
		report("token", "cannot be sent: remove the space, line break or other character that no token has")
	case unfit(c.APIKey):
		report("api_key", "cannot be sent: remove the space, line break or other character that no key has")
	}
	if c.AuthorizationScheme != "" && !isScheme(c.AuthorizationScheme) {
		report("authorization_scheme", "must be one word, such as Bearer or Apikey: the word before the credentials "+
			"in the header Authorization")
	}
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// authorization returns the header Authorization of every call.
func (c *Config) authorization() string {
	if !c.Token.IsZero() {
		return cmp.Or(c.AuthorizationScheme, "Bearer") + " " + c.Token.Reveal()
	}
	return cmp.Or(c.AuthorizationScheme, "Apikey") + " " + c.APIKey.Reveal()
}
