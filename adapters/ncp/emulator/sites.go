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
	// SiteID contains the time of creation, such as drm-20231101082316-dJDGa.
	SiteID string
	// SiteName is the site's display name.
	SiteName string
	// Status is StatusCreating, StatusReady, StatusRunning or StatusDeleted. Empty means RUNNING
	// for an enabled site, and READY for another one.
	Status string
	// Enabled is siteEnabledYn: the site issues licenses.
	Enabled bool
	// PolicyID is the playback policy: 0, or one of PutPolicies.
	PolicyID int
	// FairPlayCert is the FairPlay certificate. Zero means none.
	FairPlayCert FairPlayCert
	// CreatedTime and UpdatedTime are in whole milliseconds. Zero means now.
	CreatedTime, UpdatedTime time.Time
	// ReadyTime is when a site that is CREATING becomes READY by itself. Zero means never.
	ReadyTime time.Time
}

// FairPlayCert has the addresses from which the vendor fetches a FairPlay certificate and its
// private key. All fields but CertFile are secrets.
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

// Policy is a playback policy. Policy 0, BASIC, always exists.
type Policy struct {
	// PolicyID identifies it.
	PolicyID int
	// PolicyName is its display name.
	PolicyName string
}

// site is a Site with its licenses and its log.
type site struct {
	Site
	licenses twin.Timeline[License]
	events   []event // oldest first
}

// PutPolicies adds policies, or renames existing ones.
func (e *Emulator) PutPolicies(policies ...Policy) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range policies {
		e.policies[p.PolicyID] = p.PolicyName
	}
}

// PutSites adds sites, or replaces existing ones. A replaced site keeps its history. It panics if a
// policy does not exist, which is a mistake in the test.
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

// Sites returns the sites of the server in their present state, in the order of its list.
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

// now returns the server's time in whole milliseconds.
func (e *Emulator) now() time.Time { return e.Clock().Now().Truncate(time.Millisecond) }

// statusOf returns the state of a site that is switched on or off.
func (e *Emulator) statusOf(enabled bool) string {
	if enabled && !e.assumed.ReadyWhenOn {
		return StatusRunning
	}
	return StatusReady
}

// statusAt returns the state of s at a time. A site that is CREATING becomes READY by itself.
func (s *site) statusAt(now time.Time) string {
	if s.Status == StatusCreating && !s.ReadyTime.IsZero() && !now.Before(s.ReadyTime) {
		return StatusReady
	}
	return s.Status
}

// find returns the site with this id, or nil. The caller holds the lock.
func (e *Emulator) find(id string) *site {
	i := slices.IndexFunc(e.sites, func(s *site) bool { return s.SiteID == id })
	if i < 0 {
		return nil
	}
	return e.sites[i]
}

// siteOf returns the site with this id, or the failure of a request for an unknown site. The caller
// holds the lock.
func (e *Emulator) siteOf(id string) (*site, error) {
	if s := e.find(id); s != nil {
		return s, nil
	}
	return nil, SiteNotFound.saying(fmt.Sprintf("site %q does not exist", id))
}

// siteIDs returns a source of the last parts of new ids, in the form of the examples.
func siteIDs(seed uint64) func() string {
	random := twin.Rand(seed, "site ids")
	return func() string {
		return letters(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 5)
	}
}

// letters returns n random letters of an alphabet.
func letters(random *rand.Rand, alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(text)
}

// siteRow is a site in a response. Its keys are in the order of the example.
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

// show returns s as the response to a call. The caller holds the lock.
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

// showRead returns s as the response to a read. The caller holds the lock.
func (e *Emulator) showRead(s *site) siteRow {
	row := e.show(s, SiteTimesTable)
	row.PolicyName = e.policies[s.PolicyID]
	return row
}

// listSites serves "View site list".
func (e *Emulator) listSites(_ *http.Request, q twin.Params) (response, error) {
	first, size, err := e.page(q)
	if err != nil {
		return response{}, err
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

// getSite serves "View site details".
func (e *Emulator) getSite(r *http.Request, _ twin.Params) (response, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.siteOf(r.PathValue("siteId"))
	if err != nil {
		return response{}, err
	}
	return response{content: e.showRead(s)}, nil
}
