package telemetry_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/server/internal/telemetry"
)

// down is a vendor that is down.
type down struct{}

func (down) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
}

func TestVendorMetrics(t *testing.T) {
	account := upstream.NewAccount("v")
	account.Configure(upstream.DefaultLane(), upstream.Breaker{
		FailureRate: 0.5, MinCalls: 1, Window: time.Minute, Delay: time.Minute,
	})
	client, err := upstream.New(upstream.Options{
		VendorName: "V", BaseURL: "http://127.0.0.1:1",
		Connection: upstream.Connection{Account: account, Transport: down{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := telemetry.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.ShowVendors(func() []*upstream.Account { return []*upstream.Account{account} }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := client.Read(t.Context(), upstream.Request{Path: "/sites"}, nil); err == nil {
			t.Error("the vendor is down")
		}
	}
	wantLines(t, scrape(m),
		`drmhub_vendor_breaker_state{breaker="reads",state="open",vendor="v"} 1`,
		`drmhub_vendor_breaker_state{breaker="reads",state="closed",vendor="v"} 0`,
		`drmhub_vendor_breaker_state{breaker="mutations",state="closed",vendor="v"} 1`,
		`drmhub_vendor_lane_places{lane="reads",vendor="v"} 32`, `drmhub_vendor_lane_used{lane="writes",vendor="v"} 0`,
		`drmhub_vendor_lane_waiting{lane="background",vendor="v"} 0`,
		`drmhub_vendor_lane_refused_total{lane="reads",reason="breaker",vendor="v"} 1`,
		`drmhub_vendor_lane_refused_total{lane="writes",reason="lane",vendor="v"} 0`,
		`drmhub_vendor_pause_seconds{vendor="v"} 0`, `drmhub_vendor_credentials_rejected{vendor="v"} 0`,
		`drmhub_vendor_drift{kind="new_field",vendor="v"} 0`,
	)
}
