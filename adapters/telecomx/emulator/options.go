package emulator

import "github.com/drmhub/drmhub/adapters/twin"

// The default user and customer.
const (
	DefaultUsername     = "sandbox"
	DefaultPassword     = "sandbox-password"
	DefaultMachineToken = "sandbox-machine-token"
	DefaultCustomerID   = "5f0c9a417be2d86630a1c4f8"
)

// Options configure an emulator. The zero value is a server without accounts, with the default
// user, an ADMIN of a business customer.
type Options struct {
	// Username and Password are for the login of the first user. MachineToken is its token, which
	// does not expire. Empty means the default.
	Username, Password, MachineToken string
	// CustomerID is the customer of the first user, 24 hexadecimal characters. Empty means the
	// default.
	CustomerID string
	// AccessLevel is the level of the first user. Empty means LevelAdmin.
	AccessLevel string
	// Features are the features of the first user's customer. Nil means FeatureBusiness.
	Features []string
	// ExpiresInMinutes is how long the token of a login is valid, in minutes. -1 means without end.
	// 0 means 15, as at the vendor.
	ExpiresInMinutes int
	// Seed makes tokens, ids, generated values and sample data reproducible.
	Seed uint64
	// Clock is the server's time. Nil means real time.
	Clock *twin.Clock
	// WithSampleData fills the server with three customers, with about 780 accounts and their
	// devices. They follow from Seed and the day of the clock. One customer is the first user's,
	// which needs FeatureBusiness.
	WithSampleData bool
	// Assumptions are the choices that the vendor's documents leave open.
	Assumptions Assumptions
}

// Assumptions are choices that the vendor's public documents leave open. The zero value is how this
// project interprets them.
type Assumptions struct {
	// LoginRefused is the HTTP status for a wrong username or password. Default: 401.
	LoginRefused int
	// LoginWants is what a login needs besides username and password: smsKey or authenticatorToken.
	// One without it is refused with 422 and this name. Default: nothing.
	LoginWants string
	// TokenRefused is the HTTP status for a token that is missing, unknown or expired. Default:
	// 401. A 403 looks the same as an insufficient level.
	TokenRefused int
	// PlainErrors sends the message of a failure as plain text, such as access_denied. Default:
	// {"error":"access_denied"}.
	PlainErrors bool
	// EmptyShown shows properties without a value, as "", 0 or []. Default: they are omitted.
	EmptyShown bool
	// FilterIgnoresCase makes the list's filter ignore case. Default: case matters.
	FilterIgnoresCase bool
	// CustomerOptional makes a creation without a customer use the user's own. Default: 404
	// customer.
	CustomerOptional bool
	// SessionsOutlivePassword keeps the tokens of a user when the password changes. Default: they
	// end.
	SessionsOutlivePassword bool
}
