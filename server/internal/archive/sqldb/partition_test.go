package sqldb

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestAMissingPartitionIsKnownInEveryLanguage(t *testing.T) {
	for _, message := range []string{
		`no partition of relation "archive_rows" found for row`,
		`keine Partition von Relation »archive_rows« für die Zeile gefunden`,
	} {
		if !lacksPartition(&pgconn.PgError{Code: "23514", Message: message}) {
			t.Errorf("%s: it is not taken for a missing partition", message)
		}
	}
	if lacksPartition(&pgconn.PgError{Code: "23505"}) || lacksPartition(nil) {
		t.Error("another error is taken for a missing partition")
	}
}
