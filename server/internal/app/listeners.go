package app

import (
	"crypto/tls"
	"time"

	"github.com/drmhub/drmhub/server/internal/certs"
	"github.com/drmhub/drmhub/server/internal/config"
)

// serverTLS returns the TLS settings of the listener that a section of the configuration describes. Its
// files are read again until the server has stopped.
func (a *App) serverTLS(key string, files config.TLS, mode config.AuthMode, protos ...string) (*tls.Config, error) {
	c, err := certs.Load(certs.Options{
		Key: key, Files: files, ClientAuth: clientAuth(mode), NextProtos: protos, Log: a.log, Interval: files.Poll,
	})
	if err != nil {
		return nil, err
	}
	a.certs = append(a.certs, c)
	a.polls.Go(func() { c.Watch(a.polling) })
	return c.Config(), nil
}

// clientAuth returns what a client must show if its listener has authorities for clients. In mode none,
// a certificate is all that keeps strangers out. In mode jwt, a caller may show a token instead, so
// clients without a certificate may connect.
func clientAuth(mode config.AuthMode) tls.ClientAuthType {
	if mode == config.AuthNone {
		return tls.RequireAndVerifyClientCert
	}
	return tls.VerifyClientCertIfGiven
}

// CertificateExpiry returns when the certificate of each listener with TLS ends, by its section of the
// configuration.
func (a *App) CertificateExpiry() map[string]time.Time {
	all := map[string]time.Time{}
	for _, c := range a.certs {
		all[c.Key] = c.Expiry()
	}
	return all
}
