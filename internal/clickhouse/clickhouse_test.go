package clickhouse

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	first, second := ForTest(t, 1), ForTest(t, 2)
	if first == second {
		t.Errorf("both tests have %s", first)
	}
	for range 2 { // The second collection closes files that nothing refers to.
		runtime.GC()
	}
	for _, dsn := range []string{first, second} {
		options, err := driver.ParseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range options.Addr {
			options.Addr = []string{address}
			conn, err := driver.Open(options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			if err := conn.Exec(t.Context(), "CREATE TABLE mine (n Int64) ENGINE = Memory"); err != nil {
				t.Errorf("the database is not empty: %v", err)
			}
		}
	}
}

func TestStopLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	addresses, stop, err := Start(dir, 2)
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	stop()
	for _, address := range addresses {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("the server at %s still runs", address)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	program := t.TempDir() + "/clickhouse-server"
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho no port is free\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir()+":"+program[:strings.LastIndex(program, "/")]+":/usr/bin:/bin")
	if _, _, err := Start(t.TempDir(), 1); err == nil || !strings.Contains(err.Error(), "no port is free") {
		t.Errorf("Start returns %v", err)
	}
}

func TestWithoutClickHouse(t *testing.T) {
	for ci, want := range map[string]string{"": "--- SKIP: ", "true": "--- FAIL: "} {
		const test = "TestEveryTestHasADatabaseOfItsOwn"
		again := exec.Command(os.Args[0], "-test.v", "-test.run="+test)
		again.Env = []string{"PATH=" + t.TempDir(), "CI=" + ci, "TMPDIR=" + t.TempDir()}
		output, _ := again.CombinedOutput()
		for _, want := range []string{want + test, ErrMissing.Error()} {
			if !strings.Contains(string(output), want) {
				t.Errorf("with CI=%q: %s", ci, output)
			}
		}
	}
}
