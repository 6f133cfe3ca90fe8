package ncp

import (
	"math"
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// PageSizeParameter is what the parameter is called that says how many rows a page of the license
// history holds.
type PageSizeParameter string

const (
	// PageSize is the name in the API pages of 2026.
	PageSize PageSizeParameter = "pageSize"
	// PageSizeNo is the name in those of 2023.
	PageSizeNo PageSizeParameter = "pageSizeNo"
)

// DRMTypeCondition is what the searchCondition is called that searches by DRM system.
type DRMTypeCondition string

const (
	// DRMType is the name in the tables of parameters, beside contentId, userId, deviceId and
	// deviceModel.
	DRMType DRMTypeCondition = "drmType"
	// DRMTypeUnderscore is the name in the example of 2023.
	DRMTypeUnderscore DRMTypeCondition = "drm_type"
)

// mostAtOnce bounds PageConcurrency: one of our largest pages takes ten or eleven of the vendor's.
const mostAtOnce = 16

// Config is the ncp section of a vendor: one account at NAVER Cloud's One Click Multi DRM. The
// names of the keys are in the tags; NewConfig has the defaults. "The API pages" are those of One
// Click Multi DRM in the vendor's API guide.
type Config struct {
	// BaseURL is scheme and host, without a path. The API pages say
	// https://multi-drm.apigw.ntruss.com; it has no default, since a test account must not reach
	// the real service by a missing line. Required.
	BaseURL string `yaml:"base_url"`
	// AccessKey is the id of the access key of a sub account. It signs every call, and counts as a
	// secret. Required.
	AccessKey secret.Text `yaml:"access_key"`
	// SecretKey is the key for the HMAC SHA-256 signature that belongs to AccessKey. Required.
	SecretKey secret.Text `yaml:"secret_key"`
	// RegionCode is the header x-ncp-region_code; KR, the only one that the API pages name, by
	// default.
	RegionCode string `yaml:"region_code"`

	// PageSizeParameter is pageSize (the default) or pageSizeNo, of lists: the API pages of 2026
	// and of 2023 differ.
	PageSizeParameter PageSizeParameter `yaml:"page_size_parameter"`
	// PageNumberBase is the pageNo of the first page, 0 or 1. The API pages of 2023 leave it open,
	// those of 2026 say 1, the default.
	PageNumberBase int `yaml:"page_number_base"`
	// DRMTypeCondition is drmType (the default) or drm_type: the tables of searchCondition and the
	// example of 2023 differ.
	DRMTypeCondition DRMTypeCondition `yaml:"drm_type_condition"`
	// HashUserID says whether a search by userId is sent the MD5 of the user id, since that is what
	// the history shows, or the id itself; true by default.
	HashUserID bool `yaml:"hash_user_id"`
	// TimeZone is the zone of licenseCreatedTime, which is text without one, and of the day that a
	// site's statistics are of. The API pages do not name it; UTC by default. It must be a zone
	// without summer time, in which one text means one instant.
	TimeZone *time.Location `yaml:"time_zone"`

	// PageConcurrency is how many pages of the license history one call reads at once, 1 to 16; 3
	// by default. The API pages name no limit. Pages that fail are tried up to three times each, so
	// that more than three at once can make drmhub leave a vendor alone for a while after a single
	// call.
	PageConcurrency int `yaml:"page_concurrency"`
	// Timeout bounds one call to the service, from dialing to the last byte. It is 30s by default,
	// 1m at most.
	Timeout time.Duration `yaml:"timeout"`
	// RequestsPerSecond paces the calls of this account; 0, the default, does not.
	RequestsPerSecond float64 `yaml:"requests_per_second"`
}

// NewConfig is a Config with every default in place; the required values are still missing.
func NewConfig() *Config {
	return &Config{
		RegionCode:        "KR",
		PageSizeParameter: PageSize,
		PageNumberBase:    1,
		DRMTypeCondition:  DRMType,
		HashUserID:        true,
		TimeZone:          time.UTC,
		PageConcurrency:   3,
		Timeout:           30 * time.Second,
	}
}

// Check reports every setting that cannot be used: its key, and what to do. It never quotes a
// value.
func (c *Config) Check(report func(key, problem string)) {
	if !upstream.IsOrigin(c.BaseURL) {
		report("base_url", "must be scheme and host alone, such as https://multi-drm.apigw.ntruss.com: drmhub adds the path")
	}
	if c.AccessKey.IsZero() {
		report("access_key", "is missing: the access key id of a sub account, as {env: NAME} or {file: PATH}")
	}
	if c.SecretKey.IsZero() {
		report("secret_key", "is missing: the secret key that belongs to access_key, as {env: NAME} or {file: PATH}")
	}
	if c.RegionCode == "" {
		report("region_code", "must not be empty; KR is the region that the vendor names")
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
	if c.PageConcurrency < 1 || c.PageConcurrency > mostAtOnce {
		report("page_concurrency", "must be a whole number from 1 to 16; 1 reads one page after the other")
	}
	if mistake := upstream.TimeoutMistake(c.Timeout); mistake != "" {
		report("timeout", mistake)
	}
	if r := c.RequestsPerSecond; math.IsNaN(r) || math.IsInf(r, 0) || r < 0 {
		report("requests_per_second", "must be a number from 0 up; 0 does not pace")
	}
}
