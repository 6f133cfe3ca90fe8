package emulator

import (
	"fmt"
	"regexp"
	"slices"
)

// Access levels, from the lowest to the highest.
const (
	LevelNoLogin       = "NO_LOGIN"
	LevelPersonal      = "PERSONAL"
	LevelViewer        = "VIEWER"
	LevelManager       = "MANAGER"
	LevelOwner         = "OWNER"
	LevelReseller      = "RESELLER"
	LevelResellerAdmin = "RESELLER_ADMIN"
	LevelAdmin         = "ADMIN"
)

var levels = []string{
	LevelNoLogin, LevelPersonal, LevelViewer, LevelManager, LevelOwner, LevelReseller, LevelResellerAdmin, LevelAdmin,
}

// Features of a customer that admit DRM accounts.
const (
	// FeaturePrivate is a customer with one account of four devices.
	FeaturePrivate = "IPTVPRIVATE"
	// FeatureBusiness is a customer with any number of accounts of five devices each.
	FeatureBusiness = "IPTVBUSINESS"
)

// A Customer is a customer of the vendor.
type Customer struct {
	// ID is 24 hexadecimal characters.
	ID string
	// Features are FeaturePrivate and FeatureBusiness, or others, which have no effect.
	Features []string
}

func (c Customer) has(feature string) bool { return slices.Contains(c.Features, feature) }

// slots returns how many devices each account of the customer can have.
func (c Customer) slots() int {
	switch {
	case c.has(FeatureBusiness):
		return 5
	case c.has(FeaturePrivate):
		return 4
	}
	return 0
}

// A User calls the API.
type User struct {
	// Username and Password are for the login. A user without a password cannot log in.
	Username, Password string
	// MachineToken replaces the token of a login, and does not expire. It may be empty.
	MachineToken string
	// Customer is the id of the user's own customer.
	Customer string
	// AccessLevel is one of the levels.
	AccessLevel string
}

func (u User) atLeast(level string) bool {
	return slices.Index(levels, u.AccessLevel) >= slices.Index(levels, level)
}

var isID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`).MatchString

// PutCustomers adds customers, or replaces the features of existing ones. It panics if an id has
// the wrong form.
func (e *Emulator) PutCustomers(customers ...Customer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range customers {
		if !isID(c.ID) {
			panic(fmt.Sprintf("emulator: the id %q of a customer is not 24 hexadecimal characters", c.ID))
		}
		c.Features = slices.Clone(c.Features)
		e.customers[c.ID] = c
	}
}

// PutUsers adds users, or replaces those of the same username. The tokens of their logins stay
// valid. It panics if there is no such customer or level.
func (e *Emulator) PutUsers(users ...User) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, u := range users {
		if _, known := e.customers[u.Customer]; !known || !slices.Contains(levels, u.AccessLevel) {
			panic(fmt.Sprintf("emulator: user %q cannot have the customer %q and the level %q",
				u.Username, u.Customer, u.AccessLevel))
		}
		delete(e.machines, e.users[u.Username].MachineToken)
		e.users[u.Username] = u
		if u.MachineToken != "" {
			e.machines[u.MachineToken] = u.Username
		}
	}
}

// admit returns the customer with that id, if the user may reach its accounts. It fails if the
// user's level is below lowest, or does not extend to that customer. The caller holds the lock.
func (e *Emulator) admit(u User, id, lowest string) (Customer, error) {
	if !u.atLeast(lowest) {
		return Customer{}, accessDenied
	}
	reseller := u.atLeast(LevelReseller)
	if id != "" && id != u.Customer && !reseller {
		return Customer{}, accessDenied
	}
	c, known := e.customers[id]
	if !known {
		return Customer{}, unknownCustomer
	}
	if u.AccessLevel == LevelAdmin || c.has(FeaturePrivate) || c.has(FeatureBusiness) && !reseller {
		return c, nil
	}
	return Customer{}, accessDenied
}
