package store

import "runtime"

// WaitForQueue blocks until n writes wait for the transaction after the one that runs.
func (d *DB) WaitForQueue(n int) {
	for d.queue.size() < n {
		runtime.Gosched()
	}
}
