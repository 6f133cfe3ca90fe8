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

	amino "github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/catalog"
	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	telecomx "github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/logs"
	"github.com/drmhub/drmhub/server/internal/store"
)

// A testServer is a running drmhub, and the twins of its vendors.
type testServer struct {
	*app.App
	cfg  *config.Config
	conn *grpc.ClientConn
	// authorization holds what the caller sends as Authorization. conn sends it by itself.
	authorization []string
	log           *strings.Builder // complete once stop has returned
	stop          func() error

	twins map[string]*twin.Twin // by the ids of their vendors
	twin  *emulator.Emulator    // of the vendor "acme", which is PallyCon
	// These are nil without the options in vendors_test.go.
	ncp      *ncp.Emulator
	telecomx *telecomx.Emulator
	amino    *amino.Emulator

	gate *atomic.Value // func(*http.Request), which every request to a vendor calls first
}

// start runs a drmhub with the vendor "acme", a twin of PallyCon, and what the options add.
func start(t *testing.T, options ...func(*testing.T, *testServer)) *testServer {
	t.Helper()
	h := &testServer{
		cfg: &config.Config{
			GRPC:  config.Listener{Listen: "127.0.0.1:0"},
			HTTP:  config.Listener{Listen: "127.0.0.1:0"},
			Auth:  config.Auth{Mode: config.AuthNone},
			Store: config.Store{DSN: config.NewDSN(store.Memory)},
			Archive: config.Archive{
				Enabled: true, DSN: config.NewDSN(store.Memory), Idle: true, Interval: time.Minute,
				Backfill: 10 * 365 * 24 * time.Hour, Keep: 20 * 365 * 24 * time.Hour,
			},
		},
		twins: map[string]*twin.Twin{},
		gate:  &atomic.Value{},
	}
	h.gate.Store(func(*http.Request) {})
	h.twin = newPallyCon()
	h.add(t, "acme", "pallycon", h.twin.Twin).(*pallycon.Config).Timeout = new(20 * time.Second)
	for _, o := range options {
		o(t, h)
	}
	return h.run(t)
}

// add serves a twin on loopback, adds a vendor with this id to the configuration, and returns its
// settings.
func (h *testServer) add(t *testing.T, id, kindName string, vendor *twin.Twin) (settings any) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.gate.Load().(func(*http.Request))(r)
		vendor.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	kind, ok := catalog.Lookup(kindName)
	if !ok {
		t.Fatalf("unknown kind %q", kindName)
	}
	settings = kind.TwinSettings(server.URL)
	h.cfg.Vendors = append(h.cfg.Vendors, config.Vendor{ID: id, Kind: kindName, Settings: settings})
	h.twins[id] = vendor
	return settings
}

// run starts another drmhub with the same configuration and vendors, beside h or after it.
func (h *testServer) run(t *testing.T) *testServer {
	t.Helper()
	another := *h
	another.log = &strings.Builder{}
	least := slog.LevelDebug
	if h.cfg.Log.Level != "" {
		least = h.cfg.Log.Least()
	}
	a, err := app.Start(t.Context(), h.cfg, logs.New(another.log, least, logs.Text))
	if err != nil {
		t.Fatal(err)
	}
	another.App = a
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(ctx) }()
	another.stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() {
		if err := another.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	plain := grpc.WithTransportCredentials(insecure.NewCredentials())
	if another.conn, err = grpc.NewClient(a.GRPCAddr(), plain); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = another.conn.Close() })
	return &another
}

// rest makes a REST call such as "POST /v1/vendors/acme:check", with a JSON body unless that is
// empty. headers holds names and values in turn.
func (h *testServer) rest(t *testing.T, call, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+h.HTTPAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, value := range h.authorization {
		req.Header.Add("Authorization", value)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
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
