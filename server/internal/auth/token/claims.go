package token

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"

	"github.com/drmhub/drmhub/adapters/names"
)

// Claims are what a token says about its caller. Callers of Verify share them, and do not change
// them.
type Claims struct {
	Subject string
	// Scopes and Roles are as the token has them. It may name ones that do not exist.
	Scopes, Roles []string
	// Vendors, Sites and Customers confine the caller. Nil means that the token has no such claim,
	// and the caller may see all. An empty list means none. Sites are canonical names.
	Vendors, Sites, Customers []string
	// Expires is the token's exp.
	Expires time.Time
	// Thumbprint, unless empty, is the cnf.x5t#S256 of RFC 8705: the SHA-256 of the client
	// certificate with which alone the token is valid, in base64url without padding.
	Thumbprint string
	// Key names the fixed key that has signed the token, as Holds knows it. It is "" for a key of a
	// set.
	Key string
	// Derived is what Options.Derive returned for the other fields.
	Derived any
}

// payload is the second part of a token.
type payload struct {
	read     bool
	claims   Claims
	issuer   string
	audience jwt.ClaimStrings
	exp      *jwt.NumericDate
	nbf, iat *jwt.NumericDate
}

// ReadClaims returns the claims of an ID token that somebody else has verified, by the rules that
// hold for the claims and for the subject of every token.
func (v *Verifier) ReadClaims(text []byte) (*Claims, error) {
	p := &payload{}
	if err := p.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	return &p.claims, checkSubject(p.claims.Subject, v.reserved)
}

// These methods make a payload the claims that package jwt validates.

func (p *payload) GetExpirationTime() (*jwt.NumericDate, error) { return p.exp, nil }
func (p *payload) GetIssuedAt() (*jwt.NumericDate, error)       { return p.iat, nil }
func (p *payload) GetNotBefore() (*jwt.NumericDate, error)      { return p.nbf, nil }
func (p *payload) GetIssuer() (string, error)                   { return p.issuer, nil }
func (p *payload) GetSubject() (string, error)                  { return p.claims.Subject, nil }
func (p *payload) GetAudience() (jwt.ClaimStrings, error)       { return p.audience, nil }

// members are the claims that count, as the token has them. A claim that is absent is nil.
type members struct {
	Issuer       jsontext.Value `json:"iss"`
	Subject      jsontext.Value `json:"sub"`
	Audience     jsontext.Value `json:"aud"`
	Expires      jsontext.Value `json:"exp"`
	NotBefore    jsontext.Value `json:"nbf"`
	IssuedAt     jsontext.Value `json:"iat"`
	Scope        jsontext.Value `json:"scope"`
	Roles        jsontext.Value `json:"roles"`
	Vendors      jsontext.Value `json:"vendors"`
	Sites        jsontext.Value `json:"sites"`
	Customers    jsontext.Value `json:"customers"`
	Confirmation jsontext.Value `json:"cnf"`
}

// UnmarshalJSON reads the claims by their exact names, and refuses a name that comes twice.
// encoding/json would also take "SUB" for sub.
func (p *payload) UnmarshalJSON(text []byte) error {
	var m members
	if jsontext.Value(text).Kind() != '{' || json.Unmarshal(text, &m) != nil {
		return refuse(Malformed, "the claims are not a JSON object, or have a name twice")
	}
	p.read = true
	for _, claim := range []struct {
		name  string
		value jsontext.Value
		read  func(jsontext.Value) bool
	}{
		{"iss", m.Issuer, textInto(&p.issuer)},
		{"sub", m.Subject, textInto(&p.claims.Subject)},
		{"aud", m.Audience, wordsInto((*[]string)(&p.audience))},
		{"exp", m.Expires, timeInto(&p.exp)},
		{"nbf", m.NotBefore, timeInto(&p.nbf)},
		{"iat", m.IssuedAt, timeInto(&p.iat)},
		{"scope", m.Scope, p.readScope},
		{"roles", m.Roles, wordsInto(&p.claims.Roles)},
		{"vendors", m.Vendors, p.readVendors},
		{"sites", m.Sites, p.readSites},
		{"customers", m.Customers, p.readCustomers},
		{"cnf", m.Confirmation, p.readConfirmation},
	} {
		if claim.value != nil && !claim.read(claim.value) {
			return refuse(BadClaim, claim.name+" is malformed")
		}
	}
	if p.exp != nil {
		p.claims.Expires = p.exp.Time
	}
	return nil
}

