package store

import (
	"embed"
	"io/fs"

	"github.com/drmhub/drmhub/server/internal/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

var tables = func() database.Tables {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // The name is a valid path.
	}
	return database.Tables{Use: "store", Versions: "goose_db_version", Migrations: files}
}()
