package wiretest

import (
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/twin"
)

// FailReads returns the FailReads of a harness whose vendor reads by GET. own holds the faults that
// the vendor answers in its own way; Rejected is one of them. All others are those of HTTP, with a
// text that holds the secret.
func FailReads(
	faults *twin.Faults, secret string, own map[adaptertest.Fault]twin.Fault,
) func(adaptertest.Fault) {
	text := "no\x1b[31m: not with " + secret
	pause := strconv.Itoa(int(adaptertest.RetryAfter.Seconds()))
	all := map[adaptertest.Fault]twin.Fault{
		adaptertest.Down:                Answer(http.StatusInternalServerError, text),
		adaptertest.Throttled:           Answer(http.StatusTooManyRequests, text, "Retry-After", pause),
		adaptertest.ThrottledSilently:   Answer(http.StatusTooManyRequests, text),
		adaptertest.CredentialsRejected: Answer(http.StatusUnauthorized, text),
		adaptertest.PermissionDenied:    Answer(http.StatusForbidden, text),
		adaptertest.Garbage:             Answer(http.StatusOK, text),
		adaptertest.Stalled:             {Kind: twin.FaultDelay, Delay: time.Hour},
	}
	maps.Copy(all, own)
	return func(fault adaptertest.Fault) {
		for _, o := range faults.List() {
			if o.Method == http.MethodGet {
				faults.Remove(o.ID)
			}
		}
		if f, ok := all[fault]; ok {
			f.Method = http.MethodGet
			faults.Add(f)
		}
	}
}
