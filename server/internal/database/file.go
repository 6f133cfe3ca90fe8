package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A File is a SQLite file that this process has open, with the files beside it. A nil File is no
// file: a database in memory, or one of a server.
type File struct {
	use      string // what the file is for, such as "store"
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

// OpenFile returns the file of a database. To write, it creates the file if it is missing, and
// makes this process its owner. use says in errors what the file is for, such as "store".
func OpenFile(use, name string, toWrite bool) (*File, error) {
	f := &File{use: use, path: name}
	mode := os.O_RDONLY
	if toWrite {
		mode = os.O_RDWR | os.O_CREATE
	}
	made, err := os.OpenFile(name, mode, 0o600) // SQLite would create a file that everybody can read.
	if err != nil {
		return nil, f.unusable(err)
	}
	f.info, err = made.Stat()
	if err := errors.Join(err, made.Close()); err != nil {
		return nil, err
	}
	if f.database, err = filepath.EvalSymlinks(name); err != nil {
		return nil, f.unusable(err)
	}
	if !toWrite {
		return f, nil
	}
	if n := namesOf(f.info); n > 1 { // The lock and SQLite's other files are beside each name.
		return nil, fmt.Errorf("the %s's file %s has %d names (hard links), and nothing was changed. "+
			"Processes that use different names would destroy it: remove the other names", f.use, f.database, n)
	}
	if f.lock, err = f.own(); err != nil {
		return nil, err
	}
	if err := f.keepPrivate(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *File) unusable(err error) error {
	return fmt.Errorf("cannot use the %s's file: %w", f.use, err)
}

// keepPrivate takes the rights of others away from files that exist already.
func (f *File) keepPrivate() error {
	for _, file := range []string{f.database, f.database + "-wal", f.database + "-shm"} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			continue // A missing file is created with the rights of the database.
		}
		if err := os.Chmod(file, info.Mode().Perm()&0o700); err != nil {
			return fmt.Errorf("others can read the %s's file, and its rights cannot be changed: %w", f.use, err)
		}
	}
	return nil
}

// Watch notes the files beside the database, so that Check finds out if one is gone. It keeps a
// connection, since SQLite removes its files when the last one closes.
func (f *File) Watch(ctx context.Context, reads *sql.DB) (err error) {
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
			return f.unusable(err)
		}
		f.parts = append(f.parts, part{path, info})
	}
	return nil
}

// Check returns an error if a path no longer names the open file. SQLite would write to the old
// file, which nobody finds after a restart. A nil File has no error.
func (f *File) Check() error {
	if f == nil {
		return nil
	}
	if err := f.checkPart(part{f.path, f.info}); err != nil {
		return err
	}
	for _, p := range f.parts {
		if err := f.checkPart(p); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) checkPart(p part) error {
	if now, err := os.Stat(p.path); err != nil || !os.SameFile(p.info, now) {
		return fmt.Errorf("the %s's file %s was moved, deleted or replaced: put it back, or restart drmhub",
			f.use, p.path)
	}
	return nil
}

// Release closes the connection that Watch keeps.
func (f *File) Release() error {
	if f == nil || f.anchor == nil {
		return nil
	}
	anchor := f.anchor
	f.anchor = nil
	return anchor.Close()
}

// Close gives the file up. Call it after SQLite has closed its connections.
func (f *File) Close() error {
	if f == nil || f.lock == nil {
		return nil
	}
	lock := f.lock
	f.lock = nil
	return lock.Close()
}
