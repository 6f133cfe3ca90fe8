package program

import (
	"os"
	"runtime/debug"
)

// garbagePercent is how much garbage the program keeps, in percent of what it uses, unless GOGC says so. With
// Go's default of 100, long streams hold some 10 MB more. The server uses few megabytes, so that collecting more
// often costs little.
const garbagePercent = 50

func limitGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
