package database

import (
	"fmt"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Memory is what follows "sqlite:" in the DSN of a database that exists while it is open.
const Memory = ":memory:"

// SQLiteFile returns the file that a DSN names after "sqlite:". use says in errors what the
// database is for.
func SQLiteFile(use, name string) (string, error) {
	if strings.HasPrefix(name, "///") { // A URL with an empty host also names a file.
		name = name[2:]
	}
	if name == "" || strings.HasPrefix(name, "//") || strings.HasPrefix(name, ":") {
		return "", fmt.Errorf("the %s's dsn names no file: write sqlite:drmhub.db or sqlite:/var/lib/drmhub/drmhub.db",
			use)
	}
	return name, nil
}

// SQLiteURI returns how the driver names a file, without parameters.
func SQLiteURI(file string) string { return "file:" + (&url.URL{Path: file}).EscapedPath() }
