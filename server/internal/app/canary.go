package app

import (
	"context"

	"github.com/drmhub/drmhub/server/internal/canary"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// startCanary starts the reads that show how the vendors are.
func (a *App) startCanary(cfg config.Canary, all *vendors.Registry) {
	a.canary = canary.Start(all, cfg.Interval, a.log)
}

// CheckVendors makes one cheap, authenticated read at each vendor account of a checked configuration. It
// starts no server. To bound the time, give ctx a deadline.
func CheckVendors(ctx context.Context, cfg *config.Config) ([]vendors.Checked, error) {
	all, err := newVendors(cfg)
	if err != nil {
		return nil, err
	}
	return vendors.CheckAll(ctx, all.All()), nil
}
