// Package emulator is a twin of AminoTV's server. It serves the management calls of the Licenses v4
// API, keeps state across calls, and is as strict as the vendor. Behind it is a twin of Irdeto,
// which grants entitlements as a side effect of licenses. The package is built from the vendor's
// public pages. It shares no code with the adapter, so a mistake in one cannot hide in the other.
//
// A request is checked in this order: path (404), method (405), credentials (401), query (400),
// media type of the body (415), body (400). Then what the request refers to must exist: 404 for
// what the path names, 422 for what the body names. The vendor's pages leave some points open. Each
// is a field of Assumptions, or one of these choices:
//
//   - Every failure has the body {"errors":[{"status","code","title","detail"}]} with one error.
//     Its status is the HTTP status as text. The codes (CodeUnauthorized and others) are this
//     project's own.
//   - A body is application/json or application/vnd.api+json, and a response is application/json. A
//     response shows a missing value as null. In a create, null means that the value is not given.
//     Unknown members, attributes and query parameters are refused.
//   - The server makes the ids, which are opaque. A create with an id is refused. Lists are in the
//     order of creation, and their only query is the page.
//   - A delete returns 204 without a body, or 404 if the license does not exist.
//   - batch_create takes {"data":[license, …]} and returns 201 with all of them. batch_delete takes
//     {"data":[{"type":"License","id":"…"}, …]} and returns 204. Items take effect in their order.
//     The first refused item ends the call with its error. The items before it have taken effect,
//     and the items after it have not, but the response does not say so. So a client that must know
//     about each item cannot use the batches.
//   - A product has the attributes of the page's current form, or of the older one
//     (Assumptions.OlderProducts), and never of both. All are optional. An amount is in cents. A
//     price has both values or neither, also in a purchase_record. A record in a PATCH replaces the
//     whole record.
//   - Times are whole seconds. stop_date and expiry_date are later than start_date. Two licenses
//     may have the same order_id, user and product.
//   - An ACTIVE license reads EXPIRED from its stop_date on. Nothing else ends by time, and Irdeto
//     is not told.
//   - A recurring ACTIVE license renews at its expiry_date. Its period is the time from start_date
//     to the first expiry_date. expiry_date moves on by whole periods until it is in the future, or
//     until no further period begins before stop_date. A recurring license that is created without
//     an expiry_date has Assumptions.RenewalPeriod as its first period. A license that does not
//     recur keeps its expiry_date, which ends nothing.
//
// Irdeto's own contract is not public. The names of its entitlements, how it fails and the codes of
// those failures (CodeIrdetoRefused and others) are this project's own. Documented is only this:
// calls that create and delete licenses force the creation and deletion of entitlements. Every
// create and every delete asks Irdeto once, in the same call, at any status of the license.
package emulator

import (
	"cmp"
	"net/http"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Emulator is AminoTV's server for one operator. It is an http.Handler. The embedded twin gives it
// a clock, faults and a ledger. It is safe for concurrent use. It adds these paths to those of all
// twins:
//
//	GET   /_twin/irdeto  what Irdeto holds and does
//	POST  /_twin/irdeto  {"behavior": "stall", "call": "create", "times": 1}: OrderIrdeto
type Emulator struct {
	*twin.Twin
	credentials credentials
	assumed     Assumptions
	irdeto      *irdeto
	newID       func() string // its caller holds mu

	mu       sync.RWMutex
	products orderedMap[Product]
	licenses orderedMap[License]
	users    map[string]bool
}

// New returns an emulator that is empty, or holds sample data if the options say so. An empty one
// takes some microseconds, so a test can have many.
func New(options Options) *Emulator {
	e := &Emulator{
		credentials: credentials{
			apiKey: cmp.Or(options.APIKey, DefaultAPIKey),
			token:  cmp.Or(options.Token, DefaultToken),
		},
		assumed: options.Assumptions.withDefaults(),
		newID:   newIDs(options.Seed),
		users:   map[string]bool{},
	}
	e.Twin = twin.New(http.HandlerFunc(e.serve), twin.Options{
		Clock:       options.Clock,
		EndlessHead: `{"data":[`,
		EndlessRow: `{"id":"endless","type":"License","attributes":{"status":"ACTIVE",` +
			`"start_date":1583191411,"stop_date":null,"order_id":"endless",` +
			`"renew_record":{"recurring":false,"expiry_date":null},` +
			`"purchase_record":{"price_currency_amount":999,"price_currency_iso4217":"EUR",` +
			`"purchase_timestamp":1583191411,"payment_method":"billing"}},` +
			`"relationships":{"user":{"data":{"type":"User","id":"endless"}},` +
			`"product":{"data":{"type":"Product","id":"endless"}}}},`,
		Admin: map[string]http.HandlerFunc{
			"GET /_twin/irdeto":  e.serveIrdeto,
			"POST /_twin/irdeto": e.serveIrdetoOrder,
		},
	})
	e.irdeto = newIrdeto(e.Clock(), options.Seed, options.WithoutIrdeto)
	if options.WithSampleData {
		e.fillSampleData(options.Seed)
	}
	return e
}
