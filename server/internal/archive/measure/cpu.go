package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// own returns the processor's time that this process has taken.
func own() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // It cannot fail for this process.
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ofServers returns the processor's time of the database servers that the benchmark has started. It
// takes a while to find out.
func (m *measurement) ofServers() (sum time.Duration) {
	if len(m.servers) == 0 {
		return 0
	}
	parents, times := map[int]int{}, map[int]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // The pattern is well-formed.
	for _, path := range stats {
		if pid, parent, took, ok := processTime(path); ok {
			parents[pid], times[pid] = parent, took
		}
	}
	for pid, took := range times {
		for p := pid; p > 1; p = parents[p] {
			if slices.Contains(m.servers, p) {
				sum += took
				break
			}
		}
	}
	return sum
}

// processTime reads a line of /proc. The time includes that of children that have ended.
func processTime(path string) (pid, parent int, took time.Duration, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, 0, false // The process has ended.
	}
	_, rest, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return 0, 0, 0, false
	}
	if _, err := fmt.Sscanf(path, "/proc/%d/stat", &pid); err != nil {
		return 0, 0, 0, false
	}
	parent, _ = strconv.Atoi(fields[1])
	for _, ticks := range fields[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.Atoi(ticks)
		took += time.Duration(n) * 10 * time.Millisecond
	}
	return pid, parent, took, true
}
