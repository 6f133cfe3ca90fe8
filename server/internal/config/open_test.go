//go:build unix

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drmhub/drmhub/server/internal/config"
)

// TestPipesAreNotRead reads configurations in files that would block the reader, at the start and
// again.
func TestPipesAreNotRead(t *testing.T) {
	const refusal = "it is a pipe, a socket or a device: name a regular file"
	dir := t.TempDir()
	pipe, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "drmhub.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	content := "store: {dsn: {file: pipe}}\nhttp: {tls: {cert: {file: pipe}, key: {file: pipe}}}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{pipe: 1, os.DevNull: 1, file: 3} {
		source := &config.Source{File: path}
		for range 2 {
			_, _, err := source.Read()
			if err == nil || strings.Count(err.Error(), refusal) != want {
				t.Errorf("%s: %v, want %d refusals", path, err, want)
			}
		}
	}
}
