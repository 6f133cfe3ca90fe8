// Package database opens what drmhub keeps its own data in: files of SQLite, of which one process
// is the owner, and PostgreSQL servers. It also brings their tables up to the program's version.
package database
