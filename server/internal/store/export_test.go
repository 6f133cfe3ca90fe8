package store

import "runtime"

// WaitForQueue returns once n writes wait for the transaction after the one that runs.
func (d *DB) WaitForQueue(n int) {
	for len(d.queue) < n {
		runtime.Gosched()
	}
}
