// Package emulator is a twin of TelecomX' server: it answers the calls of the IPTV DRM account API
// as the vendor would, keeps state across calls, and is as strict as the vendor would be. It is
// built from the vendor's pages alone and shares no code with the adapter, so that a mistake in one
// cannot hide in the other.
//
// A request is checked in this order: path (404) and method (405), the query can be read (400), the
// token (401), its other parameters (422), the body can be read (400), the access level (403), the
// customer, account or device (404 and 403), and then field by field what the call does (422, 403
// and 409). What the vendor's pages leave open is either a field of Assumptions or one of these
// choices:
//
//   - What is wrong with a request without a documented error is answered in the documented
//     pattern, a status and the name of what is wrong: 422 limit, 422 full, 404 customer. A
//     parameter or a field that the call does not have is 422 too, and so is a parameter given
//     twice. An empty parameter counts as left out. What cannot be read as a query, or as a JSON
//     object of the content type application/json, is 400 bad_request.
//   - A login may hold more fields than username and password. One without them is refused like one
//     with wrong ones. The level
//     NO_LOGIN is refused with 403, whatever the password.
//   - A token ends when its minutes are over, however much it was used. A machine token ends with
//     RevokeTokens only.
//   - A single account, its creation and the removal of a device admit whom the list admits, but
//     that creation and removal take
//     MANAGER or more. RESELLER_ADMIN may do what RESELLER may.
//   - VIEWER, MANAGER and OWNER reach the accounts of their own customer. Which customers a
//     reseller sells to is not modelled:
//     RESELLER reaches every customer with IPTVPRIVATE.
//   - A customer with neither feature can have no account, an ADMIN's request or not: 403
//     access_denied. One with both has the
//     limits of IPTVBUSINESS.
//   - Accounts are listed in the order in which they were created. A page after the last has no
//     accounts and the same total.
//   - A generated username is a number of ten digits, a generated password 14 small letters and
//     digits.
//   - A device that was removed is listed and counted no longer, also while it holds its slot.
//     Removed by force after its
//     binding it holds none.
package emulator

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Paths, for those who order faults.
const (
	// LoginPath is the path of the login, which changes nothing that the API shows.
	LoginPath = "/auth/login"
	// APIPrefix is what the paths of all other calls start with.
	APIPrefix = "/iptv/"
)

// Emulator is TelecomX' server. It is an http.Handler, and by the embedded twin it has a clock,
// faults and a ledger. It is safe for concurrent use. Besides the paths that all twins have, there
// are
//
//	POST    /_twin/bindDevice  {"username": …, "type": …, "model": …, "name": …}: BindDevice
//	DELETE  /_twin/tokens      RevokeTokens
type Emulator struct {
	*twin.Twin
	assumed  Assumptions
	customer string // the first user's
	minutes  int    // of a token

	mu         sync.RWMutex
	customers  map[string]Customer // by id
	users      map[string]User     // by username
	sessions   map[string]session  // by token
	machines   map[string]string   // usernames by machine token
	logins     int
	accounts   []*Account          // in the order they were created
	byUsername map[string]*Account // the same
	random     *rand.Rand          // of ids and of what a creation leaves out
	tokens     *rand.Rand
}

// New makes an emulator that knows one customer with one user and has no accounts, or sample data
// where the options say so.
func New(options Options) *Emulator {
	options = options.withDefaults()
	e := &Emulator{
		assumed:    options.Assumptions,
		customer:   options.CustomerID,
		minutes:    options.ExpiresInMinutes,
		customers:  map[string]Customer{},
		users:      map[string]User{},
		sessions:   map[string]session{},
		machines:   map[string]string{},
		byUsername: map[string]*Account{},
		random:     twin.Rand(options.Seed, "generated"),
		tokens:     twin.Rand(options.Seed, "tokens"),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+LoginPath, e.serveLogin)
	for _, c := range calls {
		mux.HandleFunc(c.method+" "+c.path, e.serve(c))
	}
	e.Twin = twin.New(mux, twin.Options{
		Clock:       options.Clock,
		Secrets:     []string{"token", "password"},
		EndlessHead: `{"offset":0,"limit":500,"total":2147483647,"accounts":[`,
		EndlessRow:  `{"username":"endless","password":"endless","devices":2,"created":"2016-01-01T00:00:00.000Z"},`,
		Admin: map[string]http.HandlerFunc{
			"POST /_twin/bindDevice": e.serveBindDevice,
			"DELETE /_twin/tokens": func(w http.ResponseWriter, _ *http.Request) {
				e.RevokeTokens()
				w.WriteHeader(http.StatusNoContent)
			},
		},
	})
	e.PutCustomers(Customer{ID: options.CustomerID, Features: options.Features})
	e.PutUsers(User{options.Username, options.Password, options.MachineToken, options.CustomerID, options.AccessLevel})
	if options.WithSampleData {
		e.fillSampleData(options.Seed)
	}
	return e
}

// Refusal is a fault with which the server refuses all calls but the login, in the vendor's way: an
// HTTP status and a message such as access_denied. A Method, a Header and Times can be added to it.
func (e *Emulator) Refusal(status int, message string) twin.Fault {
	_, body := e.errorBody(message)
	return twin.Fault{Kind: twin.FaultAnswer, PathPrefix: APIPrefix, Status: status, Body: string(body)}
}

func (o Options) withDefaults() Options {
	o.Username = cmp.Or(o.Username, DefaultUsername)
	o.Password = cmp.Or(o.Password, DefaultPassword)
	o.MachineToken = cmp.Or(o.MachineToken, DefaultMachineToken)
	o.CustomerID = cmp.Or(o.CustomerID, DefaultCustomerID)
	o.AccessLevel = cmp.Or(o.AccessLevel, LevelAdmin)
	if o.Features == nil {
		o.Features = []string{FeatureBusiness}
	}
	o.ExpiresInMinutes = cmp.Or(o.ExpiresInMinutes, 15)
	o.Assumptions.LoginRefused = cmp.Or(o.Assumptions.LoginRefused, http.StatusUnauthorized)
	o.Assumptions.TokenRefused = cmp.Or(o.Assumptions.TokenRefused, http.StatusUnauthorized)
	return o
}
