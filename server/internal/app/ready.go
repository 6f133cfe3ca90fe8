package app

import (
	"context"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// ready reports whether the server takes calls.
func (a *App) ready() bool {
	res, err := a.health.Check(context.Background(), &healthpb.HealthCheckRequest{})
	return err == nil && res.GetStatus() == healthpb.HealthCheckResponse_SERVING && a.store.Check() == nil
}

// watchStore makes the server not ready while the store's file is not in its place.
func (a *App) watchStore() {
	ticker := time.NewTicker(storePollTime)
	defer ticker.Stop()
	gone := false
	for {
		select {
		case <-ticker.C:
		case <-a.polling.Done():
			return
		}
		err := a.store.Check()
		switch {
		case err != nil && !gone:
			a.log.ErrorContext(a.polling, "not ready: nothing can be recorded, so changes are refused", "error", err)
			a.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
		case err == nil && gone:
			a.log.InfoContext(a.polling, "ready again: the store's file is back")
			a.setHealth(healthpb.HealthCheckResponse_SERVING)
		}
		gone = err != nil
	}
}

// setHealth sets the health of the server and of all its services.
func (a *App) setHealth(status healthpb.HealthCheckResponse_ServingStatus) {
	a.health.SetServingStatus("", status)
	for name := range a.grpc.GetServiceInfo() {
		a.health.SetServingStatus(name, status)
	}
}
