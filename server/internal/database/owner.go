package database

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// errOwned means that another process has locked the file.
var errOwned = errors.New("the file is locked")

// own makes this process the owner of the file, until it closes the returned file or ends. The lock
// is on a file beside the database, since SQLite loses its own locks on a file that the process
// also opens and closes otherwise.
func (f *File) own() (*os.File, error) {
	lock, err := lockFile(f.database + lockSuffix)
	switch {
	case errors.Is(err, errOwned):
		return nil, fmt.Errorf("another drmhub uses %s (%s), and nothing was changed. "+
			"One process can use a SQLite file: stop that process, or configure PostgreSQL for several replicas",
			f.database, ownerOf(f.database+lockSuffix))
	case err != nil:
		return nil, fmt.Errorf("cannot lock the %s's file: %w", f.use, err)
	}
	host, _ := os.Hostname()
	owner := fmt.Sprintf("process %d on %s since %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	err = lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt([]byte(owner), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock the %s's file: %w", f.use, err), lock.Close())
	}
	return lock, nil
}

// lockSuffix names the lock of a database, as -wal and -shm name SQLite's own files.
const lockSuffix = "-lock"

// maxOwner bounds, in bytes, what an owner writes about itself.
const maxOwner = 300

// ownerOf returns what the owner of a lock wrote about itself.
func ownerOf(lock string) string {
	f, err := os.Open(lock)
	if err != nil {
		return "its process is not known"
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.LimitReader(f, maxOwner))
	if owner := strings.TrimSpace(string(text)); owner != "" {
		return owner
	}
	return "its process is not known"
}