func textInto(out *string) func(jsontext.Value) bool {
	return func(v jsontext.Value) (ok bool) {
		*out, ok = text(v)
		return ok
	}
}

// wordsInto reads a list of strings, or one string.
func wordsInto(out *[]string) func(jsontext.Value) bool {
	return func(v jsontext.Value) (ok bool) {
		if one, ok := text(v); ok {
			*out = []string{one}
			return true
		}
		*out, ok = list(v)
		return ok
	}
}

// list returns the strings of a JSON list, which is not nil. It reports false for anything else.
func list(v jsontext.Value) ([]string, bool) {
	var items []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &items) != nil {
		return nil, false
	}
	all := make([]string, len(items))
	for i, item := range items {
		var ok bool
		if all[i], ok = text(item); !ok {
			return nil, false
		}
	}
	return all, true
}

// maxTime is the end of the year 9999 in seconds, the last moment that a protobuf Timestamp holds.
// Later times are milliseconds by mistake.
const maxTime = 253402300799

// timeInto reads a NumericDate: seconds since 1970, which may have a fraction.
func timeInto(out **jwt.NumericDate) func(jsontext.Value) bool {
	return func(v jsontext.Value) bool {
		if v.Kind() != '0' {
			return false
		}
		seconds, err := strconv.ParseFloat(string(v), 64)
		if err != nil || !(seconds >= 0 && seconds <= maxTime) {
			return false
		}
		whole, fraction := math.Modf(seconds)
		*out = &jwt.NumericDate{Time: time.Unix(int64(whole), int64(fraction*1e9)).UTC()}
		return true
	}
}

// readScope reads scopes separated by spaces (RFC 8693). Other white space separates nothing.
func (p *payload) readScope(v jsontext.Value) bool {
	all, ok := text(v)
	scopes := slices.DeleteFunc(strings.Split(all, " "), func(s string) bool { return s == "" })
	p.claims.Scopes = slices.Clip(scopes) // Callers share the list, and may append to their copy of it.
	return ok
}

// readVendors reads ids of vendors. An id with escapes could be another vendor's, and "-" means all
// vendors elsewhere, so that both refuse the token.
func (p *payload) readVendors(v jsontext.Value) (ok bool) {
	p.claims.Vendors, ok = list(v)
	for _, id := range p.claims.Vendors {
		name := "vendors/" + id
		ids, err := names.Vendor.IDs(name)
		ok = ok && err == nil && id != names.Wildcard && ids[0] == id && names.Vendor.Name(id) == name
	}
	return ok
}

// readSites reads names of sites. Another spelling of a name is the same site.
func (p *payload) readSites(v jsontext.Value) (ok bool) {
	p.claims.Sites, ok = list(v)
	for i, name := range p.claims.Sites {
		ids, err := names.Site.IDs(name)
		if err != nil || slices.Contains(ids, names.Wildcard) {
			return false
		}
		p.claims.Sites[i] = names.Site.Name(ids...)
	}
	return ok
}

// readCustomers reads ids of customers, which only the vendor knows.
func (p *payload) readCustomers(v jsontext.Value) (ok bool) {
	p.claims.Customers, ok = list(v)
	return ok && !slices.Contains(p.claims.Customers, names.Wildcard)
}

// readConfirmation reads which certificate the token needs. A token that needs another proof is
// refused, since drmhub could not ask for it.
func (p *payload) readConfirmation(v jsontext.Value) bool {
	var proofs map[string]jsontext.Value
	if v.Kind() != '{' || json.Unmarshal(v, &proofs) != nil || len(proofs) != 1 {
		return false
	}
	thumbprint, ok := text(proofs["x5t#S256"])
	hash, err := base64.RawURLEncoding.Strict().DecodeString(thumbprint)
	p.claims.Thumbprint = thumbprint
	return ok && err == nil && len(hash) == 32 && !strings.ContainsAny(thumbprint, "\r\n")
}
