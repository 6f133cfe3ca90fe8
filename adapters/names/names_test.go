package names_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/names"
)

func TestNamesCarryAnyID(t *testing.T) {
	for id, want := range map[string]string{
		"DEMO":           "vendors/v/members/DEMO",
		"donald@duck.dk": "vendors/v/members/donald@duck.dk",
		"a/b":            "vendors/v/members/a%2Fb",
		"a/..b/...":      "vendors/v/members/a%2F..b%2F...",
		"a;../b;..":      "vendors/v/members/a;..%2Fb;..",
		"100%":           "vendors/v/members/100%25",
		"a:disable":      "vendors/v/members/a:disable",
		"a b?c#d*":       "vendors/v/members/a b?c#d*",
		"é":              "vendors/v/members/é",
	} {
		got := names.Member.Name("v", id)
		if got != want {
			t.Errorf("Name(%q) = %q, want %q", id, got, want)
		}
		ids, err := names.Member.IDs(got)
		if err != nil || !slices.Equal(ids, []string{"v", id}) {
			t.Errorf("IDs(%q) = %q, %v", got, ids, err)
		}
	}
}

func TestCanonical(t *testing.T) {
	for name, want := range map[string]string{
		"vendors/v/members/a%40b":     "vendors/v/members/a@b",
		"vendors/v/members/a%2fb":     "vendors/v/members/a%2Fb",
		"vendors/v/members/a%252Fb":   "vendors/v/members/a%252Fb",
		"vendors/v/sites/a%3Adisable": "vendors/v/sites/a:disable",
		"vendors/v/sites/a%20b":       "vendors/v/sites/a b",
	} {
		if got, err := names.Canonical(name); err != nil || got != want {
			t.Errorf("Canonical(%q) = %q, %v, want %q", name, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "vendors//sites/x", "vendors/v/", "vendors/%zz", "vendors/100%", "vendors/%00", "vendors/%ff",
		"vendors/v/sites/X%2F..%2FDEMO", "vendors/v/products/..%2fproducts%2F1", "vendors/v/sites/a%5C..%5Cb",
		"vendors/v/sites/a%2F.", "vendors/v/sites/%2E%2E%2Fa", "vendors/v/sites/a%2F%2F..",
		"vendors/v/sites/a%252F..%252Fb", "vendors/v/sites/a%2F%25252e%2Fb", "vendors/v/sites/%252E%252e",
		"vendors/v/sites/a%2F..;x=1%2Fb", "vendors/v/sites/a%255c..%5Cb",
	} {
		if got, err := names.Canonical(bad); err == nil {
			t.Errorf("Canonical(%q) = %q, want an error", bad, got)
		}
	}
}

func TestIDsRefusesOtherForms(t *testing.T) {
	for _, bad := range []string{
		"vendors/v", "vendors/v/sites", "vendors/v/members/m", "vendors/v/sites/s/usage", "Vendors/v/sites/s",
	} {
		if ids, err := names.Site.IDs(bad); err == nil || !strings.Contains(err.Error(), "vendors/*/sites/*") {
			t.Errorf("IDs(%q) = %q, %v; the error must say the form", bad, ids, err)
		}
	}
}

func TestANameHasABound(t *testing.T) {
	const site = "vendors/v/sites/"
	id := strings.Repeat("x", names.MaxLength-len(site))
	escaped := strings.Repeat("%78", len(id)) // the same, as a client may write it
	for _, name := range []string{site + id, site + escaped} {
		if got, err := names.Canonical(name); err != nil || got != site+id {
			t.Errorf("%d bytes became %d, %v; want %d", len(name), len(got), err, names.MaxLength)
		}
	}
	for what, name := range map[string]string{
		"one byte more":                   site + id + "x",
		"one byte more, escaped":          site + escaped + "%78",
		"with an escape that remains":     site + id[1:] + "%25",
		"a long one":                      site + strings.Repeat("x", 1<<20),
		"a long one with invalid escapes": strings.Repeat("%", 1<<20),
	} {
		const want = "must be at most 1000 bytes long"
		_, ofIDs := names.Site.IDs(name)
		_, ofCanonical := names.Canonical(name)
		if fmt.Sprint(ofIDs) != want || fmt.Sprint(ofCanonical) != want {
			t.Errorf("%s: %.100v, %.100v", what, ofIDs, ofCanonical)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		"vendors/v/members/a%2Fb@c", "a%25%2F:", "%", "a//b", " /é", strings.Repeat("%c3%a9", names.MaxLength/2),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		once, err := names.Canonical(name)
		if err != nil {
			return
		}
		twice, err := names.Canonical(once)
		if err != nil || twice != once {
			t.Errorf("Canonical(%q) = %q, then %q, %v", name, once, twice, err)
		}
		if len(once) > names.MaxLength {
			t.Errorf("Canonical(%q) has %d bytes", name, len(once))
		}
		if strings.Count(once, "/") != strings.Count(name, "/") {
			t.Errorf("Canonical(%q) = %q has other segments", name, once)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("v", "a/b%:@ ")
	f.Fuzz(func(t *testing.T, vendor, id string) {
		ids, err := names.Site.IDs(names.Site.Name(vendor, id))
		if err == nil && !slices.Equal(ids, []string{vendor, id}) {
			t.Errorf("%q, %q came back as %q", vendor, id, ids)
		}
	})
}
