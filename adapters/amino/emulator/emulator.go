// Package emulator is a twin of AminoTV's server: it answers the management calls of the Licenses
// v4 API as the vendor would, keeps state across calls, and is as strict as the vendor would be.
// Behind it stands a twin of Irdeto, which grants entitlements as a side effect of licenses. It is
// built from the vendor's public pages alone and shares no code with the adapter, so that a mistake
// in one cannot hide in the other.
//
// A request is checked in this order: path (404) and method (405), the credentials (401), the query
// (400), the kind of body (415), the body (400), and whether what it refers to exists (404 for what
// the path names, 422 for what the body names). What the vendor's pages leave open is either a
// field of Assumptions or one of these choices:
//
//   - Every failure has the body {"errors":[{"status","code","title","detail"}]} with one error,
//     whose status is the HTTP status as text.
//     Its codes (CodeUnauthorized and others) are this project's own.
//   - Bodies are application/json or application/vnd.api+json; answers are application/json. A
//     value that there is none of is null in answers; null in a create means that the value is not
//     given. Members, attributes and query parameters that a call does not know are refused.
//   - Ids are text that says nothing, given out by the server: one in a create is refused. Lists
//     come in the order of creation, and know
//     no other query than their page.
//   - A delete answers 204 without a body. Deleting a license that is not there, or not there any
//     more, is 404.
//   - batch_create takes {"data":[license, …]} and answers 201 with all of them. batch_delete takes
//     {"data":[{"type":"License","id":"…"}, …]} and returns 204. Items take effect in their order.
//     The first refused item ends the call with its error. The items before it have taken effect,
//     and the items after it have not, but the response does not say so. So a client that must know
//     about each item cannot use the batches.
//   - A product has the attributes name, description, is_buyable, is_visible, recurring,
//     price_currency_amount (cents) and price_currency_iso4217; none is required, and a price has
//     both of its values or neither. So it is in a purchase_record.
//   - Times are whole seconds. stop_date is later than start_date, and expiry_date too. Two
//     licenses may have the same order_id, user and
//     product.
//   - A license that is ACTIVE reads EXPIRED from its stop_date on. Nothing else ends by time, and
//     Irdeto is not told.
//   - A recurring license that is ACTIVE renews at its expiry_date: the time from start_date to the
//     first expiry_date is its period, and expiry_date moves on by whole periods until it is in the
//     future, or no period begins any more before stop_date. Where a recurring license is created
//     without an expiry_date, its first period is Assumptions.RenewalPeriod. The expiry_date of a
//     license that does not recur stands as it was given, and ends nothing.
//
// Irdeto's own contract is not public. The names of its entitlements, how it fails and the codes of
// those failures (CodeIrdetoRefused and others) are this project's own; documented is only that
// calls which create and delete licenses force the creation and deletion of entitlements. Every
// create asks Irdeto once, whatever the license's status, and so does every delete, in the same
// call.
package emulator

import (
	"cmp"
	"net/http"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Emulator is AminoTV's server for one operator. It is an http.Handler, and by the embedded twin it
// has a clock, faults and a ledger. It is safe for concurrent use. Besides the paths that all twins
// have, there is
//
//	GET   /_twin/irdeto  what Irdeto holds and does
//	POST  /_twin/irdeto  {"behavior": "stall", "call": "create", "times": 1}: OrderIrdeto
type Emulator struct {
	*twin.Twin
	credentials credentials
	assumed     Assumptions
	irdeto      *irdeto
	newID       func() string // the caller holds mu

	mu       sync.RWMutex
	products orderedMap[Product]
	licenses orderedMap[License]
	users    map[string]bool
}

// New makes an emulator that holds nothing, or sample data where the options say so. Without
// those it takes some microseconds, so that a test can have as many as it likes.
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
