package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// During an upgrade, the version before still runs on the new tables. docs/production.md promises
// that it can. So a migration only adds.
func TestUpgradesOnlyAdd(t *testing.T) {
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no migrations: %v", err)
	}
	removes := regexp.MustCompile(`(?i)\b(DROP|RENAME|SET NOT NULL|ALTER COLUMN|TRUNCATE|ADD CONSTRAINT)\b`)
	mandatory := regexp.MustCompile(`(?i)ADD COLUMN[^;]*NOT NULL`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		if found := removes.FindString(up); found != "" {
			t.Errorf("%s has %s: the version before cannot go on", file, found)
		}
		if found := mandatory.FindString(up); found != "" && !strings.Contains(found, "DEFAULT") {
			t.Errorf("%s has a column that the version before does not fill: %s", file, found)
		}
	}
}
