package clickhouse

import (
	"os"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/internal/clickhouse"
)

func TestOpenRefuses(t *testing.T) {
	dsn := clickhouse.ForTest(t, 2)
	filled(t, dsn, "abcdef")
	before, rest, _ := strings.Cut(dsn, "@")
	hosts, database, _ := strings.Cut(rest, "/")
	first, second, _ := strings.Cut(hosts, ",")
	for _, c := range []struct{ dsn, want string }{
		{"mysql://u:secret@localhost/x", "must be clickhouse://"},
		{"clickhouse://u:secret@localhost:port/x", "must be clickhouse://"},
		{"http://u:secret@localhost:8123/x", "must be clickhouse://"},
		{"clickhouse://u:secret@a:9000,b:9000/x", "cluster=NAME"},
		{before + "@" + first + "/" + database, "the archive has 2 hosts, and archive.dsn names 1"},
		{before + "@" + second + "," + first + "/" + database, "restore the order of the hosts"},
		{before + "@" + first + "," + first + "/" + database, "restore the order of the hosts"},
		{dsn + "?cluster=unknown", "does not reach the others"},
	} {
		e, err := Open(t.Context(), c.dsn)
		if err == nil {
			_ = e.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s is opened with the error %v, want %q", c.dsn, err, c.want)
		}
	}
	if os.Getenv("DRMHUB_TEST_CLICKHOUSE") == "" {
		holds(t, open(t, dsn+"?cluster="+clickhouse.Cluster), "abcdef", span)
	}
}
