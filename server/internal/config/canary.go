package config

import "time"

// Canary says how often drmhub makes a cheap read at each vendor account.
type Canary struct {
	// Interval is the time between two reads at an account. 0 turns them off. The minimum is 10s,
	// and the default is 5m.
	Interval time.Duration `yaml:"interval" range:"0|10s.."`
}

// minCanary is the minimum of Interval. Each read counts against the vendor's quota.
const minCanary = 10 * time.Second

// DefaultCanary returns the canary of a configuration that says nothing about it.
func DefaultCanary() Canary { return Canary{Interval: 5 * time.Minute} }

// Check reports the values that cannot be used.
func (c *Canary) Check(report func(key, problem string)) {
	if c.Interval != 0 && c.Interval < minCanary {
		report("interval", "must be at least "+minCanary.String()+", or 0 for no reads: "+
			"each read counts against the vendor's quota")
	}
}
