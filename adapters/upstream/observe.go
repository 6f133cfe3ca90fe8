package upstream

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// An Observer learns of the requests to a vendor account. It must be safe for concurrent use. It
// never learns of a URL, a query, a header or a body, since some vendors have credentials in them.
type Observer interface {
	// Attempt learns of an attempt that is about to be sent. The client calls end once, when the
	// attempt has ended.
	Attempt(ctx context.Context, a Attempted) (end func(Ending))
	// Refused learns of a request that drmhub itself keeps from the vendor.
	Refused(ctx context.Context, r Refusal)
}

// Attempted describes an attempt.
type Attempted struct {
	// Vendor is the id of the vendor account.
	Vendor string
	// Method is the HTTP method.
	Method string
	// Template is the path with a placeholder for each id, one of Options.Templates, or
	// OtherTemplate.
	Template string
	// Host and Port are the vendor's.
	Host string
	Port int
	// Number is 1 for the first attempt of a request.
	Number int
	// Write reports whether the request may change something at the vendor.
	Write bool
}

// An Ending says how an attempt ended.
type Ending struct {
	// Status is the HTTP status, or 0 if no response arrived.
	Status  int
	Outcome Outcome
}

// An Outcome is what became of an attempt.
type Outcome string

// The outcomes of attempts.
const (
	Succeeded   Outcome = "success"
	Refused     Outcome = "refused"     // by the vendor, for certain
	Unreadable  Outcome = "unreadable"  // a read got a response that drmhub cannot use
	Failed      Outcome = "failed"      // the vendor, or a proxy in front of it, reports a failure of its own
	Unreachable Outcome = "unreachable" // no whole response arrived
	Canceled    Outcome = "canceled"    // the call ended first
	Unknown     Outcome = "unknown"     // a write may have taken effect
)

// A Refusal is a request that was not sent.
type Refusal struct {
	// Vendor is the id of the vendor account.
	Vendor string
	// Write reports whether the request may change something at the vendor.
	Write bool
	// Reason is one of the reasons below.
	Reason RefusalReason
}

// A RefusalReason is why drmhub did not send a request.
type RefusalReason string

// The reasons to send nothing.
const (
	RefusedByBreaker RefusalReason = "breaker" // the circuit breaker is open
	RefusedByPause   RefusalReason = "pause"   // the vendor has asked for a pause
	RefusedByRate    RefusalReason = "rate"    // the limit of requests a second is used up until the deadline
	RefusedByLane    RefusalReason = "lane"    // there is no place for it
)

// OtherTemplate is the template of a path that fits none of Options.Templates.
const OtherTemplate = "other"

// nobody observes nothing.
type nobody struct{}

func (nobody) Attempt(context.Context, Attempted) func(Ending) { return func(Ending) {} }
func (nobody) Refused(context.Context, Refusal)                {}

// Observe has an observer learn of the account's requests. It must come before the first request.
func (a *Account) Observe(o Observer) {
	a.observer = o
	if other := a.other.Load(); other != nil {
		other.observer = o
	}
}

// Another returns a connection to another service of the same vendor account. It has a state of its
// own, and the same observer. It outlives an adapter that is replaced, as the account does.
func (c Connection) Another() Connection {
	other := Connection{Transport: c.Transport}
	if c.Account != nil {
		other.Account = c.Account.another()
	}
	return other
}

// observe tells the account's observer of an attempt that is about to be sent.
func (a *attempt) observe(ctx context.Context) (end func(Ending)) {
	c := a.client
	return c.account.observer.Attempt(ctx, Attempted{
		Vendor: c.account.ID(), Method: cmp.Or(a.Method, http.MethodGet), Template: c.template(a.Path),
		Host: c.hostname, Port: c.port, Number: a.attempts, Write: a.write,
	})
}

// portOf returns the port of a URL.
func portOf(u *url.URL) int {
	port, err := strconv.Atoi(u.Port())
	switch {
	case err == nil:
		return port
	case u.Scheme == "https":
		return 443
	}
	return 80
}

// ending returns how an attempt ended.
func (a *attempt) ending(result attemptResult, err error) Ending {
	e := Ending{Outcome: Succeeded}
	if a.answer != nil {
		e.Status = a.answer.Status
	}
	switch {
	case err == nil:
	case a.write && apierror.IsOutcomeUnknown(err):
		e.Outcome = Unknown
	case result == inconclusive:
		e.Outcome = Canceled
	case e.Status < http.StatusBadRequest && result == down:
		e.Outcome = Unreachable
	case result == failed, result == down:
		e.Outcome = Failed
	case e.Status >= http.StatusBadRequest:
		e.Outcome = Refused
	default:
		e.Outcome = Unreadable
	}
	return e
}

// template returns the template that an escaped path fits, or OtherTemplate.
func (c *Client) template(path string) string {
	if c.plain[path] {
		return path
	}
	for _, t := range c.opts.Templates {
		if fitsTemplate(path, t) {
			return t
		}
	}
	return OtherTemplate
}

// plainTemplates returns the templates that are paths themselves, so that template finds them at
// once. It leaves out a path that fits an earlier template.
func (c *Client) plainTemplates() map[string]bool {
	plain := map[string]bool{}
	for _, t := range c.opts.Templates {
		if !strings.Contains(t, "{") && c.template(t) == t {
			plain[t] = true
		}
	}
	return plain
}

// fitsTemplate reports whether an escaped path fits a template such as "/sites/{site}".
func fitsTemplate(path, template string) bool {
	for {
		have, restOfPath, morePath := strings.Cut(path, "/")
		want, restOfTemplate, moreTemplate := strings.Cut(template, "/")
		if have != want && !strings.HasPrefix(want, "{") || morePath != moreTemplate {
			return false
		}
		if !morePath {
			return true
		}
		path, template = restOfPath, restOfTemplate
	}
}
