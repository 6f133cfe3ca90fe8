package upstream

import (
	"strconv"
	"time"
)

// A Lane bounds the requests to one vendor account, so that a vendor that stalls holds up only its
// own callers. The tags have the names of the keys, and DefaultLane has the defaults.
type Lane struct {
	// Reads is how many requests of reads are under way at once. The default is 32.
	Reads int `yaml:"reads" range:"1..1000"`
	// Writes is how many requests of mutations are under way at once, with the reads that a
	// mutation makes. Background work has as many places again. The default is 8.
	Writes int `yaml:"writes" range:"1..1000"`
	// Queue is how many requests wait for a place, for reads, for mutations and for background work
	// each. One more is refused at once, as VENDOR_BUSY. The default is 64.
	Queue int `yaml:"queue" range:"0..10000"`
	// MaxWait bounds how long a request waits for a place. The default is 2s.
	MaxWait time.Duration `yaml:"max_wait" range:"0s..1m"`
	// RequestsPerSecond limits the rate of all requests together. 0 sets no limit. The default is
	// 10, or no limit if base_url is on this machine. The key requests_per_second of the vendor's
	// section counts instead where it is set.
	RequestsPerSecond float64 `yaml:"requests_per_second" range:"0.."`
	// Timeout bounds one request, from dialing to the last byte. The default is 30s, and the
	// maximum is 1m. The key timeout of the vendor's section counts instead where it is set.
	Timeout time.Duration `yaml:"timeout" range:">0s..1m"`
}

// DefaultLane returns the lane of a vendor account whose configuration names none.
func DefaultLane() Lane {
	return Lane{
		Reads: 32, Writes: 8, Queue: 64, MaxWait: 2 * time.Second, RequestsPerSecond: 10, Timeout: 30 * time.Second,
	}
}

const (
	maxPlaces  = 1000
	maxMaxWait = time.Minute
)

// Check reports every value that cannot be used, by its key, and what to do.
func (l *Lane) Check(report func(key, problem string)) {
	bounds := "must be a whole number from 1 to " + strconv.Itoa(maxPlaces)
	if l.Reads < 1 || l.Reads > maxPlaces {
		report("reads", bounds)
	}
	if l.Writes < 1 || l.Writes > maxPlaces {
		report("writes", bounds)
	}
	if l.Queue < 0 || l.Queue > 10*maxPlaces {
		report("queue", "must be a whole number from 0 to "+strconv.Itoa(10*maxPlaces)+
			": with 0, drmhub refuses each request that finds no place")
	}
	if l.MaxWait < 0 || l.MaxWait > maxMaxWait {
		report("max_wait", "must be from 0s to 1m, such as 2s")
	}
	if mistake := rateMistake(l.RequestsPerSecond); mistake != "" {
		report("requests_per_second", mistake)
	}
	if mistake := timeoutMistake(l.Timeout); mistake != "" {
		report("timeout", mistake)
	}
}
