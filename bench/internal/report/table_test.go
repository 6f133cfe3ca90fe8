package report_test

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/bench/internal/report"
)

func TestATableShowsAndRemembersWhatMissesADemand(t *testing.T) {
	var out strings.Builder
	table := report.NewTable(&out, "call", "ratio:", "demanded:")
	table.Row("sites", "0.9", table.Least("sites", 0.9, 0.95))
	if err := table.Missed(); err == nil || err.Error() != "sites misses what is demanded: ≥ 0.95" {
		t.Errorf("Missed() is %v", err)
	}
	table = report.NewTable(&out, "memory:")
	table.Row(table.Under("memory", 63.9, 64, "MiB"))
	if err := table.Missed(); err != nil {
		t.Errorf("Missed() is %v", err)
	}
	const want = `| call | ratio | demanded |
| --- | ---: | ---: |
| sites | 0.9 | ≥ 0.95 **missed** |
| memory |
| ---: |
| < 64 MiB |
`
	if out.String() != want {
		t.Errorf("the table is\n%s, want\n%s", out.String(), want)
	}
}
