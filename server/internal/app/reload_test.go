package app_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/config"
)

// A filed server has its configuration in a file.
type filed struct {
	*testServer
	dir, text string
	vendor    *httptest.Server
	open      atomic.Int32 // connections to the vendor
}

const filedText = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: "sqlite::memory:"}
vendors:
  - id: acme
    pallycon: {base_url: "URL", license_base_url: "URL", account_id: "ID", account_seq: "SEQ", timeout: 20s,
      service_api_key: {file: mounted/key}}
`

// startFiled starts a server with the vendor "acme" from a file, which is polled every poll.
func startFiled(t *testing.T, vendor http.Handler, poll time.Duration, edits ...string) *filed {
	t.Helper()
	server := httptest.NewUnstartedServer(vendor)
	f := &filed{dir: t.TempDir(), vendor: server}
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			f.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			f.open.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	text := strings.NewReplacer("URL", server.URL, "ID", emulator.DefaultAccountID, "SEQ", emulator.DefaultAccountSeq).
		Replace(filedText)
	f.text = strings.NewReplacer(edits...).Replace(text)
	f.mount(t, emulator.DefaultServiceAPIKey)
	f.write(t, "drmhub.yaml", f.text)
	kinds := config.Kinds{}
	for _, k := range catalog.Kinds {
		kinds[k.Name] = k.Settings
	}
	cfg, err := config.Read(filepath.Join(f.dir, "drmhub.yaml"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Poll = poll
	f.testServer = (&testServer{cfg: cfg}).run(t)
	return f
}

// write replaces a file in one step, as an operator does who must not be seen half way.
func (f *filed) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path+"~", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
}

// mount replaces the key as kubelet does: the key is behind a link, and the link leads to another
// folder then.
func (f *filed) mount(t *testing.T, key string) {
	t.Helper()
	mounted := filepath.Join(f.dir, "mounted")
	folder := t.TempDir()
	err := os.WriteFile(filepath.Join(folder, "key"), []byte(key), 0o600)
	if err == nil {
		err = os.Symlink(folder, mounted+"~")
	}
	if err == nil {
		err = os.Rename(mounted+"~", mounted)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// reload edits the file, and reads it again.
func (f *filed) reload(t *testing.T, edits ...string) error {
	t.Helper()
	f.write(t, "drmhub.yaml", strings.NewReplacer(edits...).Replace(f.text))
	return f.Reload(t.Context())
}

func (f *filed) site(t *testing.T, vendor string) codes.Code {
	t.Helper()
	_, err := pb.NewSiteServiceClient(f.conn).GetSite(t.Context(),
		&pb.GetSiteRequest{Name: "vendors/" + vendor + "/sites/DEMO"})
	return status.Code(err)
}

// change makes a change at the vendor "acme", which differs from the one before.
func (f *filed) change(t *testing.T, seconds int32) error {
	t.Helper()
	_, err := pb.NewSiteServiceClient(f.conn).UpdateIntegration(t.Context(), &pb.UpdateIntegrationRequest{
		Integration: &pb.Integration{
			Name: demo + "/integration", TokenDuration: durationpb.New(time.Duration(60+seconds) * time.Second),
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"token_duration"}},
	})
	return err
}

// TestReload edits the file. The last edit of a row says what Reload returns, or what the log says
// if that is nil. Each row begins with the first file.
func TestReload(t *testing.T) {
	f := startFiled(t, newPallyCon(), 0)
	_, ofPallyCon, _ := strings.Cut(f.text, "    pallycon:")
	const another = "vendors:\n  - {id: b, amino: {base_url: \"http://127.0.0.1:1\", token: {file: mounted/key}}}\n"
	for _, row := range []struct {
		name     string
		edits    []string
		refusal  string
		b, first codes.Code // of a read at the vendors "b" and "acme" afterwards
	}{
		{"the same", nil, "", codes.NotFound, codes.OK},
		{"mistakes", []string{"mode: none", "mode: nobody", "20s", "20"},
			"drmhub.yaml:4: auth.mode: must be jwt or none", codes.NotFound, codes.OK},
		{"no YAML", []string{"vendors:", "vendors: ["}, "this is not YAML", codes.NotFound, codes.OK},
		{"a missing secret", []string{"mounted/key", "mounted/keys"}, "cannot be read", codes.NotFound, codes.OK},
		{"another base_url", []string{"base_url: \"http://127", "base_url: \"http://localhost.127"},
			"by pallycon.base_url", codes.NotFound, codes.OK},
		{"another account", []string{emulator.DefaultAccountID, "other"},
			"by pallycon.account_id", codes.NotFound, codes.OK},
		{"another kind", []string{"    pallycon:" + ofPallyCon,
			"    amino: {base_url: \"http://127.0.0.1:1\", token: {file: mounted/key}}\n"},
			"by amino", codes.NotFound, codes.OK},
		{"a log level", []string{"auth:", "log: {level: debug}\nauth:"}, "", codes.NotFound, codes.OK},
		{"a canary", []string{"auth:", "canary: {interval: 1h}\nauth:"}, "", codes.NotFound, codes.OK},
		{"a timeout", []string{"20s", "19s"}, "", codes.NotFound, codes.OK},
		{"a new vendor", []string{"vendors:\n", another}, "", codes.Unavailable, codes.OK},
		{"a vendor less", []string{"vendors:\n  - id: acme\n    pallycon:" + ofPallyCon, another}, "",
			codes.Unavailable, codes.NotFound},
		{"a listener and a store", []string{"http: {listen: \"127.0.0.1:0\"}", "http: {listen: \"127.0.0.1:1\"}",
			"\"sqlite::memory:\"", "sqlite:x.db", "vendors:\n", another}, "", codes.Unavailable, codes.OK},
		{"another mode", []string{"auth: {mode: none}", `auth: {mode: jwt, issuer: i, audience: a,
  keys: [{jwks_url: "https://id.example/keys"}]}`}, "", codes.NotFound, codes.OK},
	} {
		if err := f.reload(t); err != nil {
			t.Fatal(err)
		}
		err := f.reload(t, row.edits...)
		if (err == nil) != (row.refusal == "") || err != nil && !strings.Contains(err.Error(), row.refusal) {
			t.Errorf("%s: %v, want %q", row.name, err, row.refusal)
		}
		b, first := f.site(t, "b"), f.site(t, "acme")
		if (b == codes.NotFound) != (row.b == codes.NotFound) || first != row.first {
			t.Errorf("%s: the vendor b has %v, and acme has %v", row.name, b, first)
		}
	}
	if err := f.stop(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"drmhub.yaml:4: auth.mode: must be jwt or none", "drmhub.yaml:8: vendors[0].pallycon.timeout:",
		"vendors_added=[b]", "vendors_changed=[acme]", "vendors_removed=[acme]",
		"need a restart: these keys keep their values\" keys=\"[http.listen store.dsn]\"", "keys=[auth.mode]",
		"keys=[log.level]", "keys=[canary.interval]",
		"and it is the same",
	} {
		if !strings.Contains(f.log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, f.log)
		}
	}
}

// TestAVendorWithUnsettledMutationsStays drops the vendor while a change is sent, and while its
// outcome is unknown. The vendor goes once the change is settled, without another signal.
func TestAVendorWithUnsettledMutationsStays(t *testing.T) {
	vendor := newPallyCon()
	fill(vendor)
	var gate atomic.Value
	gate.Store(func() {})
	var failing, down atomic.Bool
	f := startFiled(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gate.Load().(func())()
		if down.Load() || failing.Load() && r.Method != http.MethodGet {
			down.Store(true) // from the first write on
			panic(http.ErrAbortHandler)
		}
		vendor.ServeHTTP(w, r)
	}), 20*time.Millisecond)
	const other = "vendors:\n  - {id: b, amino: {base_url: \"http://127.0.0.1:1\", token: {file: mounted/key}}}\n"
	_, all, _ := strings.Cut(f.text, "vendors:")
	without := []string{"vendors:" + all, other}
	arrived, release := make(chan struct{}), make(chan struct{})
	gate.Store(func() { arrived <- struct{}{}; <-release })
	ended := make(chan error, 1)
	go func() { ended <- f.change(t, 1) }()
	<-arrived
	if err := f.reload(t, without...); err == nil || !strings.Contains(err.Error(), `"acme" has 1 unsettled`) {
		t.Errorf("a change is under way: %v", err)
	}
	gate.Store(func() {})
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the change that was under way: %v", err)
	}
	for f.site(t, "acme") != codes.NotFound { // The poll tries again.
		time.Sleep(time.Millisecond)
	}
	if err := f.change(t, 2); status.Code(err) != codes.NotFound {
		t.Errorf("a change at the vendor that is gone: %v", err)
	}
	if err := f.reload(t); err != nil {
		t.Fatal(err)
	}
	failing.Store(true)
	if err := f.change(t, 3); status.Code(err) != codes.Unknown {
		t.Fatalf("the outcome is known: %v", err)
	}
	if err := f.reload(t, without...); err == nil || !strings.Contains(err.Error(), `"acme" has 1 unsettled`) {
		t.Errorf("the outcome of a change is unknown: %v", err)
	}
}

// TestNoChangeIsLostWhileItsVendorLeaves drops and adds a vendor while changes are made. Each is
// carried out, or is refused since there is no such vendor.
func TestNoChangeIsLostWhileItsVendorLeaves(t *testing.T) {
	vendor := newPallyCon()
	fill(vendor)
	f := startFiled(t, vendor, 0)
	const other = "vendors:\n  - {id: b, amino: {base_url: \"http://127.0.0.1:1\", token: {file: mounted/key}}}\n"
	_, all, _ := strings.Cut(f.text, "vendors:")
	done := make(chan struct{})
	var calling sync.WaitGroup
	var numbers, made, refused atomic.Int32
	for range 2 {
		calling.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				switch err := f.change(t, numbers.Add(1)); status.Code(err) {
				case codes.OK:
					made.Add(1)
				case codes.NotFound:
					refused.Add(1)
				default:
					t.Errorf("a change: %v", err)
					return
				}
			}
		})
	}
	dropped := 0
	for deadline := time.Now().Add(time.Minute); (dropped < 3 || made.Load() < 5) && time.Now().Before(deadline); {
		if f.reload(t, "vendors:"+all, other) == nil {
			dropped++
		}
		if err := f.reload(t); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	calling.Wait()
	t.Logf("%d changes made, %d refused, and the vendor left %d times", made.Load(), refused.Load(), dropped)
	mutations := pb.NewMutationServiceClient(f.conn)
	open, err := mutations.ListMutations(t.Context(), &pb.ListMutationsRequest{PageSize: 1000})
	for _, m := range open.GetMutations() {
		if s := m.GetState(); s != pb.Mutation_SUCCEEDED && s != pb.Mutation_FAILED {
			t.Errorf("%s is %v", m.GetName(), s)
		}
	}
	if err != nil || dropped == 0 {
		t.Errorf("the vendor left %d times; %v", dropped, err)
	}
}
