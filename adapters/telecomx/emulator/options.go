package emulator

import "github.com/drmhub/drmhub/adapters/twin"

// The user and the customer of an emulator that is given none.
const (
	DefaultUsername     = "sandbox"
	DefaultPassword     = "sandbox-password"
	DefaultMachineToken = "sandbox-machine-token"
	DefaultCustomerID   = "5f0c9a417be2d86630a1c4f8"
)

// Options set up an emulator. The zero value is a server with the default user, an ADMIN of a
// business customer, and no accounts.
type Options struct {
	// Username, Password and MachineToken are the credentials of the first user: either the first
	// two for a login, or the token that never expires. Empty means the default.
	Username, Password, MachineToken string
	// CustomerID is the customer of the first user, 24 hexadecimal characters. Empty means the
	// default.
	CustomerID string
	// AccessLevel is the level of the first user. Empty means LevelAdmin.
	AccessLevel string
	// Features are those of the first user's customer. Nil means FeatureBusiness.
	Features []string
	// ExpiresInMinutes is how long the token of a login is taken, in minutes; -1 means forever. 0
	// means 15, as at the vendor.
	ExpiresInMinutes int
	// Seed makes tokens, ids, what the server generates and sample data reproducible.
	Seed uint64
	// Clock is the server's time. Nil follows real time.
	Clock *twin.Clock
	// WithSampleData fills the server with three customers, among them the first user's, and with
	// about 780 accounts and their devices, reproducible from Seed and the day of the clock. The
	// first user's customer needs FeatureBusiness for that.
	WithSampleData bool
	// Assumptions settle what the vendor's documents leave open.
	Assumptions Assumptions
}

// Assumptions are the points on which the vendor's public documents are silent. The zero value is
// this project's reading.
type Assumptions struct {
	// LoginRefused is the HTTP status for a wrong username or password. Default: 401.
	LoginRefused int
	// TokenRefused is the HTTP status for a token that is missing, unknown or expired. Default:
	// 401. With 403 it looks the same as a level that does not suffice.
	TokenRefused int
	// PlainErrors answers a failure with its message as plain text, such as access_denied. Default:
	// {"error":"access_denied"}.
	PlainErrors bool
	// EmptyShown shows properties that hold no value, as "", 0 or []. Default: they are left out.
	EmptyShown bool
	// FilterIgnoresCase makes the list's filter match without regard to case. Default: with regard
	// to it.
	FilterIgnoresCase bool
	// CustomerOptional makes a creation that names no customer one for the user's own. Default: 404
	// customer.
	CustomerOptional bool
	// SessionsOutlivePassword leaves the tokens of a user in force when the password changes.
	// Default: they end.
	SessionsOutlivePassword bool
}
