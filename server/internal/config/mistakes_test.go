package config

import (
	_ "embed"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

//go:embed testdata/mistakes.txt
var mistakes string

// A badFile is a configuration with mistakes, and the lines of its error.
type badFile struct{ name, source, want string }

// badFiles reads testdata/mistakes.txt, whose head says what it holds.
func badFiles() (all []badFile) {
	title := regexp.MustCompile(`(?m)^-- (.*) --\n`)
	titles := title.FindAllStringSubmatch(mistakes, -1)
	for i, text := range title.Split(mistakes, -1)[1:] {
		file := badFile{name: titles[i][1]}
		for line := range strings.Lines(strings.TrimSuffix(text, "\n")) {
			if mistake, is := strings.CutPrefix(line, "! "); is {
				file.want += mistake
			} else {
				file.source += line
			}
		}
		all = append(all, file)
	}
	return all
}

func TestMistakes(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, "drmhub.yaml")
	for _, bad := range badFiles() {
		t.Run(bad.name, func(t *testing.T) {
			config, err := Parse([]byte(bad.source), file, kinds())
			if err == nil {
				t.Fatalf("accepted: %+v", config)
			}
			got := strings.ReplaceAll("\n"+err.Error()+"\n", "\n"+file+":", "\n")[1:]
			if got = strings.ReplaceAll(got, dir, "DIR"); got != bad.want {
				t.Errorf("got\n%s\nwant\n%s", got, bad.want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the error shows a secret:\n%v", err)
			}
		})
	}
}
