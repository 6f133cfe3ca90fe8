// Package emulator is a twin of TelecomX's server. It serves the calls of the IPTV DRM account API
// as the vendor would, keeps state across calls, and is as strict. It is built from the vendor's
// pages alone. It shares no code with the adapter, so that a mistake in one cannot hide in the
// other.
//
// It checks a request in this order:
//
//   - the path (404) and the method (405)
//   - whether the query can be read (400)
//   - the token (401)
//   - the other parameters (422)
//   - whether the body can be read (400)
//   - the access level (403)
//   - the customer, account or device (404 and 403)
//   - each field (422, 403 and 409)
//
// What the vendor's pages leave open is either a field of Assumptions or one of these choices:
//
//   - An error that the pages do not list has the documented form: a status and the name of what is
//     wrong, such as 422 limit, 422 full or 404 customer. An unknown or repeated parameter or field
//     is a 422. An empty parameter counts as omitted. A query or body that cannot be read is 400
//     bad_request. A body must be a JSON object of the content type application/json.
//   - A login may have more fields than username and password. One without them is refused like one
//     with wrong ones. The level NO_LOGIN is refused with 403, even with the right password.
//   - Use does not extend the life of a token. A machine token ends only by RevokeTokens.
//   - A single account, its creation and the removal of a device admit the same users as the list.
//     Creation and removal need MANAGER or more. RESELLER_ADMIN may do what RESELLER may.
//   - The first user has a machine token also as an ADMIN, to whom the vendor gives none.
//   - VIEWER, MANAGER and OWNER reach the accounts of their own customer. RESELLER reaches every
//     customer with IPTVPRIVATE: the twin does not model which customers a reseller sells to.
//   - A customer with neither feature can have no account, even by an ADMIN: 403 access_denied. One
//     with both has the limits of IPTVBUSINESS.
//   - Accounts are listed in the order in which they were created. A page after the last has no
//     accounts and the same total.
//   - A generated username is a number of ten digits, a generated password 14 small letters and
//     digits.
//   - A removed device is not listed or counted, even while it holds its slot. A device that is
//     removed by force after its binding holds no slot.
package emulator

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Paths, for ordering faults.
const (
	// LoginPath is the path of the login.
	LoginPath = "/auth/login"
	// APIPrefix is the prefix of the paths of all other calls.
	APIPrefix = "/iptv/"
)

// An Emulator is TelecomX's server. It is an http.Handler. The embedded twin gives it a clock,
// faults and a ledger. It is safe for concurrent use. Besides the paths of all twins, it has these:
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

// New returns an emulator that has one customer with one user. It has no accounts, unless the
// options ask for sample data.
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

// Refusal returns a fault that refuses all calls but the login, with an HTTP status and a message
// such as access_denied. A test can add a Method, a Header and Times.
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
