package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store"
)

// hub is a running drmhub with one vendor, "acme", which is a twin of PallyCon.
type hub struct {
	*app.App
	twin *emulator.Emulator
	conn *grpc.ClientConn
	log  *strings.Builder // complete once stop has returned
	stop func() error

	gate  atomic.Value // func(), which every request to the vendor waits for
	limit string       // the Grpc-Timeout of REST calls
}

func start(t *testing.T, change ...func(*config.Config)) *hub {
	t.Helper()
	h := &hub{log: &strings.Builder{}}
	h.twin = emulator.New(emulator.Options{Clock: twin.FrozenClock(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC))})
	h.twin.PutSites(
		emulator.Site{SiteID: "DEMO", ServiceName: "Demo", Products: []emulator.Product{{ServiceCode: emulator.ServiceDRM, StatusCode: emulator.StateInService}}},
		emulator.Site{SiteID: "OFFL", ServiceName: "Off", Products: []emulator.Product{{ServiceCode: emulator.ServiceDRM, StatusCode: emulator.StateSuspended}}},
	)
	for i := range 120 {
		row := emulator.License{
			CID: "bigbuckbunny", DRMType: "Widevine", UserID: "u@example.com", DeviceID: "d/1", DeviceModel: "ChromeCDM-Windows-2",
			LicenseType: "token", PlatformName: "Windows", RegTime: time.Date(2026, 3, 2, 0, 0, i, 0, time.UTC),
		}
		if i%10 == 0 {
			row.Status, row.ErrorCode, row.UserID = emulator.StatusFail, "7011", "refused"
		}
		h.twin.PutLicenses("DEMO", row)
	}
	h.gate.Store(func() {})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.gate.Load().(func())()
		h.twin.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	settings := pallycon.NewConfig()
	settings.BaseURL, settings.AccountID, settings.AccountSeq = server.URL, emulator.DefaultAccountID, emulator.DefaultAccountSeq
	settings.ServiceAPIKey = secret.New(emulator.DefaultServiceAPIKey)
	settings.Timeout = 20 * time.Second
	cfg := &config.Config{
		GRPC:    config.Listener{Listen: "127.0.0.1:0"},
		HTTP:    config.Listener{Listen: "127.0.0.1:0"},
		Auth:    config.Auth{Mode: config.AuthNone},
		Store:   config.Store{DSN: config.NewDSN(store.Memory)},
		Vendors: []config.Vendor{{ID: "acme", Kind: "pallycon", Settings: settings}},
	}
	for _, c := range change {
		c(cfg)
	}
	a, err := app.Start(t.Context(), cfg, slog.New(slog.NewTextHandler(h.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	h.App = a
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(ctx) }()
	h.stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	if h.conn, err = grpc.NewClient(a.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.conn.Close() })
	return h
}

// rest makes a REST call: "POST /v1/vendors/acme:check", with a JSON body unless that is empty.
func (h *hub) rest(t *testing.T, call, body string) (status int, header http.Header, answer string) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+h.HTTPAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if h.limit != "" {
		req.Header.Set("Grpc-Timeout", h.limit)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(raw)
}
