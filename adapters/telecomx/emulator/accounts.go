package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// EffectAccountCreated is the kind of the effect of a created account in the ledger. Its key is the
// username, and its details have the customer.
const EffectAccountCreated = "accountCreated"

// An Account is a DRM account, with which a viewer's apps log in.
type Account struct {
	// Customer is the id of the customer that the account belongs to.
	Customer string
	// Username is the account's id: unique, at least 6 of a-z, A-Z, 0-9, ".", "_", "-" and "@".
	Username string
	// Password is at least 6 characters. The vendor shows it.
	Password string
	// Created is when the account was created, in whole milliseconds.
	Created time.Time
	// Devices are the account's devices, in the order in which they were bound.
	Devices []Device
}

func (a *Account) clone() Account {
	c := *a
	c.Devices = slices.Clone(a.Devices)
	return c
}

var isUsername = regexp.MustCompile(`^[a-zA-Z0-9._@-]{6,}$`).MatchString

func isPassword(v string) bool { return utf8.RuneCountInString(v) >= 6 }

// PutAccounts adds accounts, or replaces those of the same username in their places. The default of
// each field is: the first user's customer, a generated username and password, created now. The
// default of a device is a generated id, and bound when the account was created. PutAccounts panics
// if the vendor could have no such account.
func (e *Emulator) PutAccounts(accounts ...Account) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range accounts {
		a = a.clone()
		a.Customer = cmp.Or(a.Customer, e.customer)
		if a.Username == "" {
			a.Username = e.newUsername()
		}
		if a.Password == "" {
			a.Password = newPassword(e.random)
		}
		if a.Created.IsZero() {
			a.Created = e.Clock().Now()
		}
		a.Created = inMilliseconds(a.Created)
		for i := range a.Devices {
			a.Devices[i] = e.complete(a.Devices[i], a.Created)
		}
		if err := e.possible(a); err != nil {
			panic(fmt.Sprintf("emulator: account %q: %v", a.Username, err))
		}
		e.put(a)
	}
}

// possible returns why the vendor could not have a, or nil. The caller holds the lock, here and
// below.
func (e *Emulator) possible(a Account) error {
	c, known := e.customers[a.Customer]
	held := e.byUsername[a.Username]
	switch {
	case !known:
		return fmt.Errorf("customer %q does not exist", a.Customer)
	case !isUsername(a.Username) || !isPassword(a.Password):
		return fmt.Errorf("the username or the password has the wrong form")
	case held != nil && held.Customer != a.Customer:
		return fmt.Errorf("customer %q has it", held.Customer)
	case held == nil && e.full(c):
		return fmt.Errorf("customer %q can have no more accounts", c.ID)
	case a.taken(e.Clock().Now()) > c.slots():
		return fmt.Errorf("it has more devices than its %d slots", c.slots())
	}
	for i, d := range a.Devices {
		owner, _ := e.findDevice(d.ID)
		twice := slices.ContainsFunc(a.Devices[:i], func(other Device) bool { return other.ID == d.ID })
		if !isID(d.ID) || twice || owner != nil && owner.Username != a.Username {
			return fmt.Errorf("the id %q of a device is not 24 hexadecimal characters, or another device has it", d.ID)
		}
	}
	return nil
}

func (e *Emulator) put(a Account) {
	if held := e.byUsername[a.Username]; held != nil {
		*held = a
		return
	}
	e.accounts = append(e.accounts, &a)
	e.byUsername[a.Username] = &a
}

// Accounts returns the accounts of all customers, in the order in which the server lists them.
func (e *Emulator) Accounts() []Account {
	e.mu.RLock()
	defer e.mu.RUnlock()
	accounts := make([]Account, len(e.accounts))
	for i, a := range e.accounts {
		accounts[i] = a.clone()
	}
	return accounts
}

// full reports whether a customer can have no more accounts.
func (e *Emulator) full(c Customer) bool {
	return !c.has(FeatureBusiness) &&
		(!c.has(FeaturePrivate) || slices.ContainsFunc(e.accounts, func(a *Account) bool { return a.Customer == c.ID }))
}

// An accountRow is an account in a response.
type accountRow struct {
	Username string          `json:"username"`
	Password string          `json:"password"`
	Devices  json.RawMessage `json:"devices,omitempty"` // a number or a list
	Created  string          `json:"created"`
}

