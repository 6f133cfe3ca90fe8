package app

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/telemetry"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// newMetrics creates the metrics, and shows the key sets, the tokens and the reloads in them.
func (a *App) newMetrics() (err error) {
	if a.metrics, err = telemetry.New(); err != nil {
		return err
	}
	err = a.metrics.ShowKeySets(func() (sets []telemetry.KeySet) {
		for _, set := range a.identities.Load().sets {
			sets = append(sets, set)
		}
		return sets
	})
	return errors.Join(err,
		a.metrics.ShowTokens(func() (hits, misses int64) { return a.identities.Load().verifier.Lookups() }),
		a.metrics.ShowReloads(a.reloadStatus))
}

// showVendors shows the vendor accounts in the metrics.
func (a *App) showVendors(all *vendors.Registry) error {
	return a.metrics.ShowVendors(func() (accounts []*upstream.Account) {
		for _, v := range all.All() {
			accounts = append(accounts, v.Account)
		}
		return accounts
	})
}

// showJournal shows the store, the journal and the audit trail in the metrics.
func (a *App) showJournal(all *vendors.Registry) error {
	ids := func() (ids []string) {
		for _, v := range all.All() {
			ids = append(ids, v.ID)
		}
		return ids
	}
	return errors.Join(a.metrics.ShowStore(a.store), a.metrics.ShowJournal(a.journal, ids),
		a.metrics.ShowAudit(a.sink, a.journal.Audit()))
}

// showCertificates shows the certificates of the listeners in the metrics.
func (a *App) showCertificates() error {
	expiry := map[string]func() time.Time{}
	for _, c := range a.certs {
		expiry[strings.TrimSuffix(c.Key, ".tls")] = c.Expiry
	}
	return a.metrics.ShowCertificates(expiry)
}

// restMetrics returns the page of metrics for REST, or nil. Metrics need no identity. So in mode
// jwt, and where there is a listener for them, REST does not serve them.
func (a *App) restMetrics(cfg *config.Config) http.Handler {
	if cfg.Ops != nil || cfg.Auth.Mode != config.AuthNone {
		return nil
	}
	return a.metrics.Page()
}
