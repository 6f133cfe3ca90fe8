package store

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
)

func TestTimingOrder(t *testing.T) {
	if maxTransaction >= maxIdleTransaction {
		t.Errorf("a transaction may take %v, and the database ends it after %v", maxTransaction, maxIdleTransaction)
	}
	if maxIdleTransaction >= mutation.MaxWriteTime {
		t.Errorf("a lock may last %v, and a write only %v", maxIdleTransaction, mutation.MaxWriteTime)
	}
	if MaxCommitDelay <= maxIdleTransaction {
		t.Errorf("a transaction may commit after %v, and is awaited for %v", maxIdleTransaction, MaxCommitDelay)
	}
	if maxLockWait*maxRuns >= maxTransaction {
		t.Errorf("%d runs may wait for locks longer than %v", maxRuns, maxTransaction)
	}
}
