package store

import "time"

// MaxCommitDelay bounds how late a commit that returned an error may still become durable. It
// exceeds maxIdleTransaction.
const MaxCommitDelay = time.Minute

const (
	// maxTransaction bounds a transaction. The database may be out of reach, or a frozen process
	// may hold a lock.
	maxTransaction = 15 * time.Second
	// maxIdleTransaction is how long PostgreSQL keeps a transaction whose process has frozen, and
	// its locks. It exceeds maxTransaction, so that it never ends one that still runs.
	maxIdleTransaction = 20 * time.Second
	// maxLockWait is how long a PostgreSQL write waits for a row lock. It is short, so that a
	// blocked write does not delay the heartbeat.
	maxLockWait = 200 * time.Millisecond
	// maxFileWait is how long SQLite waits for other processes.
	maxFileWait = 10 * time.Second

	// maxRuns is how often a write runs that the database rolls back in favor of another one.
	maxRuns = 6
	// retryPause is the pause before the second run. Each later pause is longer, so that the other
	// write can end.
	retryPause = 20 * time.Millisecond
)
