package app

import (
	"github.com/drmhub/drmhub/server/internal/canary"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// startCanary starts the reads that show how the vendors are.
func (a *App) startCanary(cfg config.Canary, all *vendors.Registry) {
	a.canary = canary.Start(all, cfg.Interval, a.log)
}
