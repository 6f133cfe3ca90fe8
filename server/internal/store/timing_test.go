package store

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// The journal's tests hold its maxCommitDelay at MaxWriteTime or more, and so above a transaction.
func TestATransactionIsShorterThanAWrite(t *testing.T) {
	if longestTransaction >= mutation.MaxWriteTime {
		t.Errorf("a transaction may take %v, and a write only %v", longestTransaction, mutation.MaxWriteTime)
	}
}
