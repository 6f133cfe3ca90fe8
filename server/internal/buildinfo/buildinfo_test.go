package buildinfo

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestFrom(t *testing.T) {
	const commit = "0bbcdc37e8b2a0bd12c6b3a1c0a8a9e5d1f2a3b4"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: commit},
			{Key: "vcs.time", Value: "2026-11-29T18:29:00Z"},
			{Key: "vcs.modified", Value: modified},
		}
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	for name, row := range map[string]struct {
		version  string
		settings []debug.BuildSetting
		want     string
	}{
		"a release": {"v1.2.0", vcs("false"),
			"drmhub v1.2.0 (commit " + commit + ", 2026-11-29T18:29:00Z, go1.26.8, " + platform + ")"},
		"a clone with changes": {"v1.2.1-0.20261129182900-0bbcdc37e8b2+dirty", vcs("true"),
			"drmhub v1.2.1-0.20261129182900-0bbcdc37e8b2+dirty (commit " + commit +
				" with changes, 2026-11-29T18:29:00Z, go1.26.8, " + platform + ")"},
		"go install of a release": {"v1.2.0", nil, "drmhub v1.2.0 (go1.26.8, " + platform + ")"},
		"go install of a commit": {"v0.0.0-20261129182900-0bbcdc37e8b2", nil,
			"drmhub v0.0.0-20261129182900-0bbcdc37e8b2 (commit 0bbcdc37e8b2, 2026-11-29T18:29:00Z, go1.26.8, " +
				platform + ")"},
		"no version control": {"(devel)", nil, "drmhub unknown (go1.26.8, " + platform + ")"},
		"no module":          {"", nil, "drmhub unknown (go1.26.8, " + platform + ")"},
	} {
		got := from(&debug.BuildInfo{
			GoVersion: "go1.26.8", Main: debug.Module{Version: row.version}, Settings: row.settings,
		}).String()
		if got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

func TestReadKnowsGo(t *testing.T) {
	if got := Read(); got.GoVersion != runtime.Version() || got.Platform == "" {
		t.Errorf("Read() = %+v", got)
	}
}
