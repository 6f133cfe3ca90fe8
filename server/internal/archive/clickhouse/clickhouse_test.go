package clickhouse

import (
	"testing"

	"github.com/drmhub/drmhub/internal/clickhouse"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
)

func open(t *testing.T, dsn string) *Engine {
	t.Helper()
	e, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func TestItIsAnArchive(t *testing.T) {
	for name, servers := range map[string]int{"one server": 1, "two shards": 2} {
		t.Run(name, func(t *testing.T) {
			archivetest.Run(t, func(t *testing.T) func() archive.Engine {
				dsn := clickhouse.ForTest(t, servers)
				return func() archive.Engine { return open(t, dsn) }
			})
		})
	}
}
