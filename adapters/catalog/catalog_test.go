package catalog_test

import (
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/amino/aminotest"
	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/adapters/ncp/ncptest"
	"github.com/drmhub/drmhub/adapters/pallycon/pallycontest"
	"github.com/drmhub/drmhub/adapters/telecomx/telecomxtest"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// harnesses are what the conformance suite needs of every kind, by its name.
var harnesses = map[string]func(*testing.T) adaptertest.Harness{
	"pallycon": pallycontest.Harness,
	"ncp":      ncptest.Harness,
	"telecomx": telecomxtest.Harness,
	"amino":    aminotest.Harness,
}

// vendors are the names of all kinds, sorted.
var vendors = []string{
	"amino",
	"ncp",
	"pallycon",
	"telecomx",
}

const nowhere = "http://vendor.invalid"

func TestEveryVendorKeepsTheContract(t *testing.T) {
	for _, kind := range catalog.Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			harness, ok := harnesses[kind.Name]
			if !ok {
				t.Fatalf("the kind %q has no harness, so nothing says that its adapter keeps the contract; "+
					"write one, and add it to harnesses", kind.Name)
			}
			over := upstream.Connection{Transport: http.DefaultTransport}
			served, err := kind.New("acme", kind.TwinSettings(nowhere), over)
			if err != nil {
				t.Fatal(err)
			}
			if tested := harness(t).Adapter; reflect.TypeOf(tested) != reflect.TypeOf(served) {
				t.Fatalf("the harness tests a %T, and the catalog makes a %T", tested, served)
			}
			adaptertest.Run(t, harness)
		})
	}
}

// behaviors are what vendors do that differ from their documents, as faults that occur together.
var behaviors = map[string][]twin.Fault{
	"JSON as texts": respelled(
		twin.NumbersAsText, twin.BooleansAsYN, twin.NullsAsText, twin.EmptyListsAsText, twin.TimesWithT,
		twin.ByteOrderMark, twin.TextType,
	),
	"JSON as numbers": respelled(
		twin.TextsAsNumbers, twin.NumbersAsFloats, twin.BooleansAsNumbers, twin.NullsLeftOut,
		twin.EmptyTextsAsNull, twin.EmptyListsAsNull, twin.TimesInMillis, twin.HTMLType,
	),
	"the last page again": {
		{Kind: twin.FaultLastPage, Names: []string{"offset", "limit"}},
		{Kind: twin.FaultLastPage, Names: []string{"pageNo"}},
		{Kind: twin.FaultLastPage, Names: []string{"page_index"}},
	},
}

// longList matches the promises about lists of many rows.
var longList = regexp.MustCompile(`exactly once|rows that arrive|page size`)

func respelled(spellings ...twin.Spelling) (faults []twin.Fault) {
	for _, s := range spellings {
		faults = append(faults, twin.Fault{Kind: twin.FaultRespell, Spelling: s})
	}
	return faults
}

// TestEveryBehaviorKeepsTheContract runs the suite against twins that differ from the documents.
// Long lists are read only where pages repeat, and failures of the vendor are left out.
func TestEveryBehaviorKeepsTheContract(t *testing.T) {
	for vendor, harness := range harnesses {
		for name, together := range behaviors {
			pages := together[0].Kind == twin.FaultLastPage
			concerned := func(p adaptertest.Promise) bool {
				return longList.MatchString(p.Name) == pages && !strings.HasPrefix(p.Name, "a vendor ")
			}
			t.Run(vendor+", "+name, func(t *testing.T) {
				t.Parallel()
				adaptertest.RunSome(t, func(t *testing.T) adaptertest.Harness {
					h := harness(t)
					if h.Faults == nil {
						t.Fatal("the harness has no Faults; set them to those of the twin")
					}
					for _, fault := range together {
						h.Faults.Add(fault)
					}
					return h
				}, concerned)
			})
		}
	}
}

func TestEveryHarnessIsRun(t *testing.T) {
	for name := range harnesses {
		if _, ok := catalog.Lookup(name); !ok {
			t.Errorf("the harness %q belongs to no kind of the catalog", name)
		}
	}
}

func TestEveryKindCanUseItsTwin(t *testing.T) {
	for _, kind := range catalog.Kinds {
		account := upstream.NewAccount("acme")
		over := upstream.Connection{Account: account, Transport: twin.Transport(kind.Twin(1))}
		adapter, err := kind.New("acme", kind.TwinSettings(nowhere), over)
		if err != nil {
			t.Errorf("%s: %v", kind.Name, err)
			continue
		}
		if _, err := adapter.Check(upstream.CompareShapes(t.Context())); err != nil {
			t.Errorf("%s: %v", kind.Name, err)
		}
		if drift := account.Drift(); len(drift) > 0 {
			t.Errorf("%s: the twin differs from the documents: %v", kind.Name, drift)
		}
	}
}

func TestSettingsAreTheKindsOwn(t *testing.T) {
	type others struct{}
	for _, kind := range catalog.Kinds {
		if reflect.TypeOf(kind.Settings()) != reflect.TypeOf(kind.TwinSettings(nowhere)) {
			t.Errorf("%s: Settings makes a %T, and TwinSettings a %T",
				kind.Name, kind.Settings(), kind.TwinSettings(nowhere))
		}
		if kind.Settings() == kind.Settings() {
			t.Errorf("%s: two accounts would share their settings", kind.Name)
		}
		if _, err := kind.New("acme", &others{}, upstream.Connection{}); err == nil {
			t.Errorf("%s: takes the settings of another kind", kind.Name)
		}
	}
}

func TestEveryVendorHasOneName(t *testing.T) {
	seen := map[string]int{}
	for _, kind := range catalog.Kinds {
		seen[kind.Name]++
		if found, ok := catalog.Lookup(kind.Name); !ok || found.Name != kind.Name {
			t.Errorf("Lookup does not find %q", kind.Name)
		}
	}
	if names := slices.Sorted(maps.Keys(seen)); !slices.Equal(names, vendors) {
		t.Errorf("the catalog has the vendors %q, and the test wants %q: "+
			"add a new vendor to vendors in catalog_test.go, and never rename one, since configurations have its name",
			names, vendors)
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("the catalog has %d vendors of the name %q: rename one entry of Kinds", n, name)
		}
	}
}
