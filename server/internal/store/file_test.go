package store_test

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

func TestAnExistingFileBecomesPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	for _, name := range []string{file, file + "-wal"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Open(t, "sqlite:"+file)
	for _, name := range []string{file, file + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestNothingIsUsedOnceAFileIsGone moves the files of an open store away, and replaces them.
func TestNothingIsUsedOnceAFileIsGone(t *testing.T) {
	wants := func(t *testing.T, db *store.DB, when string) {
		t.Helper()
		written := db.Write(t.Context(), put("lost"))
		if written == nil || !strings.Contains(written.Error(), "nothing was written: the store's file ") {
			t.Errorf("a write %s: %v", when, written)
		}
		rows, err := db.Reads().QueryContext(t.Context(), "SELECT name FROM keys")
		if err == nil {
			defer func() { _ = rows.Close() }()
			err = rows.Err()
		}
		var name string
		one := db.Reads().QueryRowContext(t.Context(), "SELECT name FROM keys").Scan(&name)
		for _, err := range []error{err, one, db.Check()} {
			if err == nil || !strings.Contains(err.Error(), "was moved, deleted or replaced") {
				t.Errorf("a read %s: %v", when, err)
			}
		}
	}
	for _, moved := range []string{"a.db", "a.db-wal", "a.db-shm", "a.db-lock", ""} { // "" is the folder
		t.Run(moved, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "volume")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			db, path := storetest.Open(t, "sqlite:"+filepath.Join(folder, "a.db")), filepath.Join(folder, moved)
			mustWrite(t, db, put("a"))
			if err := os.Rename(path, path+".old"); err != nil {
				t.Fatal(err)
			}
			wants(t, db, "without the file")
			other := filepath.Join(folder, cmp.Or(moved, "a.db"))
			if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(other, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			wants(t, db, "with another file")
			if err := errors.Join(os.RemoveAll(path), os.Rename(path+".old", path)); err != nil {
				t.Fatal(err)
			}
			mustWrite(t, db, put("c"))
			wantNames(t, "with the file again", db, "a c")
		})
	}
}

// TestARestartKeepsWhatADeletedFileHeld deletes the file in which SQLite has the latest commits.
func TestARestartKeepsWhatADeletedFileHeld(t *testing.T) {
	dsn := storetest.SQLite(t)
	db, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, db, put("a"))
	if err := os.Remove(strings.TrimPrefix(dsn, "sqlite:") + "-wal"); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), put("lost")); err == nil {
		t.Error("the store writes on")
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	wantNames(t, "after the restart", storetest.Open(t, dsn), "a")
}

func TestFileNames(t *testing.T) {
	for _, name := range []string{"a b", "100%", "%41", "what?", "a?mode=memory", "#1", "ü", "a&b=c", "a'b", `a"b`} {
		dir := t.TempDir()
		db := storetest.Open(t, "sqlite:"+filepath.Join(dir, name))
		mustWrite(t, db, put("a"))
		wantNames(t, name, db, "a")
		file, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if mode := file.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has the mode %v: only its owner may read it", name, mode)
		}
	}
	dir := t.TempDir()
	t.Chdir(dir)
	storetest.Open(t, "sqlite:relative.db")
	storetest.Open(t, "sqlite://"+dir+"/url.db")
	for _, name := range []string{"relative.db", "url.db"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
