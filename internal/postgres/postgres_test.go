package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// role tells the test program what to do when a test starts it again.
const role = "POSTGRES_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "hold":
		hold()
	case "without":
		installed = ""
	}
	os.Exit(m.Run())
}

// hold starts a server, prints its DSN, and blocks until its standard input ends.
func hold() {
	dsn, _, err := Start(os.Getenv("POSTGRES_TEST_DIR"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(dsn)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	first, second := ForTest(t), ForTest(t)
	if first == second {
		t.Errorf("both tests have %s", first)
	}
	for _, dsn := range []string{first, second} {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		if _, err := conn.Exec(t.Context(), "CREATE TABLE mine (n BIGINT)"); err != nil {
			t.Errorf("the database is not empty: %v", err)
		}
		var fsync string
		err = conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync)
		if err != nil || fsync != "on" && os.Getenv("DRMHUB_TEST_POSTGRES") == "" {
			t.Errorf("fsync is %q, %v: a commit would not be durable", fsync, err)
		}
	}
}

func TestTheServerLivesAsLongAsTheProcess(t *testing.T) {
	dsn := ForTest(t)
	for range 2 { // The second collection closes files that nothing refers to.
		runtime.GC()
	}
	if err := ping(dsn); err != nil {
		t.Error(err)
	}
}

func TestStopLeavesNothingBehind(t *testing.T) {
	dir := folder(t)
	dsn, stop, err := Start(dir)
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := ping(dsn); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	stop()
	gone(t, dsn, dir)
}

func TestAProcessThatIsKilledLeavesNothingBehind(t *testing.T) {
	dir := folder(t)
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), role+"=hold", "POSTGRES_TEST_DIR="+dir)
	if _, err := holder.StdinPipe(); err != nil { // It stays open until Wait.
		t.Fatal(err)
	}
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	alive, err := holder.StderrPipe() // The supervisor also has it, until it ends.
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	dsn, err := bufio.NewReader(output).ReadString('\n')
	dsn = strings.TrimSpace(dsn)
	if strings.Contains(dsn, ErrMissing.Error()) {
		t.Skip(dsn)
	}
	if err != nil || !strings.HasPrefix(dsn, "postgres://") {
		t.Fatal(dsn, err)
	}
	if err := ping(dsn); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(alive)
	if err := holder.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the holder ended by itself: %v", err)
	}
	gone(t, dsn, dir)
}

func TestWithoutPostgres(t *testing.T) {
	for ci, want := range map[string]string{"": "--- SKIP: ", "true": "--- FAIL: "} {
		const test = "TestEveryTestHasADatabaseOfItsOwn"
		again := exec.Command(os.Args[0], "-test.v", "-test.run="+test)
		again.Env = []string{role + "=without", "PATH=" + t.TempDir(), "CI=" + ci, "TMPDIR=" + t.TempDir()}
		output, _ := again.CombinedOutput()
		for _, want := range []string{want + test, ErrMissing.Error()} {
			if !strings.Contains(string(output), want) {
				t.Errorf("with CI=%q: %s", ci, output)
			}
		}
	}
}

// folder returns a folder that every user can reach, and remove folders from.
func folder(t *testing.T) string {
	dir, err := os.MkdirTemp("", "postgres-test-") //nolint:usetesting // Other users cannot reach t.TempDir.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func ping(dsn string) error {
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		return err
	}
	return conn.Close(context.Background())
}

func gone(t *testing.T, dsn, dir string) {
	t.Helper()
	if err := ping(dsn); err == nil {
		t.Error("the server still runs")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
