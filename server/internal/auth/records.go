package auth

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A RecordView is the part of the mutations and of the audit trail that a caller may see.
//
// A confined caller sees the records of resources within its confinement. Other records, such as
// that of a settled mutation, name no vendor: the caller sees its own. A caller who is confined to
// customers sees its own records of DRM accounts, since a record does not say whose account it is.
type RecordView struct {
	all         bool
	subject     string
	within      []string // the names at which, or below which, the caller sees records
	ownAccounts bool     // whether the caller sees its own records of DRM accounts only
}

// accountMethods is how the methods of DRM accounts begin.
var accountMethods = pb.DrmAccountService_ServiceDesc.ServiceName + "/"

// Records returns what the caller may see of the mutations and of the audit trail.
func (c Caller) Records() RecordView {
	v := RecordView{subject: c.Subject, ownAccounts: c.ConfinedToCustomers()}
	switch {
	case c.unlimited || c.Subject != "" && c.Vendors == nil && c.Sites == nil && !v.ownAccounts:
		v.all = true
	case c.Subject == "":
	case c.Sites != nil:
		for _, site := range c.Sites {
			if vendor, _, _ := strings.Cut(strings.TrimPrefix(site, "vendors/"), "/"); c.seesDefaultSite(vendor) {
				site = names.Vendor.Name(vendor)
			}
			if c.SeesSite(site) || c.SeesAccount(strings.TrimPrefix(site, "vendors/")) {
				v.within = append(v.within, site)
			}
		}
	case c.Vendors != nil:
		for _, id := range c.Vendors {
			v.within = append(v.within, names.Vendor.Name(id))
		}
	default:
		v.within = []string{"vendors"}
	}
	return v
}

// All reports whether the view has every record.
func (v RecordView) All() bool { return v.all }

// Includes reports whether the view has a record with this method, resource and subject.
func (v RecordView) Includes(method, resource, subject string) bool {
	switch {
	case v.all:
		return true
	case !strings.HasPrefix(resource, "vendors/"), v.ownAccounts && strings.HasPrefix(method, accountMethods):
		if subject != v.subject || v.subject == "" {
			return false
		}
	}
	return !strings.HasPrefix(resource, "vendors/") || slices.ContainsFunc(v.within, func(name string) bool {
		return resource == name || strings.HasPrefix(resource, name+"/")
	})
}

// Condition returns the view as an SQL condition on the columns method, resource and subject. bind
// adds a value to the query, and returns its placeholder.
func (v RecordView) Condition(bind func(value any) string) string {
	if v.all {
		return "true"
	}
	begins := func(column, text string) string { // LIKE would read wildcards in the text.
		return fmt.Sprintf("substr(%s, 1, %d) = %s", column, utf8.RuneCountInString(text), bind(text))
	}
	own := "subject = " + bind(v.subject)
	within := []string{"false"}
	for _, name := range v.within {
		within = append(within, "resource = "+bind(name), begins("resource", name+"/"))
	}
	inside := "(" + strings.Join(within, " OR ") + ")"
	if v.ownAccounts {
		inside += fmt.Sprintf(" AND (%s OR NOT %s)", own, begins("method", accountMethods))
	}
	return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", begins("resource", "vendors/"), inside, own)
}
