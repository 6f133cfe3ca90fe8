package emulator

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// EffectIntegrationUpdated is the kind of an effect: an integration was updated. Its key is
// site_id, and its details hold what was set, by the names of the parameters.
const EffectIntegrationUpdated = "integrationUpdated"

// Integration is how a site is integrated with the vendor ("DRM Integration Info"). Every site has
// one from the start, made from the seed.
type Integration struct {
	// SiteKey encrypts the messages between the site and the vendor: 32 characters that are base64.
	// It is a credential.
	SiteKey string
	// AccessKey is an additional key: 32 letters and digits. It is a credential.
	AccessKey string
	// LicenseCallbackURL and PackageCallbackURL are the site's own pages for integration by
	// callback, or empty.
	LicenseCallbackURL, PackageCallbackURL string
	// KMSToken is the token of a packager. It holds site id and access key. It is a credential.
	KMSToken string
	// TokenDuration is how long a license token is valid. The vendor keeps whole seconds.
	TokenDuration time.Duration
	// IV is the site's initial vector: 16 characters.
	IV string
}

// newIntegration returns the integration of a site. A seed always makes the same one.
func newIntegration(seed uint64, siteID string) Integration {
	random := twin.Rand(seed, "integration of "+siteID)
	key := make([]byte, 24) // 32 characters of base64
	for i := range key {
		key[i] = byte(random.Uint32())
	}
	accessKey := letters(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 32)
	token := `{"site_id":"` + siteID + `","access_key":"` + accessKey + `"}`
	return Integration{
		SiteKey:       base64.StdEncoding.EncodeToString(key),
		AccessKey:     accessKey,
		KMSToken:      base64.StdEncoding.EncodeToString([]byte(token)),
		TokenDuration: 10 * time.Minute,
		IV:            hex(random, 16),
	}
}

// PutIntegration replaces the integration of a site. It panics if the site does not exist, because
// that is a mistake in the test.
func (e *Emulator) PutIntegration(siteID string, integration Integration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seeded(siteID, "an integration").integration = integration
}

// Integration returns the integration of a site, or the zero value if the site does not exist.
func (e *Emulator) Integration(siteID string) Integration {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.find(siteID)
	if s == nil {
		return Integration{}
	}
	return s.integration
}

// getIntegration serves "Get DRM Integration Info".
func (e *Emulator) getIntegration(_ context.Context, p twin.Params) (response, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.site(p)
	if err != nil {
		return response{}, err
	}
	i := s.integration
	return response{data: struct {
		SiteID             string `json:"site_id"`
		SiteKey            string `json:"site_key"`
		AccessKey          string `json:"access_key"`
		LicenseCallbackURL string `json:"license_callback_url"`
		PackageCallbackURL string `json:"package_callback_url"`
		KMSToken           string `json:"kms_token"`
		TokenDuration      int64  `json:"token_duration"`
		IV                 string `json:"iv"`
	}{
		s.SiteID, i.SiteKey, i.AccessKey, i.LicenseCallbackURL, i.PackageCallbackURL, i.KMSToken,
		int64(i.TokenDuration / time.Second), i.IV,
	}}, nil
}

// updateIntegration serves "Update DRM Integration Info".
func (e *Emulator) updateIntegration(ctx context.Context, p twin.Params) (response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.site(p)
	if err != nil {
		return response{}, err
	}
	set := map[string]string{}
	for name, field := range map[string]*string{
		licenseURL.Name: &s.integration.LicenseCallbackURL, packageURL.Name: &s.integration.PackageCallbackURL,
	} {
		if callback, given := p[name]; given {
			*field, set[name] = callback, callback
		}
	}
	if seconds := p[tokenDuration.Name]; seconds != "" {
		s.integration.TokenDuration = time.Duration(p.Int(tokenDuration.Name, 0)) * time.Second
		set[tokenDuration.Name] = seconds
	}
	e.Ledger().Record(ctx, EffectIntegrationUpdated, s.SiteID, set)
	return response{}, nil
}
