package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// An openFile is a database file that this process has open, with the files beside it.
type openFile struct {
	path     string
	database string      // path without symbolic links: SQLite names its other files by it
	lock     *os.File    // nil for a database that is only read
	anchor   *sql.Conn   // keeps SQLite from removing its other files while the database is open
	info     os.FileInfo // of path
	parts    []part      // the files beside it
}

// A part is a file beside the database. Without it, a restart would lose what was committed, or two
// processes could own the database.
type part struct {
	path string
	info os.FileInfo
}

// openDatabase returns the file of a database. To write, it creates the file if it is missing, and makes
// this process its owner.
func openDatabase(name string, toWrite bool) (*openFile, error) {
	f := &openFile{path: name}
	mode := os.O_RDONLY
	if toWrite {
		mode = os.O_RDWR | os.O_CREATE
	}
	made, err := os.OpenFile(name, mode, 0o600) // SQLite would create a file that everybody can read.
	if err != nil {
		return nil, fmt.Errorf("cannot use the store's file: %w", err)
	}
	f.info, err = made.Stat()
	if err := errors.Join(err, made.Close()); err != nil {
		return nil, err
	}
	if f.database, err = filepath.EvalSymlinks(name); err != nil {
		return nil, fmt.Errorf("cannot use the store's file: %w", err)
	}
	if !toWrite {
		return f, nil
	}
	if f.lock, err = own(f.database); err != nil {
		return nil, err
	}
	if err := keepPrivate(f.database, f.database+"-wal", f.database+"-shm"); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// keepPrivate takes the rights of others away from files that exist already.
func keepPrivate(files ...string) error {
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			continue // A missing file is created with the rights of the store's file.
		}
		if err := os.Chmod(file, info.Mode().Perm()&0o700); err != nil {
			return fmt.Errorf("others can read the store's file, and its rights cannot be changed: %w", err)
		}
	}
	return nil
}

// watch notes the files beside the database, so that check finds out if one is gone. It keeps a
// connection, since SQLite removes its files when the last one closes.
func (f *openFile) watch(ctx context.Context, reads *sql.DB) (err error) {
	if f.anchor, err = reads.Conn(ctx); err != nil {
		return err
	}
	var version int64
	if err := f.anchor.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version); err != nil {
		return err
	}
	for _, suffix := range []string{lockSuffix, "-wal", "-shm"} {
		path := f.database + suffix
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("cannot use the store's file: %w", err)
		}
		f.parts = append(f.parts, part{path, info})
	}
	return nil
}

// check returns an error if a path no longer names the open file. SQLite would write to the old file,
// which nobody finds after a restart. A nil openFile is no file.
func (f *openFile) check() error {
	if f == nil {
		return nil
	}
	if err := (part{f.path, f.info}).check(); err != nil {
		return err
	}
	for _, p := range f.parts {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

func (p part) check() error {
	if now, err := os.Stat(p.path); err != nil || !os.SameFile(p.info, now) {
		return fmt.Errorf("the store's file %s was moved, deleted or replaced: put it back, or restart drmhub", p.path)
	}
	return nil
}

// release closes the connection that watch keeps.
func (f *openFile) release() error {
	if f == nil || f.anchor == nil {
		return nil
	}
	anchor := f.anchor
	f.anchor = nil
	return anchor.Close()
}

// close gives the file up. It is called after SQLite has closed its connections.
func (f *openFile) close() error {
	if f == nil || f.lock == nil {
		return nil
	}
	lock := f.lock
	f.lock = nil
	return lock.Close()
}
