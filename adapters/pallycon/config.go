package pallycon

import (
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// ParameterEncoding is how the parameters of a POST or PUT are sent. A GET sends them in the query.
type ParameterEncoding string

const (
	// EncodeJSON sends a JSON object as the body, as application/json;charset=UTF-8.
	EncodeJSON ParameterEncoding = "json"
	// EncodeForm sends an application/x-www-form-urlencoded body.
	EncodeForm ParameterEncoding = "form"
	// EncodeQuery puts the parameters in the query, as for a GET.
	EncodeQuery ParameterEncoding = "query"
)

// Config is the pallycon section of a vendor: one account at PallyCon (DoveRunner). NewConfig has
// the defaults. "The guide" is the PallyCon Service API Guide V2.
type Config struct {
	// BaseURL is scheme and host, without a path. The guide says https://service.pallycon.com. It
	// has no default: the service has changed its name, and a missing line must not send a test
	// account to the real service. Required.
	BaseURL string `yaml:"base_url" reload:"account" required:"true" pattern:"^https?://[^/?#@ ]+$"`
	// LicenseBaseURL is scheme and host of the license server, which serves the FairPlay
	// certificate of each site without credentials. The default is
	// https://license-global.pallycon.com. Empty turns GetFairPlayCertificate off, and the
	// read-back of a registration.
	LicenseBaseURL string `yaml:"license_base_url" pattern:"^(https?://[^/?#@ ]+)?$"`
	// AccountID is the claim account_id of the token that signs every call. Required.
	AccountID string `yaml:"account_id" reload:"account" required:"true" range:"1.."`
	// AccountSeq is the claim account_seq, which PallyCon's helpdesk gives out. It is text although
	// it looks like a number, because the guide's payload quotes it. Required.
	AccountSeq string `yaml:"account_seq" reload:"account" required:"true" range:"1.."`
	// ServiceAPIKey is the account's key for the token's HMAC SHA-256 signature. Required.
	ServiceAPIKey secret.Text `yaml:"service_api_key" required:"true"`

	// PageIndexBase is the page_index of the first page, 0 or 1. The guide leaves it open. The
	// default is 1, as in an older version of the API.
	PageIndexBase int `yaml:"page_index_base" range:"0..1"`
	// ParameterEncoding is json (the default), form or query. The guide names the parameters of
	// POST and PUT, and not how they are sent. The registration of a FairPlay certificate is always
	// multipart/form-data, because it contains files.
	ParameterEncoding ParameterEncoding `yaml:"parameter_encoding" enum:"json|form|query"`
	// ToInclusive is whether a search finds the day that its parameter `to` names. The guide says
	// only "end date of the search". The default is true.
	ToInclusive bool `yaml:"to_inclusive"`
	// TimeZone is the zone of reg_time, created_time and update_time, and of the days in from, to
	// and target_date. The guide states a zone, UTC, only for changes of a service's status. The
	// default is UTC.
	TimeZone *time.Location `yaml:"time_zone"`
	// LicenseRetention is how long the vendor shows a license in its history. The guide does not
	// name it. 0, the default, means that nobody knows: the archive then takes nothing for complete
	// that the vendor does not show.
	LicenseRetention time.Duration `yaml:"license_retention" range:"0|1s.."`
	// UsageCountsFailures is whether MAL, MAU and MAD count requests that PallyCon refused. The
	// guide says only "active licenses". The default is false. It changes how drmhub counts the
	// archive.
	UsageCountsFailures bool `yaml:"usage_counts_failures"`
	// UsageCountsMissingUser is whether MAU counts all licenses without a user id as one user
	// together. PallyCon shows most of them under the user LICENSETOKEN, which counts as any other.
	// The default is false.
	UsageCountsMissingUser bool `yaml:"usage_counts_missing_user"`

	// Network says how to reach the vendor: the keys tls and proxy.
	upstream.Network
	// Limits has the keys timeout and requests_per_second.
	upstream.Limits
}

// NewConfig returns a Config with the defaults. It lacks the required values.
func NewConfig() *Config {
	return &Config{
		LicenseBaseURL:    "https://license-global.pallycon.com",
		PageIndexBase:     1,
		ParameterEncoding: EncodeJSON,
		ToInclusive:       true,
		TimeZone:          time.UTC,
	}
}

// Check reports every unusable setting: its key, and what to do. It never quotes a value.
func (c *Config) Check(report func(key, problem string)) {
	if c.LicenseRetention != 0 && c.LicenseRetention < time.Second {
		report("license_retention", "must be at least 1s, or 0 if nobody knows it")
	}
	if !upstream.IsOrigin(c.BaseURL) {
		report("base_url", "must be scheme and host alone, such as https://service.pallycon.com: drmhub adds the path")
	}
	if c.LicenseBaseURL != "" && !upstream.IsOrigin(c.LicenseBaseURL) {
		report("license_base_url", "must be scheme and host alone, such as https://license-global.pallycon.com, "+
			"or empty, to turn GetFairPlayCertificate off")
	}
	if c.AccountID == "" {
		report("account_id", "is missing: the id of the PallyCon account")
	}
	if c.AccountSeq == "" {
		report("account_seq", "is missing: PallyCon's helpdesk gives it out together with the service API key")
	}
	if c.ServiceAPIKey.IsZero() {
		report("service_api_key", "is missing: the account's service API key, as {env: NAME} or {file: PATH}")
	}
	if c.PageIndexBase != 0 && c.PageIndexBase != 1 {
		report("page_index_base", "must be 0 or 1")
	}
	switch c.ParameterEncoding {
	case EncodeJSON, EncodeForm, EncodeQuery:
	default:
		report("parameter_encoding", "must be json, form or query")
	}
	c.CheckLimits(report)
}
