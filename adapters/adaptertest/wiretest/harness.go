package wiretest

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
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
		adaptertest.Misrouted:           Answer(http.StatusNotFound, text),
		adaptertest.TimedOut:            Answer(http.StatusRequestTimeout, text),
		adaptertest.ForeignSuccess:      Answer(http.StatusOK, foreign),
		adaptertest.EmptyObject:         Answer(http.StatusOK, "{}"),
		adaptertest.EmptyList:           Answer(http.StatusOK, "[]"),
		adaptertest.EmptyBody:           Answer(http.StatusOK, ""),
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

// foreign is the success of a program that is not the vendor's.
const foreign = `{"status":"ok"}`

// WriteFaults returns the faults of a vendor's writes. refused is its refusal of an unknown kind.
func WriteFaults(refused twin.Fault) map[adaptertest.WriteFault]twin.Fault {
	after := refused
	after.Kind = twin.FaultReplace
	return map[adaptertest.WriteFault]twin.Fault{
		adaptertest.RefusedAfterEffect:    after,
		adaptertest.AnswerLost:            {Kind: twin.FaultLoseAnswer},
		adaptertest.AnswerGarbled:         {Kind: twin.FaultMalformed},
		adaptertest.CutBeforeEffect:       {Kind: twin.FaultCut},
		adaptertest.MisroutedWrite:        Answer(http.StatusNotFound, "default backend - 404"),
		adaptertest.ForeignSuccessOfWrite: Answer(http.StatusOK, foreign),
		adaptertest.Refused:               refused,
	}
}

// FailWrites returns the Fail of a harness's Writes. Each of writes is a method of the vendor's
// writes, such as "POST", or a method and the start of the paths, such as "POST /api/". Every one
// of them gets a fault of its own, since one call of the suite writes by one of them.
func FailWrites(
	faults *twin.Faults, refused twin.Fault, writes ...string,
) func(fault adaptertest.WriteFault, n int) {
	all := WriteFaults(refused)
	return func(fault adaptertest.WriteFault, n int) {
		for _, write := range writes {
			f := all[fault]
			f.Times = n
			f.Method, f.PathPrefix, _ = strings.Cut(write, " ")
			faults.Add(f)
		}
	}
}
