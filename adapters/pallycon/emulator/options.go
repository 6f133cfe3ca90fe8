package emulator

import (
	"cmp"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// The default account of an emulator.
const (
	DefaultAccountID     = "sandbox"
	DefaultAccountSeq    = "1"
	DefaultServiceAPIKey = "sandbox-service-api-key"
)

// Options set up an emulator. The zero value is an empty server with the default account.
type Options struct {
	// AccountID, AccountSeq and ServiceAPIKey are what a token is verified against. Empty means the
	// default.
	AccountID, AccountSeq, ServiceAPIKey string
	// DeniedAPICodes are API codes that the account may not call: 403.
	DeniedAPICodes []string
	// Seed makes ids and sample data reproducible.
	Seed uint64
	// Clock is the server's time. Nil follows real time.
	Clock *twin.Clock
	// WithSampleData fills the server with four sites, about 40,000 licenses of the last four
	// months, packagings, sub-members and site orders. Seed and the clock's time determine them.
	WithSampleData bool
	// Assumptions decide the points that the vendor's documents leave open.
	Assumptions Assumptions
}

// Encoding is a way of sending the parameters of a POST or PUT.
type Encoding string

// The ways of sending the parameters of a POST or PUT. The guide does not say which one the vendor
// accepts.
const (
	EncodingQuery Encoding = "query"
	EncodingForm  Encoding = "form"
	EncodingJSON  Encoding = "json"
)

// Assumptions are the points on which the vendor's public documents are silent. The zero value is
// this project's reading.
type Assumptions struct {
	// ZeroBasedPages makes page_index start at 0. Default: 1.
	ZeroBasedPages bool
	// CountIsPage makes count the rows of this page. Default: the total that matches.
	CountIsPage bool
	// ToExclusive makes the day to the first one not searched. Default: the last one searched.
	ToExclusive bool
	// Zone is the time zone of days and of all times but those of status changes, which are in UTC
	// by the guide. Default: UTC.
	Zone *time.Location
	// ExactSearch makes a search match equal values only. Default: values that contain the keyword.
	ExactSearch bool
	// SuccessMessage is the error_message of a success. Default: left out.
	SuccessMessage string
	// UnauthorizedBody and ForbiddenBody are the bodies of 401 and 403. Default: empty.
	UnauthorizedBody, ForbiddenBody string
	// OnlyEncoding is the only way in which a POST or PUT may send its parameters. The server
	// ignores parameters that come in another way. Default: all ways.
	OnlyEncoding Encoding
	// MaxDays is the maximum length of a search in days. Default: 0, no limit.
	MaxDays int
	// Retention is how long licenses are kept. Default: 0, forever.
	Retention time.Duration
	// OrderWords are the words for the status of a site order. Default: the words of the states
	// themselves.
	OrderWords OrderWords
	// PackagingPage is the maximum number of packagings in one response. Default: 1000.
	PackagingPage int
	// TargetDateText makes the target_date of usage figures a text, in the form of the request
	// (YYYY-MM-DD). Default: an integer such as 20260302.
	TargetDateText bool
	// NoChange is how the server shows the latest status change of a service that never had one.
	// Default: NoChangeNull.
	NoChange NoChange
	// ChangeBesideCode puts the fields of a status change beside error_code, and not into data. The
	// guide heads the response to the query "Response", and those to the requests "Response.data".
	ChangeBesideCode bool
	// Codes are the error codes of failures inside HTTP 200.
	Codes Codes
}

// NoChange is how a server shows that a service never had a status change.
type NoChange string

// The ways of showing that there was no status change. The guide does not say which one the vendor
// has.
const (
	NoChangeNull   NoChange = "null"   // error_code 0000 and data null
	NoChangeAbsent NoChange = "absent" // error_code 0000 alone
	NoChangeObject NoChange = "{}"     // data {}
	NoChangeList   NoChange = "[]"     // data []
	NoChangeText   NoChange = "text"   // data ""
	NoChangeError  NoChange = "error"  // Codes.NoChange
	NoChange404    NoChange = "404"    // HTTP 404 without a body
)

// OrderWords are the words of the server for OrderPending, OrderApproved and OrderRejected. The
// default of an empty field is the word of the state itself.
type OrderWords struct{ Pending, Approved, Rejected string }

// of returns the word for a state.
func (w OrderWords) of(state string) string {
	switch state {
	case OrderApproved:
		return w.Approved
	case OrderRejected:
		return w.Rejected
	}
	return w.Pending
}

// Codes are the values of error_code for failures inside HTTP 200. The vendor documents only that
// they are "other numbers" than 0000. The defaults of empty fields are this project's own numbers.
type Codes struct {
	// MissingParameter: a required parameter is absent or empty. Default 9001, as in the vendor's
	// license server.
	MissingParameter string
	// InvalidParameter: a parameter has the wrong form, or the request cannot be read. Default
	// 9002.
	InvalidParameter string
	// UnknownParameter: the call has no such parameter. Default 9003.
	UnknownParameter string
	// SiteNotFound: the account has no such site. Default 1003, as in the vendor's license server.
	SiteNotFound string
	// ServiceNotFound: the site does not have that service. Default 1101.
	ServiceNotFound string
	// RequestPending: a status change of that service is already pending. Default 1201.
	RequestPending string
	// RequestNotFound: there is no such status change. Default 1202.
	RequestNotFound string
	// RequestNotPending: the status change is no longer pending. Default 1203.
	RequestNotPending string
	// NoChange: the service never had a status change, if Assumptions.NoChange is NoChangeError.
	// Default 9001.
	NoChange string
	// MemberNotFound: the account has no such sub-member. Default 1301.
	MemberNotFound string
	// MemberExists: the account has a sub-member of that e-mail address. Default 1302.
	MemberExists string
	// GroupNotFound: there is no such member group. Default 1303.
	GroupNotFound string
	// CertificateRejected: a file does not contain a certificate. Default 1401.
	CertificateRejected string
	// KeyRejected: the private key has another form than OpenSSL's traditional one, does not fit
	// the certificate, or is not opened by the password. Default A9104, as in the vendor's console.
	KeyRejected string
}

func (a Assumptions) withDefaults() Assumptions {
	if a.Zone == nil {
		a.Zone = time.UTC
	}
	if a.PackagingPage == 0 {
		a.PackagingPage = 1000
	}
	w := &a.OrderWords
	w.Pending = cmp.Or(w.Pending, OrderPending)
	w.Approved = cmp.Or(w.Approved, OrderApproved)
	w.Rejected = cmp.Or(w.Rejected, OrderRejected)
	c := &a.Codes
	c.MissingParameter = cmp.Or(c.MissingParameter, "9001")
	c.InvalidParameter = cmp.Or(c.InvalidParameter, "9002")
	c.UnknownParameter = cmp.Or(c.UnknownParameter, "9003")
	c.SiteNotFound = cmp.Or(c.SiteNotFound, "1003")
	c.ServiceNotFound = cmp.Or(c.ServiceNotFound, "1101")
	c.RequestPending = cmp.Or(c.RequestPending, "1201")
	c.RequestNotFound = cmp.Or(c.RequestNotFound, "1202")
	c.RequestNotPending = cmp.Or(c.RequestNotPending, "1203")
	c.NoChange = cmp.Or(c.NoChange, "9001")
	c.MemberNotFound = cmp.Or(c.MemberNotFound, "1301")
	c.MemberExists = cmp.Or(c.MemberExists, "1302")
	c.GroupNotFound = cmp.Or(c.GroupNotFound, "1303")
	c.CertificateRejected = cmp.Or(c.CertificateRejected, "1401")
	c.KeyRejected = cmp.Or(c.KeyRejected, "A9104")
	return a
}
