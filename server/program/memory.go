package program

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// garbagePercent is how much garbage the program keeps, in percent of what it uses, unless GOGC
	// says so. With Go's default of 100, long streams hold some 10 MB more.
	garbagePercent = 50
	// minGarbage is how much garbage a server keeps at least, in bytes. It uses few megabytes, of
	// which 50 percent are collected so often that small calls would take 10 to 20 percent more of
	// the processor's time.
	minGarbage = 8 << 20
	// percentStep is how exact the percentage is. A change stops all goroutines for some
	// microseconds.
	percentStep = 10
)

// limitGarbage limits the garbage that the program keeps, unless GOGC does.
func limitGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}

// keepLeastGarbage has the server keep leastGarbage from now on, unless GOGC says otherwise. A
// start needs less.
func keepLeastGarbage() {
	if os.Getenv("GOGC") == "" {
		adjustGarbage(garbagePercent)
	}
}

// adjustGarbage changes the percentage of garbage, which is now current, after this and each later
// collection.
func adjustGarbage(current int) {
	used := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(used)
	next := percentOf(int(used[0].Value.Uint64()))
	if next != current {
		debug.SetGCPercent(next)
	}
	runtime.AddCleanup(new(*byte), adjustGarbage, next) // The next collection finds the pointer unused.
}

// percentOf returns the percentage of garbage for this many bytes in use.
func percentOf(used int) int {
	const whole = 100
	percent := minGarbage * whole / max(used, 1<<20)
	return max(garbagePercent, percent-percent%percentStep)
}
