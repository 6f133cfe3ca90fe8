package main

import (
	"os"
	"path/filepath"
	"slices"
	"time"
)

// flushes is how many times flush measures. flushSize is about what a transaction of a mutation
// writes.
const (
	flushes   = 200
	flushSize = 16 << 10
)

// flush returns the median time in which the disk of a folder makes one write durable.
func flush(folder string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(folder, "flush"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	data, took := make([]byte, flushSize), make([]time.Duration, flushes)
	for i := range took {
		if _, err := f.Write(data); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
