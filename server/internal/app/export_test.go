package app

import "time"

// CertificateExpiry returns when the certificate of each listener with TLS ends, by its section of
// the configuration.
func (a *App) CertificateExpiry() map[string]time.Time {
	all := map[string]time.Time{}
	for _, c := range a.certs {
		all[c.Key] = c.Expiry()
	}
	return all
}
