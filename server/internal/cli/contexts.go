package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// contexts is the file of contexts. It holds no secret: only where a token comes from.
type contexts struct {
	Current  string               `json:"current,omitempty"`
	Contexts map[string]*settings `json:"contexts"`
}

// contextsFile returns the name of the file of contexts.
func contextsFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for the file of contexts: %w", err)
	}
	return filepath.Join(dir, "drmhub", "contexts.json"), nil
}

// readContexts reads the file of contexts. Without a file, there is no context.
func readContexts() (*contexts, error) {
	all := &contexts{Contexts: map[string]*settings{}}
	name, err := contextsFile()
	if err != nil {
		return all, nil //nolint:nilerr // Without a home there is no context either.
	}
	text, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return all, nil
	case err != nil:
		return nil, fmt.Errorf("the contexts cannot be read: %w", err)
	}
	if err := json.Unmarshal(text, all); err != nil || all.Contexts == nil {
		return nil, fmt.Errorf("%s does not hold contexts: correct it, or remove it", name)
	}
	return all, nil
}

// write replaces the file of contexts. Only its owner may read it.
func (c *contexts) write() error {
	name, err := contextsFile()
	if err != nil {
		return err
	}
	const forOwner, folderForOwner = 0o600, 0o700
	text, err := json.MarshalIndent(c, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), folderForOwner)
	}
	next := name + ".new"
	if err == nil {
		_ = os.Remove(next) // A file that is left behind may have another mode.
		err = os.WriteFile(next, append(text, '\n'), forOwner)
	}
	if err == nil {
		err = os.Rename(next, name)
	}
	if err != nil {
		return fmt.Errorf("the contexts cannot be written: %w", err)
	}
	return nil
}

// names returns the names of all contexts, in order.
func (c *contexts) names() []string { return slices.Sorted(maps.Keys(c.Contexts)) }

// named returns a context. Its error lists those that there are.
func (c *contexts) named(name string) (*settings, error) {
	if s := c.Contexts[name]; s != nil {
		return s, nil
	}
	if len(c.Contexts) == 0 {
		return nil, Usagef("there is no context %q: make it with drmhub context set %[1]s --server HOST:PORT", name)
	}
	return nil, Usagef("there is no context %q: use one of %s", name, strings.Join(c.names(), ", "))
}

// contextNamed returns a copy of the context with this name, or of the current one. It is empty
// without a current context.
func contextNamed(name string) (*settings, error) {
	all, err := readContexts()
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = all.Current
	}
	if name == "" {
		return &settings{}, nil
	}
	kept, err := all.named(name)
	if err != nil {
		return nil, err
	}
	c := *kept
	return &c, nil
}

func completeContexts(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	all, err := readContexts()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return all.names(), cobra.ShellCompDirectiveNoFileComp
}
