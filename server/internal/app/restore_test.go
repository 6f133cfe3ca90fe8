package app_test

import (
	"database/sql"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// backUp makes a backup of a store that is in use, as docs/production.md says. restore loses the
// store, and returns the DSN of one that is made of the backup.
func backUp(t *testing.T, dsn string) (restore func() (dsn string)) {
	t.Helper()
	backup := filepath.Join(t.TempDir(), "backup")
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		db, err := sql.Open("sqlite", "file:"+file)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.ExecContext(t.Context(), "VACUUM INTO ?", backup); err != nil {
			t.Fatal(err)
		}
		return func() string {
			for _, part := range []string{file, file + "-wal", file + "-shm"} {
				if err := os.Remove(part); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			if err := os.Rename(backup, file); err != nil {
				t.Fatal(err)
			}
			return dsn
		}
	}
	postgresTool(t, "pg_dump", "--format=custom", "--file="+backup, dsn)
	return func() string {
		empty := postgres.ForTest(t)
		postgresTool(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+empty, backup)
		return empty
	}
}

// postgresTool runs one of PostgreSQL's programs, of the version of the server.
func postgresTool(t *testing.T, name string, args ...string) {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		name = found[len(found)-1]
	}
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// kept are the mutations that a backup holds: one of each kind.
type kept struct {
	succeeded, refused, inDoubt, running call
	answer                               string // to succeeded
	records                              [4]string
	finish                               func() // lets running go on, and blocks until it has succeeded
}

// beforeTheBackup makes mutations that succeed, fail and stay in doubt, and leaves one at the
// vendor.
func (h *testServer) beforeTheBackup(t *testing.T) *kept {
	t.Helper()
	k := &kept{}
	k.succeeded = parse(`CreateProductLicense {"parent":"vendors/amino",
		"productLicense":{"user":"ann","product":"`+movies+`"}}`).with("request_id", uuid.NewString())
	k.refused = disableSite("vendors/acme/sites/NONE", "").with("request_id", uuid.NewString())
	k.inDoubt = disableSite(mySite, "").with("request_id", uuid.NewString())
	k.running = disableSite(demo, "").with("request_id", uuid.NewString())
	var err error
	if k.answer, k.records[0], err = h.told(t, k.succeeded); err != nil {
		t.Fatal(err)
	}
	if _, k.records[1], err = h.told(t, k.refused); err == nil {
		t.Fatal("a site that does not exist was switched off")
	}
	h.loseAnswers("PUT", "/api/v1/sites")
	k.records[2] = h.unknown(t, k.inDoubt, false)
	// The first process must not settle it, however long it runs: the backup holds it in doubt.
	h.twins["ncp"].Faults().Add(twin.Fault{
		Kind: twin.FaultCut, PathPrefix: "/api/v1" + strings.TrimPrefix(mySite, "vendors/ncp"),
	})

	sent, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	h.gate.Store(func(*http.Request) {
		if open := h.mutations(t, &pb.MutationFilter{State: pb.Mutation_SENT}); len(open) > 0 {
			once.Do(func() { close(sent) })
			<-goOn
		}
	})
	go func() {
		var err error
		_, k.records[3], err = h.told(t, k.running)
		done <- err
	}()
	<-sent
	k.finish = func() {
		close(goOn)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		h.gate.Store(func(*http.Request) {})
	}
	return k
}

// told makes a call over gRPC, and returns the response, the name of its record and the error.
func (h *testServer) told(t *testing.T, c call) (answer, record string, _ error) {
	t.Helper()
	answer, record, err := h.either(t, c, false)
	if err != nil {
		return "", record, err
	}
	return compact(t, answer), record, nil
}

// settled checks that the backup lost nothing of k, and that nothing is sent again.
func (h *testServer) settled(t *testing.T, k *kept) {
	t.Helper()
	effects := h.effects()
	for i, c := range []call{k.succeeded, k.refused, k.inDoubt, k.running} {
		answer, record, err := h.told(t, c)
		if record != k.records[i] || (err != nil) != (i == 1) || i == 0 && answer != k.answer {
			t.Errorf("call %d again: %s from %s, %v; before, it was from %s", i, answer, record, err, k.records[i])
		}
	}
	if n := h.effects(); n != effects {
		t.Errorf("the vendors saw %d writes after the restoration", n-effects)
	}
}

// lost are mutations after the backup. Nobody knows them after the restoration. So their
// request_ids are new, and a repetition is another call. docs/production.md says what that does.
var lost = map[string]struct {
	call   call
	again  int    // effects of the repetition
	reason string // of the repetition, or ""
}{
	"a license is issued twice": {parse(`CreateProductLicense {"parent":"vendors/amino",
		"productLicense":{"user":"bob","product":"` + movies + `"}}`), 1, ""},
	"a license with an order id, too": {parse(`CreateProductLicense {"parent":"vendors/amino",
		"productLicense":{"user":"eve","product":"` + movies + `","orderId":"o-9"}}`), 1, ""},
	"a product is made twice":     {createProduct("Films"), 1, ""},
	"a site is ordered twice":     {orderSite("Kids_TV"), 1, ""},
	"a password is reset twice":   {resetPassword("7"), 1, ""},
	"a generated account is made": {parse(`CreateDrmAccount {"parent":"vendors/telecomx","drmAccount":{}}`), 1, ""},
	"a named account is refused": {parse(`CreateDrmAccount {"parent":"vendors/telecomx",
		"drmAccount":{"username":"zoe.zoe"}}`), 0, "VENDOR_ALREADY_EXISTS"},
	"a member is refused": {parse(`CreateMember {"parent":"vendors/acme",
		"member":{"email":"b@example.com"}}`), 0, "VENDOR_ALREADY_EXISTS"},
	"a deletion finds nothing": {parse(`DeleteProductLicense {"name":"` + owned + `/L1"}`), 0, "RESOURCE_NOT_FOUND"},
	"a site is off already":    {disableSite("vendors/ncp/sites/drm-20240101000000-onOnO", ""), 0, ""},
	"a name is there already":  {renameSite("vendors/ncp/sites/drm-20231115142326-nHyNw", "News"), 0, ""},
}

// TestRestore is the drill of docs/production.md: the store is lost, and a backup takes its place.
func TestRestore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		now := time.Now()
		h := start(t, furnish, withAmino(now), withNCP(now), withTelecomX(now),
			func(t *testing.T, h *testServer) {
				h.cfg.Store.DSN = config.NewDSN(dsn)
				h.cfg.Audit.File = config.OutFile(filepath.Join(t.TempDir(), "audit.jsonl"))
			})
		k := h.beforeTheBackup(t)
		restore := backUp(t, dsn)
		k.finish()
		ids := map[string]string{}
		for name, c := range lost {
			ids[name] = uuid.NewString()
			h.do(t, c.call.with("request_id", ids[name]))
		}
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}

		h.twins["ncp"].Faults().Clear()
		h.cfg.Store.DSN = config.NewDSN(restore())
		endLeases(t, h.cfg.Store.DSN.Reveal())
		h = h.run(t)
		h.settled(t, k)
		for name, c := range lost {
			if known := h.mutations(t, &pb.MutationFilter{RequestId: ids[name]}); len(known) > 0 {
				t.Errorf("%s: it is later than the backup, which has %v", name, known)
			}
			effects, reason := h.effects(), ""
			_, _, err := h.either(t, c.call.with("request_id", ids[name]), false)
			if err != nil {
				reason = err.Reason.String()
			}
			if n := h.effects() - effects; n != c.again || reason != c.reason {
				t.Errorf("%s: %d effects, %v; want %d, %q", name, n, err, c.again, c.reason)
			}
		}
		h.wantWholeTrail(t, len(lost)+1) // with the one that ran during the backup
	})
}

