package emulator

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// States of a site (siteStatus).
const (
	StatusCreating = "CREATING"
	StatusReady    = "READY"
	StatusRunning  = "RUNNING"
	StatusDeleted  = "DELETED"
)

// Site is a site of the account.
type Site struct {
	// SiteID is what the vendor made of the time of creation, such as drm-20231101082316-dJDGa.
	SiteID string
	// SiteName is the site's display name.
	SiteName string
	// Status is StatusCreating, StatusReady, StatusRunning or StatusDeleted. Empty means RUNNING
	// where the site is enabled, and READY where it is not.
	Status string
	// Enabled is siteEnabledYn: licenses are issued.
	Enabled bool
	// PolicyID is the playback policy: 0, or one of PutPolicies.
	PolicyID int
	// FairPlayCert is the FairPlay certificate; the zero value where there is none.
	FairPlayCert FairPlayCert
	// CreatedTime and UpdatedTime are in whole milliseconds. Zero means now.
	CreatedTime, UpdatedTime time.Time
	// ReadyTime is when a site that is CREATING becomes READY by itself. Zero means never.
	ReadyTime time.Time
}

// FairPlayCert is where the vendor fetches a FairPlay certificate and its private key, and what
// belongs to them. All but CertFile are secrets.
type FairPlayCert struct {
	// CertFile is the address of a .der or .cer file.
	CertFile string `json:"certFile,omitempty"`
	// PrivateKey is the address of a .pem file.
	PrivateKey string `json:"privateKey,omitempty"`
	// PrivateEncryptedString is the private key's password.
	PrivateEncryptedString string `json:"privateEncryptedString,omitempty"`
	// SecretKey is the application secret key (ASK).
	SecretKey string `json:"secretKey,omitempty"`
}

// Policy is a playback policy. 0, BASIC, is always there.
type Policy struct {
	// PolicyID identifies it.
	PolicyID int
	// PolicyName is its name for people.
	PolicyName string
}

// site is a Site with all that it holds.
type site struct {
	Site
	licenses twin.Timeline[License]
	events   []event // oldest first
}

// PutPolicies adds policies, or renames those that are there.
func (e *Emulator) PutPolicies(policies ...Policy) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range policies {
		e.policies[p.PolicyID] = p.PolicyName
	}
}

// PutSites adds sites, or replaces those that are there but for their history. It panics where a
// policy does not exist, as that is a mistake in the test.
func (e *Emulator) PutSites(sites ...Site) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range sites {
		if _, known := e.policies[s.PolicyID]; !known {
			panic(fmt.Sprintf("emulator: a site cannot have policy %d, which does not exist", s.PolicyID))
		}
		s.Status = cmp.Or(s.Status, e.statusOf(s.Enabled))
		now := e.now()
		if s.CreatedTime.IsZero() {
			s.CreatedTime = now
		}
		if s.UpdatedTime.IsZero() {
			s.UpdatedTime = now
		}
		if held := e.find(s.SiteID); held != nil {
			held.Site = s
		} else {
			e.sites = append(e.sites, &site{Site: s})
		}
	}
}

// Sites are the sites that the server holds, in the order it lists them, each in the state in which
// it is now.
func (e *Emulator) Sites() []Site {
	e.mu.RLock()
	defer e.mu.RUnlock()
	now := e.now()
	sites := make([]Site, len(e.sites))
	for i, s := range e.sites {
		sites[i] = s.Site
		sites[i].Status = s.statusAt(now)
	}
	return sites
}

// now is the server's time as it keeps it: in whole milliseconds.
func (e *Emulator) now() time.Time { return e.Clock().Now().Truncate(time.Millisecond) }

// statusOf is the state of a site that is switched on or off.
func (e *Emulator) statusOf(enabled bool) string {
	if enabled && !e.assumed.ReadyWhenOn {
		return StatusRunning
	}
	return StatusReady
}

