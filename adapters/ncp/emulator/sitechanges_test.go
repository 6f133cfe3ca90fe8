package emulator_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

// example returns an example of the API pages.
func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	return compact.String()
}

// TestDisableSiteExample checks the example of the page "Disable site", byte for byte.
func TestDisableSiteExample(t *testing.T) {
	const id = "drm-20231101082316-dJDGa"
	updated := time.UnixMilli(1696817889000)
	e := emulator.New(emulator.Options{Clock: twin.FrozenClock(updated)})
	e.PutSites(emulator.Site{SiteID: id, SiteName: "myDrmTest", Enabled: true})
	got := do(t, e, requestAt(t, updated, "PUT", "/api/v1/sites/"+id+"/off", ""))
	site := e.Sites()[0]
	if want := example(t, "disable-site.json"); got.Status != http.StatusOK || got.Text != want || site.Enabled {
		t.Errorf("%+v\ngot  %s\nwant %s", site, got.Text, want)
	}
}

func TestIDsOfNewSitesTellTheirTime(t *testing.T) {
	e, seen := emulator.New(frozen()), map[string]bool{}
	for range 3 {
		do(t, e, request(t, "POST", "/api/v1/sites", `{"siteName":"brand_new","policyId":0}`))
		site := e.Sites()[len(e.Sites())-1]
		if !regexp.MustCompile(`^drm-20231123120000-[A-Za-z]{5}$`).MatchString(site.SiteID) || seen[site.SiteID] {
			t.Errorf("id %q", site.SiteID)
		}
		seen[site.SiteID] = true
	}
	e.Clock().Advance(emulator.DefaultCreationDelay)
	if e.Sites()[0].Status != emulator.StatusReady {
		t.Errorf("in the end: %+v", e.Sites()[0])
	}
}
