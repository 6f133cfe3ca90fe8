package store

import "runtime"

// WaitForQueue blocks until n writes wait for the transaction after the one that runs.
func (d *DB) WaitForQueue(n int) {
	for len(d.queue) < n {
		runtime.Gosched()
	}
}
