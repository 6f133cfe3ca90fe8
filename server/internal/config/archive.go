package config

import (
	"strings"
	"time"
)

// Archive is the copy of the vendors' license histories that drmhub keeps.
type Archive struct {
	// Enabled turns the archive on. The default is false. The sandbox has an archive.
	Enabled bool `yaml:"enabled" reload:"restart"`
	// DSN is where the archive is kept: sqlite:FILE, where a relative file starts at the folder
	// that the program runs in, postgres://… or clickhouse://…. It is a database of its own, by
	// default the file drmhub-archive.db.
	DSN DSN `yaml:"dsn" reload:"restart" pattern:"^(sqlite:.+|(postgres|clickhouse).*://([^:/?#@]*@)?[^@?]*([?].*)?)$"`
	// Interval is the time between two passes of a site. The minimum is 1s, and the default is 5m.
	Interval time.Duration `yaml:"interval" range:"1s.."`
	// Lag is how long after its time a license request can appear at the vendor. Until then it is
	// not final. The default is 15m.
	Lag time.Duration `yaml:"lag" range:"0|1s.."`
	// Backfill is how far the archive of a site reaches back, where the vendor still shows so much.
	// BackfillArchive asks for more. The default is 90 days.
	Backfill time.Duration `yaml:"backfill" range:"0|1s.."`
	// Keep is how long a license request is kept. It is at least a day, and by default 397 days.
	// Nothing older is read, whatever backfill says.
	Keep time.Duration `yaml:"keep" range:"24h.."`

	// Again is the time until the next pass of a site of which something is still to be read. It
	// has no key, and 0 means Interval.
	Again time.Duration
	// Idle leaves out all passes that nobody asks for. It has no key.
	Idle bool
}

const minArchiveInterval = time.Second

// DefaultArchive returns the archive of a configuration that says nothing about it.
func DefaultArchive() Archive {
	return Archive{
		DSN: NewDSN("sqlite:drmhub-archive.db"), Interval: 5 * time.Minute, Lag: 15 * time.Minute,
		Backfill: 2160 * time.Hour, Keep: 9528 * time.Hour,
	}
}

// Check reports the values that cannot be used.
func (a *Archive) Check(report func(key, problem string)) {
	switch scheme, rest, _ := strings.Cut(a.DSN.Reveal(), ":"); {
	case scheme == "sqlite" && rest != "":
	case (scheme == "postgres" || scheme == "postgresql" || scheme == "clickhouse") && strings.HasPrefix(rest, "//"):
	default:
		report("dsn", "must be sqlite:FILE, postgres://USER@HOST:5432/DATABASE or clickhouse://USER@HOST:9000/DATABASE")
	}
	if a.Interval < minArchiveInterval {
		report("interval", "must be at least "+minArchiveInterval.String()+
			": each pass makes calls that count against the vendor's quota")
	}
	if a.Lag != 0 && a.Lag < time.Second {
		report("lag", "must be at least 1s, or 0: a license request that appears later is not archived")
	}
	if a.Backfill != 0 && a.Backfill < time.Second {
		report("backfill", "must be at least 1s, or 0 for no license request before the first pass")
	}
	if a.Keep < minKeep {
		report("keep", "must be at least 24h: older license requests are removed")
	}
}