// row returns an account with that value of devices, which is omitted if it is empty.
func (e *Emulator) row(a *Account, devices any, empty bool) (accountRow, error) {
	row := accountRow{Username: a.Username, Password: a.Password, Created: timestamp(a.Created)}
	if empty && !e.assumed.EmptyShown {
		return row, nil
	}
	var err error
	row.Devices, err = encode(devices)
	return row, err
}

// listAccounts serves "API : IPTV : DRM : List".
func (e *Emulator) listAccounts(_ context.Context, u User, in input) (any, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	c, err := e.admit(u, cmp.Or(in.query["customer"], u.Customer), LevelViewer)
	if err != nil {
		return nil, err
	}
	var matching []*Account
	for _, a := range e.accounts {
		if a.Customer == c.ID && e.contains(a.Username, in.query["filter"]) {
			matching = append(matching, a)
		}
	}
	first, size := in.query.Int("offset", 0), in.query.Int("limit", 100)
	low := min(first, len(matching))
	rows := []accountRow{}
	for _, a := range matching[low:min(low+size, len(matching))] {
		devices := e.deviceRows(a, listKey)
		var shown any = len(devices)
		if in.query["full"] == "true" {
			shown = devices
		}
		row, err := e.row(a, shown, len(devices) == 0)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return struct {
		Offset   int          `json:"offset"`
		Limit    int          `json:"limit"`
		Total    int          `json:"total"`
		Accounts []accountRow `json:"accounts"`
	}{first, size, len(matching), rows}, nil
}

func (e *Emulator) contains(username, part string) bool {
	if e.assumed.FilterIgnoresCase {
		username, part = strings.ToLower(username), strings.ToLower(part)
	}
	return strings.Contains(username, part)
}

// getAccount serves "GET /iptv/drm/ACCOUNT_ID".
func (e *Emulator) getAccount(_ context.Context, u User, in input) (any, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if !u.atLeast(LevelViewer) {
		return nil, accessDenied
	}
	a := e.byUsername[in.id]
	if a == nil {
		return nil, unknownID
	}
	if _, err := e.admit(u, a.Customer, LevelViewer); err != nil {
		return nil, err
	}
	return e.single(a)
}

// single returns the form of an account that is not in a list.
func (e *Emulator) single(a *Account) (any, error) {
	devices := e.deviceRows(a, singleKey)
	return e.row(a, devices, len(devices) == 0)
}

// createAccount serves "POST /iptv/drm".
func (e *Emulator) createAccount(ctx context.Context, u User, in input) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id, err := in.body.text("customer", utf8.ValidString)
	if err != nil {
		id = "" // not the id of a customer
	}
	if _, given := in.body["customer"]; !given && e.assumed.CustomerOptional {
		id = u.Customer
	}
	c, err := e.admit(u, id, LevelManager)
	if err != nil {
		return nil, err
	}
	if c.slots() == 0 {
		return nil, accessDenied
	}
	if err := in.body.only("customer", "username", "password"); err != nil {
		return nil, err
	}
	if e.full(c) {
		return nil, customerHasOne
	}
	a := Account{Customer: c.ID, Created: inMilliseconds(e.Clock().Now())}
	if a.Username, err = in.body.text("username", isUsername); err != nil {
		return nil, err
	}
	if e.byUsername[a.Username] != nil {
		return nil, usernameTaken
	}
	if a.Password, err = in.body.text("password", isPassword); err != nil {
		return nil, err
	}
	if a.Username == "" {
		a.Username = e.newUsername()
	}
	if a.Password == "" {
		a.Password = newPassword(e.random)
	}
	e.put(a)
	e.Ledger().Record(ctx, EffectAccountCreated, a.Username, map[string]string{"customer": a.Customer})
	return e.single(&a)
}

// newUsername returns a number that is not a username yet.
func (e *Emulator) newUsername() string {
	for {
		username := fmt.Sprintf("%010d", e.random.Int64N(10_000_000_000))
		if e.byUsername[username] == nil {
			return username
		}
	}
}

// newPassword returns a password like those of the vendor's samples.
func newPassword(random *rand.Rand) string {
	const characters = "abcdefghijkmnpqrstuvwxyz23456789"
	password := make([]byte, 14)
	for i := range password {
		password[i] = characters[random.IntN(len(characters))]
	}
	return string(password)
}

// hex returns a random number of so many hexadecimal digits.
func hex(random *rand.Rand, digits int) string {
	text := ""
	for len(text) < digits {
		text += fmt.Sprintf("%016x", random.Uint64())
	}
	return text[:digits]
}

func inMilliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// timestamp returns a time in the vendor's form.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