// endLeases lets the time pass that usually passes between a backup and its use. Until then, the
// process of the backup would count as alive.
func endLeases(t *testing.T, dsn string) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Exec(t, db, "UPDATE replicas SET alive_until = 0")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// wantWholeTrail checks the audit trail of the process before the backup, and of the one after it.
// The copy beside the store has more events of the first one: these are of what was lost.
func (h *testServer) wantWholeTrail(t *testing.T, lost int) {
	t.Helper()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	db, err := store.View(t.Context(), h.cfg.Store.DSN.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var inStore []audit.Chain
	if err := audit.Verify(t.Context(), db, func(c audit.Chain) { inStore = append(inStore, c) }); err != nil {
		t.Fatal(err)
	}
	inCopy, err := audit.VerifyFiles(string(h.cfg.Audit.File))
	if err != nil {
		t.Fatal(err)
	}
	events := 0
	for _, c := range inCopy {
		events += int(c.Events)
	}
	for _, c := range append(inStore, inCopy...) {
		if c.Damage != "" {
			t.Error("the audit trail is broken:", c)
		}
	}
	for _, c := range inStore {
		events -= int(c.Events)
	}
	if len(inStore) != 2 || events != lost {
		t.Errorf("the store has %d chains, and the copy has %d events more; want %d", len(inStore), events, lost)
	}
}
