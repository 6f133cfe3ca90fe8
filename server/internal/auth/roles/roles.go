// Package roles maps the names of roles to scopes.
package roles

import (
	"maps"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// Secrets is the scope of callers who see the secrets in responses.
const Secrets = "secrets:read"

// auditRead is apart from the other reads, since the audit trail names all callers.
const auditRead = "audit:read"

// Scopes returns every scope that a caller can hold, sorted: reading and writing for each
// collection of the contract, and Secrets. It leaves out contract.AnyCaller, which every caller
// holds.
func Scopes() []string {
	known := map[string]bool{Secrets: true}
	for _, rpc := range contract.RPCs() {
		if collection, _, _ := strings.Cut(rpc.Scope, ":"); rpc.Scope != contract.AnyCaller {
			known[collection+":read"], known[collection+":write"] = true, true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

// Table maps the name of a role to its scopes.
type Table map[string][]string

// New returns the built-in roles, and the roles of the configuration in addition or instead:
//
//   - viewer reads everything but the audit trail and secrets.
//   - operator is a viewer who also changes sites, product licenses and DRM accounts, settles
//     mutations, and has the archive read more.
//   - admin does everything but read secrets.
//   - secrets reads secrets, for callers with another role.
func New(configured map[string][]string) Table {
	all := Table{"secrets": {Secrets}}
	for _, scope := range Scopes() {
		if scope == Secrets {
			continue
		}
		all["admin"] = append(all["admin"], scope)
		if strings.HasSuffix(scope, ":read") && scope != auditRead {
			all["viewer"] = append(all["viewer"], scope)
		}
	}
	all["operator"] = append(slices.Clone(all["viewer"]),
		"sites:write", "product-licenses:write", "drm-accounts:write", "mutations:write", "archive:write")
	maps.Copy(all, configured)
	return all
}

// Of returns the scopes of some roles together, which nobody may change. A role that the table
// lacks has none.
func (t Table) Of(names ...string) []string {
	if len(names) == 1 {
		return slices.Clip(t[names[0]])
	}
	var scopes []string
	for _, name := range names {
		scopes = append(scopes, t[name]...)
	}
	return scopes
}
