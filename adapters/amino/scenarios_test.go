package amino_test

import (
	"net/http"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
)

func TestScenarios(t *testing.T) {
	wiretest.Scenarios{
		Root: root,
		New: func(t *testing.T) (set func(key, value string) error, connect func(http.RoundTripper) any) {
			c := config()
			set = func(key, value string) error { return yaml.Unmarshal([]byte(key+": "+value), &c) }
			return set, func(vendor http.RoundTripper) any { return adapterTo(t, c, vendor) }
		},
		Reply:    wiretest.StatusAndBody,
		JSONType: "application/json",
	}.Run(t)
}
