package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/drmhub/drmhub/bench/internal/program"
	"github.com/drmhub/drmhub/internal/postgres"
)

var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "restart-server"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// server is built once for all tests.
var server = sync.OnceValues(func() (string, error) { return program.Build(context.Background(), folder) })

// built returns the server's program.
func built(t *testing.T) string {
	t.Helper()
	binary, err := server()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// TestRollingRestart is the short form of the program.
func TestRollingRestart(t *testing.T) {
	r, err := roll(t.Context(), built(t), t.TempDir(), postgres.ForTest(t), 30, 8*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r)
	if err := r.problem(); err != nil || r.restarts == 0 || len(r.succeeded) == 0 {
		t.Errorf("%v: %v", r, err)
	}
}

// held runs a server on SQLite that makes a license for "ann". The vendor has made it, and responds
// once release is called.
func held(t *testing.T) (c *clients, r *replica, id string, called chan error, release func()) {
	t.Helper()
	dir := t.TempDir()
	b, err := newTestbed(t.Context(), dir, "sqlite:"+filepath.Join(dir, "drmhub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.stop)
	made, wait := make(chan struct{}, 1), make(chan struct{})
	release = sync.OnceFunc(func() { close(wait) })
	t.Cleanup(release)
	hold := func(r *http.Request) {
		if r.Method == http.MethodPost && b.licenses()["ann"] > 0 {
			made <- struct{}{}
			<-wait
		}
	}
	b.answers.Store(&hold)
	b.vendor.PutUsers("ann")
	r = &replica{binary: built(t), config: b.config, name: "replica"}
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	if c, err = newClients(b, []*replica{r}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	id, called = uuid.NewString(), make(chan error, 1)
	go func() { called <- c.call(t.Context(), 0, true, "ann", id) }()
	<-made
	b.answers.Store(nil)
	return c, r, id, called, release
}

// TestARestartTakesOverAtOnce kills a server whose vendor has carried out a write, and repeats the
// call after the restart. The lease of the dead process would last for 15 seconds.
func TestARestartTakesOverAtOnce(t *testing.T) {
	for range 3 {
		c, r, id, called, _ := held(t)
		second, err := program.Start(r.binary, r.config, nil, new(strings.Builder))
		if err == nil {
			second.Kill()
			t.Error("a second process uses the file")
		}
		r.kill()
		if err := <-called; err == nil {
			t.Error("the call succeeded although its server was killed")
		}
		if err := r.start(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := c.call(t.Context(), 0, true, "ann", id); err != nil {
			t.Errorf("the repeated call: %v", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the repeated call took %v", took)
		}
		if n := c.testbed.licenses()["ann"]; n != 1 {
			t.Errorf("the vendor has %d licenses, want 1", n)
		}
	}
}

// TestSignals sends signals to a server with a mutation in flight.
func TestSignals(t *testing.T) {
	c, r, id, called, release := held(t)
	process, err := os.FindProcess(r.running().Pid())
	if err != nil {
		t.Fatal(err)
	}
	send := func(s syscall.Signal) {
		if err := process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	ready := func() bool {
		res, err := c.http.Get("http://" + r.running().HTTP + "/readyz")
		if err != nil {
			return false
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusOK
	}
	send(syscall.SIGHUP)
	if !ready() {
		t.Error("SIGHUP ends the server")
	}
	send(syscall.SIGTERM)
	for ready() {
	}
	send(syscall.SIGINT)
	began := time.Now()
	err = <-called
	if took := time.Since(began); err == nil || took > 10*time.Second {
		t.Errorf("after a second signal, the call in flight ended after %v: %v", took, err)
	}
	code := r.running().Wait()
	if log := r.log.String(); code != 1 || !strings.Contains(log, "by a second signal, with 1 mutations") {
		t.Errorf("exit code %d, and the log: %s", code, log)
	}
	r.forget()
	release()
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	if err := c.call(t.Context(), 0, true, "ann", id); err != nil || c.testbed.licenses()["ann"] != 1 {
		t.Errorf("the repeated call: %v, %d licenses", err, c.testbed.licenses()["ann"])
	}
}
