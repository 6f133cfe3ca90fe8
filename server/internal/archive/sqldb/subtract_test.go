package sqldb

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// A second that is full takes a row only in the place of the row with the greatest key.
func TestOrdinalsDoNotOverflow(t *testing.T) {
	const second = 1_767_225_600
	last := stored{archive.NewKey(second, 1, archive.MaxOrdinals-1), coded{second: second, person: 1}}
	site := siteEntry{name: "vendors/a/sites/1", number: 1}
	other := coded{second: second, person: 2}
	_, _, _, err := subtract(site, []coded{last.coded, other}, []stored{last})
	if err == nil || !strings.Contains(err.Error(), "more than 1048576 rows in one second") {
		t.Errorf("the error is %v", err)
	}
	added, removed, kept, err := subtract(site, []coded{other}, []stored{last})
	if len(added) != 1 || len(removed) != 1 || kept != 0 || err != nil {
		t.Errorf("%v, %v, %d, %v", added, removed, kept, err)
	}
}
