package auth_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// records are mutations: method, resource, subject.
var records = [][3]string{
	{"drmhub.v1.SiteService/DisableSite", "vendors/pc/sites/A", "other"},
	{"drmhub.v1.SiteService/DisableSite", "vendors/pc/sites/AB", "s"},
	{"drmhub.v1.SiteService/UpdateIntegration", "vendors/pc/sites/A/integration", "other"},
	{"drmhub.v1.SiteService/CreateSiteOrder", "vendors/pc", "s"},
	{"drmhub.v1.ProductLicenseService/CreateProduct", "vendors/am", "other"},
	{"drmhub.v1.SiteService/DisableSite", "vendors/pc%/sites/A", "other"},
	{"drmhub.v1.SiteService/DisableSite", "vendors/pcx/sites/A", "other"},
	{"drmhub.v1.DrmAccountService/CreateDrmAccount", "vendors/tx", "other"},
	{"drmhub.v1.DrmAccountService/CreateDrmAccount", "vendors/tx", "s"},
	{"drmhub.v1.MutationService/SettleMutation", "mutations/1", "other"},
	{"drmhub.v1.MutationService/SettleMutation", "mutations/1", "s"},
	{"drmhub.v1.VendorService/ListVendors", "", ""},
}

func TestRecordsThatACallerSees(t *testing.T) {
	t.Parallel()
	want := map[string][]int{
		"free":       {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		"vendor":     {0, 1, 2, 3, 10},
		"no vendor":  {10},
		"site":       {0, 2, 10},
		"siteless":   {4, 10},
		"no default": {10},
		"no site":    {10},
		"crossed":    {10},
		"customer":   {0, 1, 2, 3, 4, 5, 6, 8, 10},
	}
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		for name, i := range confinements {
			view := directory.Caller(i).Records()
			var included, selected []int
			for n, r := range records {
				if view.Includes(r[0], r[1], r[2]) {
					included = append(included, n)
				}
				values := []any{r[0], r[1], r[2]}
				condition := view.Condition(func(value any) string {
					values = append(values, value)
					return fmt.Sprintf("CAST($%d AS TEXT)", len(values))
				})
				query := "SELECT " + condition + " FROM (SELECT CAST($1 AS TEXT) AS method, " +
					"CAST($2 AS TEXT) AS resource, CAST($3 AS TEXT) AS subject) AS r"
				var in bool
				if err := db.Reads().QueryRowContext(t.Context(), query, values...).Scan(&in); err != nil {
					t.Fatal(err)
				}
				if in {
					selected = append(selected, n)
				}
			}
			if !slices.Equal(included, want[name]) || !slices.Equal(selected, want[name]) {
				t.Errorf("the caller %q sees %v, and by SQL %v; want %v", name, included, selected, want[name])
			}
		}
	})
}

func TestNobodySeesRecords(t *testing.T) {
	if view := (auth.Caller{}).Records(); view.All() || view.Includes("m", "mutations/1", "") {
		t.Error("a caller without identity sees a record")
	}
}
