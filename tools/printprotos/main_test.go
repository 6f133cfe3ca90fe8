package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/bufbuild/protocompile"
)

func TestWhatIsPrintedCompiles(t *testing.T) {
	folder := t.TempDir()
	if err := run(folder); err != nil {
		t.Fatal(err)
	}
	var files []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".proto" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(printed) + 1; len(files) != want {
		t.Errorf("got %d files, want %d: %v", len(files), want, files)
	}
	sources := &protocompile.SourceResolver{ImportPaths: []string{folder}}
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(sources)}
	if _, err := compiler.Compile(context.Background(), files...); err != nil {
		t.Error(err)
	}
}

func TestAModuleThatCannotBeHadIsAnError(t *testing.T) {
	if _, err := moduleFile("github.com/drmhub/none", "none.proto"); err == nil {
		t.Error("a module without a version was had")
	}
}
