package config

import (
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
)

// AuthMode is how callers are identified.
type AuthMode string

const (
	// AuthJWT asks every caller for a JSON Web Token, or for a client certificate.
	AuthJWT AuthMode = "jwt"
	// AuthNone lets every caller do everything.
	AuthNone AuthMode = "none"
)

// Auth says who may call.
type Auth struct {
	// Mode is required, since no default is safe.
	Mode AuthMode `yaml:"mode" reload:"restart" enum:"jwt|none" required:"true"`
	// AllowRemote lets mode none listen on addresses that are not loopback.
	AllowRemote bool `yaml:"allow_remote"`
	// Issuer is the `iss` that tokens must carry.
	Issuer string `yaml:"issuer"`
	// Audience is the `aud` that tokens must carry.
	Audience string `yaml:"audience"`
	// Leeway is how far the clocks of issuer and drmhub may differ, by default 30 seconds.
	Leeway time.Duration `yaml:"leeway" range:"0s..5m"`
	// Keys are the keys that tokens may be signed with.
	Keys []Key `yaml:"keys"`
	// Roles maps the name of a role to its scopes. It adds to the built-in roles, or redefines
	// them.
	Roles map[string][]string `yaml:"roles" words:"scopes"`
	// Clients are the callers that a client certificate identifies.
	Clients []Client `yaml:"clients"`
	// Limits bounds the calls of each caller. Nil means the default of 50 calls a second and a
	// burst of 100.
	Limits *Limits `yaml:"limits"`
	// PublicDocs serves /openapi.json, /docs and reflection without an identity. The default is
	// true.
	PublicDocs bool `yaml:"public_docs"`
	// OIDC, unless nil, is how people log in with a browser.
	OIDC *OIDC `yaml:"oidc" reload:"restart"`
}

// Key verifies tokens. Exactly one of Secret, PublicKey and JWKSURL is set.
type Key struct {
	// KID is the key's id in a token's header. Alg is the only algorithm that it verifies. Both are
	// empty beside JWKSURL.
	KID string `yaml:"kid" range:"..256"`
	Alg string `yaml:"alg" pattern:"^((HS|RS|PS|ES)(256|384|512)|EdDSA)?$"`
	// Secret is the shared secret of an HS algorithm, of at least 32 bytes.
	Secret *secret.Text `yaml:"secret"`
	// PublicKey is the public key of another algorithm.
	PublicKey *PEM `yaml:"public_key"`
	// JWKSURL is the address of a JSON Web Key Set, whose asymmetric keys count.
	JWKSURL string `yaml:"jwks_url"`
	// Refresh is how often the key set is read again, by default every 15 minutes.
	Refresh time.Duration `yaml:"refresh" range:"0|1m.."`
}

// A Client is a caller whom a client certificate identifies.
type Client struct {
	// SAN is the URI or the DNS name in the certificate's subject alternative names, compared
	// exactly.
	SAN string `yaml:"san" required:"true" pattern:"^[^*]+$"`
	// Roles and Scopes say what the caller may do.
	Roles  []string `yaml:"roles"`
	Scopes []string `yaml:"scopes" words:"scopes"`
	// Vendors, Sites and Customers confine the caller. A missing list is nil and means all. An
	// empty list means none.
	Vendors   []string `yaml:"vendors" pattern:"^[a-z][a-z0-9-]{0,62}$"`
	Sites     []string `yaml:"sites" pattern:"^vendors/[^/]+/sites/[^/]+$"`
	Customers []string `yaml:"customers" pattern:"^([^-].*|-.+)?$"`
}

// Limits bounds the calls of each caller, in each replica.
type Limits struct {
	// Rate is how many calls a second a caller may make. 0 means that there is no limit.
	Rate float64 `yaml:"rate" range:"0..1000000"`
	// Burst is how many calls a caller may make at once after a pause.
	Burst int `yaml:"burst" range:"0.."`
}

// OIDC is the client that drmhub is to the identity provider, whose address is Auth.Issuer.
type OIDC struct {
	// ClientID is the id of this client at the provider.
	ClientID string `yaml:"client_id" required:"true" range:"1.."`
	// ClientSecret is its secret, if the provider wants one.
	ClientSecret *secret.Text `yaml:"client_secret"`
	// RedirectURL is where the provider sends the browser back: https://HOST/console/callback.
	RedirectURL string `yaml:"redirect_url" required:"true" pattern:"^https?://[^/?#@]+/console/callback$"`
}

const (
	defaultLeeway  = 30 * time.Second
	defaultRefresh = 15 * time.Minute
	maxLeeway      = 5 * time.Minute
	minRefresh     = time.Minute
	// minSecret is the minimum length of the secret of an HS algorithm, in bytes.
	minSecret = 32
	maxRate   = 1e6
)

// DefaultLimits bounds a caller where the file sets no limits.
var DefaultLimits = Limits{Rate: 50, Burst: 100}

func defaultAuth() Auth { return Auth{Leeway: defaultLeeway, PublicDocs: true} }
