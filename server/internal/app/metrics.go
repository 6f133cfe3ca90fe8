package app

import (
	"net/http"
	"strings"
	"time"

	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/telemetry"
)

// newMetrics creates the metrics, and shows the key sets in them.
func (a *App) newMetrics() (err error) {
	if a.metrics, err = telemetry.New(); err != nil {
		return err
	}
	sets := make([]telemetry.KeySet, 0, len(a.keySets))
	for _, set := range a.keySets {
		sets = append(sets, set)
	}
	return a.metrics.ShowKeySets(sets...)
}

// showCertificates shows the certificates of the listeners in the metrics.
func (a *App) showCertificates() error {
	expiry := map[string]func() time.Time{}
	for _, c := range a.certs {
		expiry[strings.TrimSuffix(c.Key, ".tls")] = c.Expiry
	}
	return a.metrics.ShowCertificates(expiry)
}

// restMetrics returns the page of metrics for REST, or nil. Metrics need no identity. So in mode jwt, and
// where there is a listener for them, REST does not serve them.
func (a *App) restMetrics(cfg *config.Config) http.Handler {
	if cfg.Ops != nil || cfg.Auth.Mode != config.AuthNone {
		return nil
	}
	return a.metrics.Page()
}
