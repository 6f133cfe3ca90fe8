package config

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/auth/keyset"
	"github.com/drmhub/drmhub/server/internal/auth/roles"
	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/suggest"
)

// Check reports a bad mode, and settings of another mode.
func (a *Auth) Check(report func(key, problem string)) {
	switch a.Mode {
	case "": // Config reports it, since the whole section may be missing.
	case AuthJWT:
		a.checkJWT(report)
	case AuthNone:
		for key, given := range map[string]bool{
			"issuer": a.Issuer != "", "audience": a.Audience != "", "keys": a.Keys != nil, "roles": a.Roles != nil,
			"clients": a.Clients != nil, "limits": a.Limits != nil, "oidc": a.OIDC != nil,
		} {
			if given {
				report(key, "belongs to mode jwt: leave it out")
			}
		}
	default:
		report("mode", "must be jwt or none")
	}
	if a.Leeway < 0 || a.Leeway > maxLeeway {
		report("leeway", "must be between 0s and 5m")
	}
	a.checkKIDs(report)
	a.checkRoles(report)
}

func (a *Auth) checkJWT(report func(key, problem string)) {
	if a.AllowRemote {
		report("allow_remote", "belongs to mode none: leave it out")
	}
	if a.Issuer == "" {
		report("issuer", "is missing: the iss that tokens carry, such as https://id.example")
	}
	if a.Audience == "" {
		report("audience", "is missing: the aud of tokens for this server, such as drmhub")
	}
	if len(a.Keys) == 0 {
		report("keys", "is missing: list at least one key, as kid, alg and secret or public_key, or as jwks_url")
	}
	if a.OIDC != nil {
		if _, problem := secureURL(a.Issuer, "must be the provider's https:// URL, since oidc is set"); problem != "" {
			report("issuer", problem)
		}
	}
}

func (a *Auth) checkKIDs(report func(key, problem string)) {
	first := map[string]int{}
	for i, k := range a.Keys {
		if j, taken := first[k.KID]; taken && k.KID != "" {
			report(fmt.Sprintf("keys[%d].kid", i), fmt.Sprintf("must differ from the kid of keys[%d]", j))
		} else {
			first[k.KID] = i
		}
	}
}

// checkRoles reports scopes and roles that do not exist, which are slips.
func (a *Auth) checkRoles(report func(key, problem string)) {
	scopes := roles.Scopes()
	for name, list := range a.Roles {
		for i, scope := range list {
			checkWord(report, fmt.Sprintf("roles.%s[%d]", name, i), "scope", scope, scopes)
		}
	}
	known := slices.Sorted(maps.Keys(roles.New(a.Roles)))
	sans := map[string]int{}
	for i, c := range a.Clients {
		for j, role := range c.Roles {
			checkWord(report, fmt.Sprintf("clients[%d].roles[%d]", i, j), "role", role, known)
		}
		for j, scope := range c.Scopes {
			checkWord(report, fmt.Sprintf("clients[%d].scopes[%d]", i, j), "scope", scope, scopes)
		}
		if j, again := sans[c.SAN]; again && c.SAN != "" {
			report(fmt.Sprintf("clients[%d].san", i), fmt.Sprintf("must differ from the san of clients[%d]", j))
		} else {
			sans[c.SAN] = i
		}
	}
}

// checkWord reports a word that is not a known one.
func checkWord(report func(key, problem string), key, what, word string, known []string) {
	if slices.Contains(known, word) {
		return
	}
	problem := "there is no such " + what + "; known: " + strings.Join(known, ", ")
	if meant := suggest.Nearest(word, known); meant != "" {
		problem = "there is no such " + what + "; did you mean " + meant + "?"
	}
	report(key, problem)
}

// Check reports a caller that no certificate can name.
func (c *Client) Check(report func(key, problem string)) {
	u, err := url.Parse(c.SAN)
	switch isURI := strings.Contains(c.SAN, ":"); {
	case c.SAN == "":
		report("san", "is missing: the URI or the DNS name in the client's certificate, such as spiffe://acme/billing")
	case strings.Contains(c.SAN, "*"), !isURI && !hostname.MatchString(c.SAN),
		isURI && (err != nil || u.Host == "" && u.Scheme != "urn"):
		report("san", "must be one URI or one DNS name, without a pattern, such as spiffe://acme/billing")
	}
	for i, id := range c.Vendors {
		if !vendorID.MatchString(id) {
			report(fmt.Sprintf("vendors[%d]", i), "must be the id of a vendor, such as pallycon-kr")
		}
	}
	for i, name := range c.Sites {
		ids, err := names.Site.IDs(name)
		if err != nil || slices.Contains(ids, names.Wildcard) {
			report(fmt.Sprintf("sites[%d]", i), "must be the name of a site, such as vendors/pallycon-kr/sites/DEMO")
			continue
		}
		c.Sites[i] = names.Site.Name(ids...)
	}
	if i := slices.Index(c.Customers, names.Wildcard); i >= 0 {
		report(fmt.Sprintf("customers[%d]", i), "must be the id of a customer: leave customers out for all of them")
	}
}

