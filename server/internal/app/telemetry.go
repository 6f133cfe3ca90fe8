package app

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/server/internal/buildinfo"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/logs"
	"github.com/drmhub/drmhub/server/internal/telemetry"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// newCalls creates what observes calls, and has it learn of the attempts at vendors.
func (a *App) newCalls(all *vendors.Registry) (err error) {
	if h := a.metrics.LogHandler(); h != nil {
		a.log = logs.Also(a.log, h)
	}
	a.calls, err = a.metrics.NewCalls(telemetry.CallsOptions{
		Log: a.log,
		HasVendor: func(id string) bool {
			return slices.ContainsFunc(all.All(), func(v vendors.Vendor) bool { return v.ID == id })
		},
		Identify: a.authenticator.Identified,
	})
	a.observe(all)
	return err
}

// observe has the telemetry learn of the attempts at vendors.
func (a *App) observe(all *vendors.Registry) {
	for _, v := range all.All() {
		if v.Account != nil {
			v.Account.Observe(a.calls)
		}
	}
}

// closeMetrics sends what is left of the telemetry. Its failure says nothing about vendors.
func (a *App) closeMetrics(ctx context.Context) {
	if err := a.metrics.Close(context.WithoutCancel(ctx)); err != nil {
		a.log.WarnContext(ctx, "the last telemetry was not sent: check the variables OTEL_…", "error", err)
	}
}

// logStart writes the line that says what runs.
func (a *App) logStart(cfg *config.Config) {
	var ids []string
	for _, v := range cfg.Vendors {
		ids = append(ids, v.ID+" ("+v.Kind+")")
	}
	kind, _, _ := strings.Cut(cfg.Store.DSN.Reveal(), ":")
	build := buildinfo.Read()
	a.log.Info("drmhub has started", "version", build.Version, "commit", cmp.Or(build.Revision, "unknown"),
		"vendors", strings.Join(ids, ", "), "store", kind, "auth_mode", string(cfg.Auth.Mode),
		"grpc", a.GRPCAddr(), "rest", a.HTTPURL(), "ops", a.OpsAddr())
}
