package auth_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// ids are hard to tell apart: for SQL, by their beginnings, by case, and by their escapes.
var ids = []string{"a", "ab", "A", "a%", "a_", "%2F", "a%2Fb", "default", "-", "é", "é́", "a'", `a\`, " a", "sites"}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// randomName returns a name of any form.
func randomName(r *rand.Rand) string {
	id := func() string { return pick(r, ids...) }
	vendor := "vendors/" + pick(r, "am", "pc", "p", id())
	return pick(r, "", "mutations/"+id(), vendor, vendor+"/sites/"+id(), vendor+"/sites/"+id()+"/statusChanges/"+id(),
		vendor+"/members/"+id(), vendor+"/drmAccounts/"+id()+"/devices/"+id(), "vendor/x", "vendors", "vendors/")
}

// randomIdentity returns an identity with any confinement, as tokens have them.
func randomIdentity(r *rand.Rand) auth.Identity {
	i := auth.Identity{Subject: pick(r, "s", "other")}
	list := func(one func() string) []string {
		all := make([]string, r.IntN(4))
		for n := range all {
			all[n] = one()
		}
		return pick(r, nil, all, all)
	}
	vendor := func() string { return pick(r, "am", "pc", "p", "a", "ab") }
	i.Vendors = list(vendor)
	i.Sites = list(func() string { return "vendors/" + vendor() + "/sites/" + pick(r, ids...) })
	i.Customers = list(func() string { return pick(r, ids...) })
	return i
}

// TestAConfinementOnlyTakesAway compares random callers with the same callers without one of their
// confinements, and the records that they see with those that the store selects.
func TestAConfinementOnlyTakesAway(t *testing.T) {
	t.Parallel()
	methods := []string{
		pb.SiteService_DisableSite_FullMethodName[1:], pb.DrmAccountService_CreateDrmAccount_FullMethodName[1:],
		"drmhub.v1.DrmAccountServiceX/Y", "",
	}
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		r := rand.New(rand.NewPCG(14, uint64(len(dsn))))
		for range 1500 {
			i, name := randomIdentity(r), randomName(r)
			confined, rpc := directory.Caller(i), pick(r, contract.RPCs()...)
			record := [3]string{pick(r, methods...), name, pick(r, "s", "other", "")}
			included := confined.Records().Includes(record[0], record[1], record[2])
			for n := range 3 {
				wider := i
				*[]*[]string{&wider.Vendors, &wider.Sites, &wider.Customers}[n] = nil
				c := directory.Caller(wider)
				if confined.Sees(rpc, name) && !c.Sees(rpc, name) {
					t.Errorf("%+v may call %s for %q, and %+v may not", i, rpc.Name, name, wider)
				}
				if included && !c.Records().Includes(record[0], record[1], record[2]) {
					t.Errorf("%+v sees %q, and %+v does not", i, record, wider)
				}
			}
			seen := confined.Sees(contract.Lookup(pb.LicenseService_GetUsage_FullMethodName), name) ||
				strings.HasPrefix(name, "vendors/am/") && confined.SeesAccount("am") // which has no sites
			if included && strings.HasPrefix(name, "vendors/") && strings.Count(name, "/") > 2 && !seen {
				t.Errorf("%+v sees the record of %q, and may not call for it", i, name)
			}
			values := []any{record[0], record[1], record[2]}
			condition := confined.Records().Condition(func(value any) string {
				values = append(values, value)
				return fmt.Sprintf("CAST($%d AS TEXT)", len(values))
			})
			var selected bool
			query := "SELECT " + condition + " FROM (SELECT CAST($1 AS TEXT) AS method, " +
				"CAST($2 AS TEXT) AS resource, CAST($3 AS TEXT) AS subject) AS r"
			if err := db.Reads().QueryRowContext(t.Context(), query, values...).Scan(&selected); err != nil {
				t.Fatal(err)
			}
			if selected != included {
				t.Errorf("%+v: %q is included: %t, selected: %t", i, record, included, selected)
			}
		}
	})
}