// Check reports limits that would stop every call.
func (l *Limits) Check(report func(key, problem string)) {
	switch {
	case !(l.Rate >= 0 && l.Rate <= maxRate):
		report("rate", "must be a number of calls a second between 0 and 1000000; 0 means that there is no limit")
	case l.Burst < 0:
		report("burst", "must not be negative")
	case l.Rate > 0 && l.Burst == 0:
		report("burst", "is missing: how many calls a caller may make at once, such as 100")
	}
}

// Check reports a client that cannot log in.
func (o *OIDC) Check(report func(key, problem string)) {
	if o.ClientID == "" {
		report("client_id", "is missing: the id of this client at the provider")
	}
	const want = "must be the https:// URL of this server's /console/callback, " +
		"or an http:// one on a loopback address"
	u, problem := secureURL(o.RedirectURL, want)
	if problem == "" && (u.Path != "/console/callback" || u.RawQuery != "" || u.Fragment != "") {
		problem = want
	}
	if problem != "" {
		report("redirect_url", problem)
	}
}

// secureURL reads a URL that is https, or http on a loopback address, without a user. The problem
// of another one is want, or that it has a user.
func secureURL(text, want string) (u *url.URL, problem string) {
	u, err := url.Parse(text)
	switch {
	case err == nil && u.User != nil:
		return nil, "must have no user and no password: remove the text between // and @"
	case err != nil || u.Hostname() == "",
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, want
	}
	return u, ""
}

// algorithm matches the algorithms that a key may name: the signatures of RFC 7518 and RFC 8037.
var algorithm = regexp.MustCompile(`^((HS|RS|PS|ES)(256|384|512)|EdDSA)$`)

// Check reports a key that is not of the kind that its algorithm needs.
func (k *Key) Check(report func(key, problem string)) {
	if k.JWKSURL != "" {
		k.checkKeySet(report)
		return
	}
	if k.KID == "" {
		report("kid", "is missing: the key's id, as the header of a token names it")
	}
	if len(k.KID) > keyset.MaxKID {
		report("kid", "must have at most 256 bytes")
	}
	if k.Refresh != 0 {
		report("refresh", "belongs to jwks_url: leave it out")
	}
	symmetric := strings.HasPrefix(k.Alg, "HS")
	switch {
	case !algorithm.MatchString(k.Alg):
		report("alg", "must be one of HS256, RS256, PS256, ES256, their 384 and 512, or EdDSA")
	case symmetric && k.Secret == nil:
		report("secret", "is missing: an HS algorithm needs the shared secret, as {env: NAME} or {file: PATH}")
	case symmetric && k.PublicKey != nil:
		report("public_key", "does not go with an HS algorithm: leave it out")
	case symmetric && len(k.Secret.Reveal()) < minSecret:
		report("secret", "is too short: it must have at least 32 bytes, such as those of openssl rand -hex 32")
	case !symmetric && k.PublicKey == nil:
		report("public_key", "is missing: this algorithm needs the issuer's public key, as {file: PATH} or {env: NAME}")
	case !symmetric && k.Secret != nil:
		report("secret", "does not go with this algorithm: leave it out")
	case !symmetric:
		if _, err := token.ParsePublicKey(k.Alg, string(*k.PublicKey)); err != nil {
			report("public_key", "the key that is named here "+err.Error())
		}
	}
}

func (k *Key) checkKeySet(report func(key, problem string)) {
	for key, given := range map[string]bool{
		"kid": k.KID != "", "alg": k.Alg != "", "secret": k.Secret != nil, "public_key": k.PublicKey != nil,
	} {
		if given {
			report(key, "does not go with jwks_url: leave it out, or make it a separate key")
		}
	}
	const want = "must be an https:// URL, or an http:// one on a loopback address"
	if _, problem := secureURL(k.JWKSURL, want); problem != "" {
		report("jwks_url", problem)
	}
	if k.Refresh == 0 {
		k.Refresh = defaultRefresh
	}
	if k.Refresh < minRefresh {
		report("refresh", "must be at least 1m: an unknown key is fetched at once")
	}
}
