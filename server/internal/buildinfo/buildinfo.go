// Package buildinfo says which build of drmhub runs. The Go toolchain records these facts in every
// program, so that no flag of the linker is needed and a build is reproducible.
package buildinfo

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// Info describes one build.
type Info struct {
	// Version is the tag of a release, a pseudo-version of another commit, or Unknown.
	Version string `json:"version"`
	// Revision is the commit, or "" where the toolchain knows none. That of a program which
	// `go install` built has 12 digits.
	Revision string `json:"revision,omitempty"`
	// Time is the time of the commit, in RFC 3339, or "".
	Time string `json:"time,omitempty"`
	// Modified reports whether the source differed from the commit.
	Modified bool `json:"modified"`
	// GoVersion is the version of Go that compiled the program.
	GoVersion string `json:"goVersion"`
	// Platform is the operating system and the architecture, such as linux/amd64.
	Platform string `json:"platform"`
}

// Unknown is the version of a build without version control and without a module version.
const Unknown = "unknown"

// Read returns the facts of the running program.
var Read = sync.OnceValue(func() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return from(build)
})

// pseudo matches the end of a pseudo-version: the time and the start of the commit.
var pseudo = regexp.MustCompile(`[-.](\d{14})-([0-9a-f]{12})(\+\w+)?$`)

func from(build *debug.BuildInfo) Info {
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	info := Info{
		Version:   build.Main.Version,
		Revision:  settings["vcs.revision"],
		Time:      settings["vcs.time"],
		Modified:  settings["vcs.modified"] == "true" || strings.HasSuffix(build.Main.Version, "+dirty"),
		GoVersion: build.GoVersion,
		Platform:  runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info.Version == "" || info.Version == "(devel)" {
		info.Version = Unknown
	}
	if parts := pseudo.FindStringSubmatch(info.Version); parts != nil && info.Revision == "" {
		info.Revision = parts[2]
		if at, err := time.Parse("20060102150405", parts[1]); err == nil {
			info.Time = at.Format(time.RFC3339)
		}
	}
	return info
}

// String returns the facts in one line, such as
// "drmhub v1.2.0 (commit 0bbcdc3, 2026-11-29T18:29:00Z, go1.26.8, linux/amd64)".
func (i Info) String() string {
	facts := []string{i.GoVersion, i.Platform}
	if i.Revision != "" {
		commit := "commit " + i.Revision
		if i.Modified {
			commit += " with changes"
		}
		facts = append([]string{commit, i.Time}, facts...)
	}
	return fmt.Sprintf("drmhub %s (%s)", i.Version, strings.Join(facts, ", "))
}
