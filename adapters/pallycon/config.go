package pallycon

import (
	"math"
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// ParameterEncoding is how the parameters of a POST or PUT travel. Those of a GET always stand in
// the query.
type ParameterEncoding string

const (
	// EncodeJSON sends a JSON object as the body, as application/json;charset=UTF-8.
	EncodeJSON ParameterEncoding = "json"
	// EncodeForm sends an application/x-www-form-urlencoded body.
	EncodeForm ParameterEncoding = "form"
	// EncodeQuery puts the parameters in the query, as for a GET.
	EncodeQuery ParameterEncoding = "query"
)

// Config is the pallycon section of a vendor: one account at PallyCon (DoveRunner). The names of
// the keys are in the tags; NewConfig has the defaults. "The guide" is the PallyCon Service API
// Guide V2.
type Config struct {
	// BaseURL is scheme and host, without a path. The guide says https://service.pallycon.com; it
	// has no default, since the service has changed its name and a test account must not reach the
	// real one by a missing line. Required.
	BaseURL string `yaml:"base_url"`
	// AccountID is the claim account_id of the token that signs every call. Required.
	AccountID string `yaml:"account_id"`
	// AccountSeq is the claim account_seq, which PallyCon's helpdesk gives out. The guide's payload
	// quotes it, so it is text even where it looks like a number. Required.
	AccountSeq string `yaml:"account_seq"`
	// ServiceAPIKey is the account's key for the token's HMAC SHA-256 signature. Required.
	ServiceAPIKey secret.Text `yaml:"service_api_key"`

	// PageIndexBase is the page_index of the first page, 0 or 1. The guide leaves it open; an older
	// version of the API starts at 1, the default.
	PageIndexBase int `yaml:"page_index_base"`
	// ParameterEncoding is json (the default), form or query. The guide names the parameters of
	// POST and PUT, not how they are sent; the registration of a FairPlay certificate is
	// multipart/form-data whatever stands here, since it carries files.
	ParameterEncoding ParameterEncoding `yaml:"parameter_encoding"`
	// ToInclusive says whether a search finds the day that its parameter `to` names. The guide
	// calls it "end date of the search" and no more; true by default.
	ToInclusive bool `yaml:"to_inclusive"`
	// TimeZone is the zone of reg_time, created_time and update_time, and of the days in from, to
	// and target_date. The guide states UTC for the requests to change a service's status alone;
	// UTC by default.
	TimeZone *time.Location `yaml:"time_zone"`

	// Timeout bounds one call to the service, from dialing to the last byte. It is 30s by default,
	// 1m at most.
	Timeout time.Duration `yaml:"timeout"`
	// RequestsPerSecond paces the calls of this account; 0, the default, does not. The guide names
	// no limit.
	RequestsPerSecond float64 `yaml:"requests_per_second"`
}

// NewConfig is a Config with every default in place; the required values are still missing.
func NewConfig() *Config {
	return &Config{
		PageIndexBase:     1,
		ParameterEncoding: EncodeJSON,
		ToInclusive:       true,
		TimeZone:          time.UTC,
		Timeout:           30 * time.Second,
	}
}

// Check reports every setting that cannot be used: its key, and what to do. It never quotes a
// value.
func (c *Config) Check(report func(key, problem string)) {
	if !upstream.IsOrigin(c.BaseURL) {
		report("base_url", "must be scheme and host alone, such as https://service.pallycon.com: drmhub adds the path")
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
	if mistake := upstream.TimeoutMistake(c.Timeout); mistake != "" {
		report("timeout", mistake)
	}
	if r := c.RequestsPerSecond; math.IsNaN(r) || math.IsInf(r, 0) || r < 0 {
		report("requests_per_second", "must be a number from 0 up; 0 does not pace")
	}
}
