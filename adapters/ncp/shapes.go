package ncp

import (
	"reflect"
	"strings"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

// A documented response is an envelope with its content, as the API pages show it.
type documented[Content any] struct {
	Success *bool   `json:"success"`
	Content Content `json:"content"`
	Total   word    `json:"total"`
	Error   refusal `json:"error"`
}

// shapes are what the API pages say about the responses to reads, by the type of their content.
var shapes = map[reflect.Type]*shape.Shape{
	reflect.TypeFor[jsonx.Rows[siteRow]](): siteShape("GET /api/v1/sites"),
	reflect.TypeFor[siteRow]():             siteShape("GET /api/v1/sites/{siteId}"),
	reflect.TypeFor[jsonx.Rows[licenseJSON]](): shape.Of[documented[licenseJSON]]("GET /api/v1/license/statistics",
		shape.Shown("content.siteId"), // in the pages of 2026
		shape.Promised("success", "content.contentId", "content.licenseStatus", "content.drmType", "content.userId",
			"content.deviceId", "content.deviceModel", "content.platformName", "content.licenseCreatedTime"),
		shape.Known("content.licenseStatus", func(word string) bool { return meant(statusWords, word) != 0 }),
		shape.Known("content.drmType", func(word string) bool { return meant(drmWords, word) != 0 })),
}

// siteShape returns the shape of sites. The pages contradict each other about the times.
func siteShape(call string) *shape.Shape {
	return shape.Of[documented[siteRow]](call,
		shape.Shown("content.policyName", "content.fairPlayCert.privateKey",
			"content.fairPlayCert.privateEncryptedString", "content.fairPlayCert.secretKey"),
		shape.Promised("success", "content.siteId", "content.siteName", "content.siteStatus", "content.siteEnabledYn",
			"content.policyId", "content.statistics"),
		shape.Known("content.siteStatus", func(word string) bool { return siteStates[strings.ToUpper(word)] != 0 }))
}

// isDocumented reports whether the pages have a code of the service or of the gateway.
func isDocumented(code string) bool {
	_, ofService := serviceCodes[word(code)]
	_, ofGateway := gatewayCodes[word(code)]
	return ofService || ofGateway
}
