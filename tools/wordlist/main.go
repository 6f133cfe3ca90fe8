// Command wordlist refuses words that CONTRIBUTING.md rules out. It reads the comments and strings
// of Go and proto files, Markdown outside of code blocks, and scripts, settings and clients whole.
// It also refuses comments and proto lines of more than 100 columns.
//
//	wordlist ROOT            all folders of the repository at ROOT
//	wordlist ROOT FOLDER …   these folders and those in them
//
// The list is words.txt.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed words.txt
var wordsFile string

// scripts are the files to check that have no extension.
var scripts = []string{".ci/run", "clients/test", "tools/fuzz", "tools/generate", "tools/image-test", "tools/words"}

// word is an entry of the list.
type word struct {
	pattern *regexp.Regexp
	instead string
}

// finding is one line to change.
type finding struct {
	path, text string
	line       int
}

func main() {
	clean, err := run(context.Background(), os.Args[1], os.Args[2:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !clean {
		os.Exit(1)
	}
}

// run checks the folders, or all folders without any, and reports whether they are clean.
func run(ctx context.Context, root string, folders []string, out io.Writer) (clean bool, err error) {
	words, err := parseWords(wordsFile)
	if err != nil {
		return false, err
	}
	files, err := tracked(ctx, root)
	if err != nil {
		return false, err
	}
	if len(folders) > 0 {
		if files, err = inFolders(files, folders); err != nil {
			return false, err
		}
	}
	clean = true
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return false, err
		}
		for _, f := range check(words, file, string(text)) {
			clean = false
			fmt.Fprintf(out, "%s:%d: %s\n", f.path, f.line, f.text)
		}
	}
	return clean, nil
}

// inFolders returns the files that are in the folders. A folder without a file is an error, since
// its name may be misspelled.
func inFolders(files, folders []string) ([]string, error) {
	for _, folder := range folders {
		if !slices.ContainsFunc(files, func(file string) bool { return within(file, folder) }) {
			return nil, fmt.Errorf("%s holds no file to check: name a folder of the repository, from its root", folder)
		}
	}
	return slices.DeleteFunc(files, func(file string) bool {
		return !slices.ContainsFunc(folders, func(folder string) bool { return within(file, folder) })
	}), nil
}

// within reports whether a file is in a folder or in one below it.
func within(file, folder string) bool {
	folder = path.Clean(folder)
	return folder == "." || file == folder || strings.HasPrefix(file, folder+"/")
}

// tracked returns the files to check, relative to root.
func tracked(ctx context.Context, root string) ([]string, error) {
	command := exec.CommandContext(ctx, "git", append([]string{
		"ls-files", "--cached", "--others", "--exclude-standard", "*.go", "*.md", "*.proto",
		"*.js", "*.py", "*.sh", "*.ts", "*.tsx", "*.yaml", "*.yml", "Dockerfile", "Makefile",
	}, scripts...)...)
	command.Dir = root
	list, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	return slices.DeleteFunc(strings.Fields(string(list)), func(file string) bool {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			return true // It is deleted, and the deletion is not committed yet.
		}
		generated := within(file, "gen") || within(file, "tools/imports") ||
			within(file, "server/internal/console/dist")
		return generated || strings.Contains(file, "testdata/") || strings.Contains(file, "node_modules/")
	}), nil
}

// entries returns the lines of a list without comments.
func entries(list string) []string {
	var all []string
	for line := range strings.Lines(list) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

func parseWords(list string) ([]word, error) {
	var words []word
	for _, line := range entries(list) {
		pattern, instead, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, fmt.Errorf("words.txt: %q has no tab", line)
		}
		compiled, err := regexp.Compile("(?i)" + pattern)
		if err != nil {
			return nil, fmt.Errorf("words.txt: %w", err)
		}
		words = append(words, word{compiled, instead})
	}
	return words, nil
}
