package sqldb_test

import (
	"testing"

	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/archive/sqldb"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// databases are the kinds of databases. Each returns the DSN of an empty one.
var databases = map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": postgres.ForTest}

// open opens an archive until the end of the test.
func open(t *testing.T, dsn string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestEngine(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			archivetest.Run(t, func(t *testing.T) func() archive.Engine {
				dsn := database(t)
				return func() archive.Engine {
					db, err := sqldb.Open(t.Context(), dsn)
					if err != nil {
						t.Fatal(err)
					}
					return db
				}
			})
		})
	}
}
