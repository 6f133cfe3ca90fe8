package journal

import (
	"regexp"
	"strings"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

// retryAdvice matches the advice to repeat a call with its request_id, up to the end of the
// sentence.
var retryAdvice = regexp.MustCompile(` ?(?:[Rr]etry|[Cc]all again) with the same request_id([^.(:;]*)\.?`)

const checkConsole = "Check the vendor's console for the outcome."

// adviceFor returns what the caller of a mutation without a request_id does about an unknown
// outcome. To repeat such a call is to make another change.
func adviceFor(m *records.Mutation) string {
	return "Look at GET /v1/" + m.Name() + " (gRPC: GetMutation), and do not call again before it is settled."
}

// adviceOnRecord is adviceFor in the record itself.
const adviceOnRecord = "Do not call again before it is settled."

// advised returns a text about a mutation with advice that its caller can follow. Unless the caller
// gave a request_id, the first advice to use it is replaced, and the others are left out.
func advised(text string, m *records.Mutation, advice string) string {
	if m.RequestID != "" {
		return text
	}
	return retryAdvice.ReplaceAllStringFunc(text, func(found string) string {
		instead := advice
		if advice = ""; instead == "" {
			return ""
		}
		if strings.Contains(found, "secrets") { // Nobody can settle it without them.
			instead = checkConsole
		}
		lead := found[:len(found)-len(strings.TrimLeft(found, " "))]
		trail := found[len(strings.TrimRight(found, " ")):]
		return lead + instead + trail
	})
}

// advise returns an error about a mutation with advice that its caller can follow. An unknown
// outcome always has some.
func advise(e *apierror.Error, m *records.Mutation) *apierror.Error {
	c := *e
	c.Message = advised(e.Message, m, adviceFor(m))
	if apierror.IsOutcomeUnknown(e) && !hasAdvice.MatchString(c.Message) {
		advice := adviceWithID
		if m.RequestID == "" {
			advice = adviceFor(m)
		}
		c.Message = strings.TrimSuffix(c.Message, ".") + ". " + advice
	}
	return &c
}

// hasAdvice matches what an error about an unknown outcome advises.
var hasAdvice = regexp.MustCompile(`request_id|console|GetMutation`)

const adviceWithID = "Retry with the same request_id to find out."
