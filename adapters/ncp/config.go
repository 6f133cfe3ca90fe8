package ncp

import (
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// PageSizeParameter is the name of the parameter for the number of rows on a page.
type PageSizeParameter string

const (
	// PageSize is the name in the API pages of 2026.
	PageSize PageSizeParameter = "pageSize"
	// PageSizeNo is the name in the API pages of 2023.
	PageSizeNo PageSizeParameter = "pageSizeNo"
)

// DRMTypeCondition is the value of searchCondition for a search by DRM system.
type DRMTypeCondition string

const (
	// DRMType is the value in the tables of parameters.
	DRMType DRMTypeCondition = "drmType"
	// DRMTypeUnderscore is the value in the example of 2023.
	DRMTypeUnderscore DRMTypeCondition = "drm_type"
)

// maxConcurrency bounds PageConcurrency. The largest page of drmhub takes eleven of the vendor's.
const maxConcurrency = 16

// Config is the ncp section of a vendor: one account at NAVER Cloud's One Click Multi DRM. The tags
// have the names of the keys, and NewConfig has the defaults. "The API pages" are those of One
// Click Multi DRM in the vendor's API guide.
type Config struct {
	// BaseURL is scheme and host, without a path. The API pages say
	// https://multi-drm.apigw.ntruss.com. It has no default: a missing line must not send the calls
	// of a test account to the real service. Required.
	BaseURL string `yaml:"base_url" reload:"account" required:"true" pattern:"^https?://[^/?#@ ]+$"`
	// AccessKey is the access key id of a sub account. It is part of every signature, and is
	// treated as a secret. Required.
	AccessKey secret.Text `yaml:"access_key" required:"true"`
	// SecretKey is the secret key that belongs to AccessKey. It signs every call. Required.
	SecretKey secret.Text `yaml:"secret_key" required:"true"`
	// RegionCode is the header x-ncp-region_code. The default is KR, the only region in the API
	// pages.
	RegionCode string `yaml:"region_code" reload:"account" range:"1.."`

	// PageSizeParameter is pageSize or pageSizeNo. The default is pageSize.
	PageSizeParameter PageSizeParameter `yaml:"page_size_parameter" enum:"pageSize|pageSizeNo"`
	// PageNumberBase is the pageNo of the first page, 0 or 1. The API pages of 2023 leave it open.
	// The default is 1, as in the API pages of 2026.
	PageNumberBase int `yaml:"page_number_base" range:"0..1"`
	// DRMTypeCondition is drmType or drm_type. The default is drmType.
	DRMTypeCondition DRMTypeCondition `yaml:"drm_type_condition" enum:"drmType|drm_type"`
	// HashUserID makes a search by userId send the MD5 of the user id, as the history shows it. If
	// it is false, the search sends the id itself. The default is true.
	HashUserID bool `yaml:"hash_user_id"`
	// TimeZone is the zone of licenseCreatedTime, which is a text without a zone, and of the day of
	// a site's statistics. The API pages do not name it. The default is UTC. It must be a zone
	// without summer time, so that each text means one instant.
	TimeZone *time.Location `yaml:"time_zone"`
	// LicenseRetention is how long the vendor shows a license in its history. The API pages do not
	// name it. 0, the default, means that nobody knows: the archive then takes nothing for complete
	// that the vendor does not show.
	LicenseRetention time.Duration `yaml:"license_retention" range:"0|1s.."`
	// UsageCountsFailures is whether a site's statistics count requests that the vendor refused.
	// The API pages say only "created through the site". The default is false. It changes how
	// drmhub counts the archive.
	UsageCountsFailures bool `yaml:"usage_counts_failures"`
	// UsageCountsMissingUser is whether a site's statistics count all licenses without a user id as
	// one user together. The example of the API pages shows the MD5 of an empty id, which counts as
	// any other. The default is false.
	UsageCountsMissingUser bool `yaml:"usage_counts_missing_user"`

	// PageConcurrency is how many pages of the license history one call reads at once, from 1 to
	// 16. The default is 3. The API pages name no limit. Each page that fails is tried up to three
	// times. With ten or more pages at once, one failing call can open the circuit breaker.
	PageConcurrency int `yaml:"page_concurrency" range:"1..16"`
	// Network says how to reach the vendor: the keys tls and proxy.
	upstream.Network
	// Limits has the keys timeout and requests_per_second.
	upstream.Limits
}

// NewConfig returns a Config with every default. The required values are still missing.
func NewConfig() *Config {
	return &Config{
		RegionCode:        "KR",
		PageSizeParameter: PageSize,
		PageNumberBase:    1,
		DRMTypeCondition:  DRMType,
		HashUserID:        true,
		TimeZone:          time.UTC,
		PageConcurrency:   3,
	}
}

// Check reports every setting that cannot be used, by its key, and what to do. It never quotes a
// value.
func (c *Config) Check(report func(key, problem string)) {
	if c.LicenseRetention != 0 && c.LicenseRetention < time.Second {
		report("license_retention", "must be at least 1s, or 0 if nobody knows it")
	}
	if !upstream.IsOrigin(c.BaseURL) {
		report("base_url", "must be scheme and host alone, such as https://multi-drm.apigw.ntruss.com: "+
			"drmhub adds the path")
	}
	if c.AccessKey.IsZero() {
		report("access_key", "is missing: the access key id of a sub account, as {env: NAME} or {file: PATH}")
	}
	if c.SecretKey.IsZero() {
		report("secret_key", "is missing: the secret key that belongs to access_key, as {env: NAME} or {file: PATH}")
	}
	if c.RegionCode == "" {
		report("region_code", "must not be empty: KR is the region that the vendor names")
	}
	if changesOffset(c.TimeZone) {
		report("time_zone", "must be a zone without summer time, such as UTC or Asia/Seoul: the vendor's times have "+
			"no zone, so that an hour at the end of summer time would be two")
	}
	if c.PageSizeParameter != PageSize && c.PageSizeParameter != PageSizeNo {
		report("page_size_parameter", "must be pageSize or pageSizeNo")
	}
	if c.PageNumberBase != 0 && c.PageNumberBase != 1 {
		report("page_number_base", "must be 0 or 1")
	}
	if c.DRMTypeCondition != DRMType && c.DRMTypeCondition != DRMTypeUnderscore {
		report("drm_type_condition", "must be drmType or drm_type")
	}
	if c.PageConcurrency < 1 || c.PageConcurrency > maxConcurrency {
		report("page_concurrency", "must be a whole number from 1 to 16: with 1, drmhub reads one page after the other")
	}
	c.CheckLimits(report)
}

// changesOffset reports whether a zone changes its offset, as for summer time, in the years whose
// times drmhub may read.
func changesOffset(zone *time.Location) bool {
	day := time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)
	_, first := day.In(zone).Zone()
	for ; day.Year() < 2050; day = day.AddDate(0, 0, 7) {
		if _, offset := day.In(zone).Zone(); offset != first {
			return true
		}
	}
	return false
}
