package upstream

import (
	"math"
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
)

// Limits are two keys of a vendor's section of the configuration. Where they are set, they count
// instead of the keys of the account's lane.
type Limits struct {
	// Timeout bounds one request, from dialing to the last byte. The maximum is 1m. The default is
	// timeout of the account's lane.
	Timeout *time.Duration `yaml:"timeout" range:">0s..1m"`
	// RequestsPerSecond limits the rate of this account's requests. 0 sets no limit. The default is
	// requests_per_second of the account's lane.
	RequestsPerSecond *float64 `yaml:"requests_per_second" range:"0.."`
}

// CheckLimits reports every value that cannot be used, by its key, and what to do.
func (l Limits) CheckLimits(report func(key, problem string)) {
	if l.Timeout != nil {
		if mistake := timeoutMistake(*l.Timeout); mistake != "" {
			report("timeout", mistake)
		}
	}
	if l.RequestsPerSecond != nil {
		if mistake := rateMistake(*l.RequestsPerSecond); mistake != "" {
			report("requests_per_second", mistake)
		}
	}
}

// rateMistake returns what is wrong with a configured number of requests a second, or "".
func rateMistake(perSecond float64) string {
	if math.IsNaN(perSecond) || math.IsInf(perSecond, 0) || perSecond < 0 {
		return "must be a number from 0 up: 0 sets no limit"
	}
	return ""
}

// timeoutMistake returns what is wrong with a configured timeout, or "".
func timeoutMistake(timeout time.Duration) string {
	switch {
	case timeout <= 0:
		return "must be more than 0, such as 30s"
	case timeout > mutation.MaxWriteTime:
		return "must be at most " + mutation.MaxWriteTime.String() + ": drmhub ends every write after that time"
	}
	return ""
}
