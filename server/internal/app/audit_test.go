package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// trail writes three events to a store, which stays open as a server's does, and to a file beside
// it.
func trail(t *testing.T, dsn, lines string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	sink, err := newSink(config.Audit{File: config.OutFile(lines)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"ann", "bob", "eve"} {
		e, err := audit.NewTrail("replica").Record(t.Context(), db, audit.Event{Subject: subject})
		if err != nil {
			t.Fatal(err)
		}
		sink.Record(e)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestVerifyAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		dir := t.TempDir()
		lines, configFile := filepath.Join(dir, "audit.jsonl"), filepath.Join(dir, "drmhub.yaml")
		if err := os.WriteFile(configFile, []byte(`store: {dsn: "`+dsn+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		db := trail(t, dsn, lines)
		var ofStore, ofFile bytes.Buffer
		err := VerifyAudit(t.Context(), configFile, &ofStore)
		if err := errors.Join(err, VerifyAuditFiles([]string{lines}, &ofFile)); err != nil {
			t.Error(err)
		}
		oneChain := regexp.MustCompile(`^chain replica: 3 events, head .*\n$`)
		if !oneChain.MatchString(ofStore.String()) || ofFile.String() != ofStore.String() {
			t.Errorf("of the store %q, of the file %q", ofStore.String(), ofFile.String())
		}

		err = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE audit_events SET subject = 'mallory' WHERE position = 2")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		ofStore.Reset()
		err = VerifyAudit(t.Context(), configFile, &ofStore)
		const broken = "the audit trail is broken: auditEvents/replica-2 is changed"
		if err == nil || err.Error() != broken || !oneChain.MatchString(ofStore.String()) {
			t.Errorf("%q, %v", ofStore.String(), err)
		}
	})
}

func TestAuditTrailsThatCannotBeVerified(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ dsn, want string }{
		"a store that does not exist": {"sqlite:" + dir + "/absent.db", "no such file"},
		"a file that is no store":     {"sqlite:" + dir + "/a.yaml", "cannot read drmhub's tables"},
		"a store in memory":           {store.Memory, "in memory"},
		"a store of an unknown kind":  {"mysql://db", "a.yaml:1: store.dsn: must be sqlite:FILE"},
	} {
		configFile := filepath.Join(dir, "a.yaml")
		if err := os.WriteFile(configFile, []byte(`store: {dsn: "`+c.dsn+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := VerifyAudit(t.Context(), configFile, &out)
		if err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("%s: %q, %v", name, out.String(), err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "absent.db")); err == nil {
		t.Error("VerifyAudit created the store")
	}
	var out bytes.Buffer
	err := VerifyAuditFiles([]string{os.DevNull}, &out)
	if err != nil || out.String() != "there are no audit events\n" {
		t.Errorf("an empty file: %q, %v", out.String(), err)
	}
	out.Reset()
	err = VerifyAuditFiles([]string{filepath.Join(dir, "absent.jsonl")}, &out)
	if !errors.Is(err, fs.ErrNotExist) || out.Len() > 0 {
		t.Errorf("%q, %v", out.String(), err)
	}
}