// statusAt is the state of s at that time: nobody at the vendor needs to act for a site to become
// READY.
func (s *site) statusAt(now time.Time) string {
	if s.Status == StatusCreating && !s.ReadyTime.IsZero() && !now.Before(s.ReadyTime) {
		return StatusReady
	}
	return s.Status
}

// find is the site with that id, or nil. The caller holds the lock.
func (e *Emulator) find(id string) *site {
	i := slices.IndexFunc(e.sites, func(s *site) bool { return s.SiteID == id })
	if i < 0 {
		return nil
	}
	return e.sites[i]
}

// siteOf is find for a request: it fails where there is no such site.
func (e *Emulator) siteOf(id string) (*site, error) {
	if s := e.find(id); s != nil {
		return s, nil
	}
	return nil, SiteNotFound.saying(fmt.Sprintf("site %q does not exist", id))
}

// siteIDs makes the ids of new sites, which have the form of the examples: the time is for the
// caller to put in.
func siteIDs(seed uint64) func() string {
	random := twin.Rand(seed, "site ids")
	return func() string {
		return letters(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 5)
	}
}

// letters are n letters of an alphabet.
func letters(random *rand.Rand, alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(text)
}

// siteRow is a site as the calls answer it, with the keys in the order of the example.
type siteRow struct {
	SiteID          string       `json:"siteId"`
	SiteName        string       `json:"siteName"`
	SiteStatus      string       `json:"siteStatus"`
	SiteEnabledYn   bool         `json:"siteEnabledYn"`
	PolicyID        int          `json:"policyId"`
	PolicyName      string       `json:"policyName,omitempty"` // in reads
	FairPlayCert    FairPlayCert `json:"fairPlayCert"`
	Statistics      statistics   `json:"statistics"`
	SiteCreatedTime int64        `json:"siteCreatedTime,omitempty"`
	SiteUpdatedTime int64        `json:"siteUpdatedTime,omitempty"`
	SiteUpdated     int64        `json:"siteUpdated,omitempty"`
}

// show is s as a call answers it. The caller holds the lock.
func (e *Emulator) show(s *site, times SiteTimes) siteRow {
	now := e.now()
	row := siteRow{
		SiteID: s.SiteID, SiteName: s.SiteName, SiteStatus: s.statusAt(now),
		SiteEnabledYn: s.Enabled, PolicyID: s.PolicyID,
		FairPlayCert: s.FairPlayCert, Statistics: countMonth(s.licenses, now.In(e.assumed.Zone)),
	}
	if e.assumed.KeysWithheld {
		row.FairPlayCert = FairPlayCert{CertFile: s.FairPlayCert.CertFile}
	}
	if cmp.Or(e.assumed.SiteTimes, times) == SiteTimesExample {
		row.SiteUpdated = s.UpdatedTime.UnixMilli()
	} else {
		row.SiteCreatedTime, row.SiteUpdatedTime = s.CreatedTime.UnixMilli(), s.UpdatedTime.UnixMilli()
	}
	return row
}

// showRead is s as a read answers it. The caller holds the lock.
func (e *Emulator) showRead(s *site) siteRow {
	row := e.show(s, SiteTimesTable)
	row.PolicyName = e.policies[s.PolicyID]
	return row
}

// listSites answers "View site list".
func (e *Emulator) listSites(_ *http.Request, q twin.Params) (answer, error) {
	first, size, err := e.page(q)
	if err != nil {
		return answer{}, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	total := len(e.sites)
	rows := []siteRow{}
	for _, s := range e.sites[min(first, total):min(first+size, total)] {
		rows = append(rows, e.showRead(s))
	}
	return listing(e, rows, total), nil
}

// getSite answers "View site details".
func (e *Emulator) getSite(r *http.Request, _ twin.Params) (answer, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.siteOf(r.PathValue("siteId"))
	if err != nil {
		return answer{}, err
	}
	return answer{content: e.showRead(s)}, nil
}
