package gateway

import (
	_ "embed"
	"net/http"

	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// docsPlugin is a plugin of Swagger UI, in JavaScript.
//
//go:embed docs.js
var docsPlugin string

// docsPage returns the documentation page. It shows the services and the calls in the order of the
// OpenAPI document.
func docsPage() http.Handler {
	return v5emb.NewHandlerWithConfig(swgui.Config{
		Title:       "drmhub",
		SwaggerJSON: "/openapi.json",
		BasePath:    "/docs",
		AppendHead:  `<script>document.title = "drmhub"</script>`,
		SettingsUI: map[string]string{
			"filter":                 "true",
			"displayRequestDuration": "true",
			"showExtensions":         "false",
			"plugins":                "[SwaggerUIBundle.plugins.DownloadUrl, " + docsPlugin + "]",
		},
	})
}
