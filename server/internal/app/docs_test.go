package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/config"
)

// TestConfigurationsOfTheDocsAreValid reads each whole configuration on a page, with files and
// variables for its secrets.
func TestConfigurationsOfTheDocsAreValid(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	sources := regexp.MustCompile(`\{(env|file): ([^}]+)\}`)
	kinds, dir, read := config.Kinds{}, t.TempDir(), 0
	for _, k := range catalog.Kinds {
		kinds[k.Name] = k.Settings
	}
	pages, _ := filepath.Glob("../../../docs/*.md")
	for _, page := range append(pages, "../../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(block[1], "auth:") || !strings.Contains(block[1], "vendors:") {
				continue // It shows a part of a configuration.
			}
			for _, source := range sources.FindAllStringSubmatch(block[1], -1) {
				if source[1] == "env" {
					t.Setenv(source[2], strings.Repeat("s3cr3t-", 6))
					continue
				}
				file := filepath.Join(dir, source[2])
				if err := os.WriteFile(file, tokentest.PublicPEM("rs256"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := config.Parse([]byte(block[1]), filepath.Join(dir, "drmhub.yaml"), kinds); err != nil {
				t.Errorf("%s: %v", page, err)
			}
			read++
		}
	}
	if read < 2 {
		t.Errorf("the pages have %d whole configurations", read)
	}
}
