package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// quiet is a log that nobody reads, for sinks that do not fail.
var quiet = slog.New(slog.DiscardHandler)

func TestALineHoldsTheWholeEvent(t *testing.T) {
	var out bytes.Buffer
	e := ordinary
	e.Subject = "s <\n>"
	e = appendAt(t, storetest.Open(t, store.Memory), "a", 0, e)
	audit.NewSink(&out, quiet).Record(e)
	want := `{"chain":"a","position":1,"time":"2026-05-17T12:00:00.123456Z","subject":"s <\n>",` +
		`"method":"m","resource":"r","request_digest":"d","outcome":"OK","vendor_code":"v",` +
		`"previous_hash":"","hash":"` + e.Hash + `"}` + "\n"
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}

// written is a file with the lines of these events.
func written(t *testing.T, events ...audit.Event) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	add(t, path, events...)
	return path
}

func add(t *testing.T, path string, events ...audit.Event) {
	t.Helper()
	s, err := audit.OpenSink(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		s.Record(e)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAFileGrowsFromOneStartToTheNext(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	path := written(t, grow(t, db, "a")...)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	add(t, path, grow(t, db, "b")...)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: everybody may read who did what", info.Mode(), err)
	}
	if chains, err := audit.VerifyFiles(path); err != nil || said(chains) != "a 5\nb 5\n" {
		t.Errorf("%s, %v", said(chains), err)
	}
}

func TestALineThatWasCutSpoilsNoOther(t *testing.T) {
	events := grow(t, storetest.Open(t, store.Memory), "a")
	path := written(t, events...)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The process was stopped within the last line.
	if err := os.Truncate(path, int64(len(whole)-10)); err != nil {
		t.Fatal(err)
	}
	add(t, path, grow(t, storetest.Open(t, store.Memory), "b")...)
	chains, err := audit.VerifyFiles(path)
	const want = "audit.jsonl:5 is not a whole audit event"
	if err == nil || !strings.Contains(err.Error(), want) || said(chains) != "a 4\nb 5\n" {
		t.Errorf("%s, %v", said(chains), err)
	}
}

// flaky writes half of what it is told every other time.
type flaky struct {
	bytes.Buffer
	calls int
}

func (f *flaky) Write(p []byte) (int, error) {
	if f.calls++; f.calls%2 == 0 {
		n, _ := f.Buffer.Write(p[:len(p)/2])
		return n, errors.New("the disk is full")
	}
	return f.Buffer.Write(p)
}

func TestASinkThatFailsSaysSoAndCatchesUp(t *testing.T) {
	var log bytes.Buffer
	out := &flaky{}
	s := audit.NewSink(out, slog.New(slog.NewTextHandler(&log, nil)))
	for _, e := range grow(t, storetest.Open(t, store.Memory), "a") {
		s.Record(e)
	}
	if c := s.Copied(); c.Events != 4 || c.Failures != 4 || c.Unwritten != 1 || c.Lost != 0 || c.Since.IsZero() {
		t.Errorf("before the end: %+v", c)
	}
	s.Retry()
	if c := s.Copied(); c != (audit.Copied{Events: 5, Failures: 4}) {
		t.Errorf("at the end: %+v", c)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for text, times := range map[string]int{"the disk is full": 4, "auditEvents/a-2": 1, "auditEvents/a-5": 1} {
		if n := strings.Count(log.String(), text); n != times {
			t.Errorf("%q is in the log %d times, want %d:\n%s", text, n, times, log.String())
		}
	}
	var positions []int64
	for line := range strings.Lines(out.String()) {
		var e audit.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Error(err)
		}
		positions = append(positions, e.Position)
	}
	if !slices.Equal(positions, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("whole lines: %v, want all five\n%s", positions, out.String())
	}
}

// full refuses all that it is told.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestASinkKeepsABoundedNumberOfEvents(t *testing.T) {
	s := audit.NewSink(full{}, quiet)
	for range 10_003 {
		s.Record(audit.Event{})
	}
	if c := s.Copied(); c.Unwritten != 10_003 || c.Lost != 3 || c.Since.IsZero() {
		t.Errorf("%+v", c)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "may lack its last events") {
		t.Error(err)
	}
}

func TestASinkTakesManyAtOnce(t *testing.T) {
	events := grow(t, storetest.Open(t, store.Memory), "a", make([]audit.Event, 100)...)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	s, err := audit.OpenSink(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, e := range events {
		all.Go(func() { s.Record(e) })
	}
	all.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	chains, err := audit.VerifyFiles(path)
	if err != nil || said(chains) != "a 100\n" || chains[0].Head != events[99].Hash {
		t.Errorf("%+v, %v", chains, err)
	}
}

func TestNoSink(t *testing.T) {
	var none *audit.Sink
	none.Record(audit.Event{})
	none.Retry()
	if err := none.Close(); err != nil || none.Copied() != (audit.Copied{}) {
		t.Errorf("%v, %+v", err, none.Copied())
	}
	_, err := audit.OpenSink(filepath.Join(t.TempDir(), "absent", "audit.jsonl"), quiet)
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file in a folder that does not exist: %v", err)
	}
}
