//go:build unix && !aix && !solaris

package database

import (
	"errors"
	"os"
	"syscall"
)

// lockFile opens and locks a file, and creates it if it is missing. It returns errOwned if another
// process has locked the file. The lock ends with the process, however that ends.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = errOwned
	}
	return nil, errors.Join(err, f.Close())
}

// namesOf returns how many names a file has, which are hard links.
func namesOf(info os.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return int(stat.Nlink)
}
