package amino_test

import (
	"net/http"
	"strconv"
	"strings"
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
		Reply: func(t *testing.T, text string) wiretest.Reply {
			word, body, _ := strings.Cut(text, " ")
			status, err := strconv.Atoi(word)
			if err != nil {
				t.Fatalf("a reply is a status and a body: %s", text)
			}
			return respond(status, body)
		},
		JSONType: "application/json",
	}.Run(t)
}
