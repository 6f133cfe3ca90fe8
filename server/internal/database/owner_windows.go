package database

import (
	"errors"
	"os"
	"syscall"
)

// sharingViolation is the error of a file that another process has opened for itself.
const sharingViolation syscall.Errno = 32

// lockFile opens a file that others can only read, and creates it if it is missing. It returns
// errOwned if another process has done so. The lock ends with the process, however that ends.
func lockFile(name string) (*os.File, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, syscall.FILE_SHARE_READ, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, errOwned
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), name), nil
}

// namesOf returns how many names a file has. Nobody asks for that on Windows.
func namesOf(os.FileInfo) int { return 1 }
