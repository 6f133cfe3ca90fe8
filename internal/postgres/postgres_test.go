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

// role says what this program does where it is started again, by one of the tests.
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

// hold starts a server, says where, and never ends.
func hold() {
	dsn, _, err := Start(os.Getenv("POSTGRES_TEST_DIR"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(dsn)
	select {}
}

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	first, second := ForTest(t), ForTest(t)
	if first == second {
		t.Errorf("%s comes twice", first)
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
		if err := conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync); err != nil || fsync != "on" && os.Getenv("DRMHUB_TEST_POSTGRES") == "" {
			t.Errorf("fsync is %q, %v: a commit would not be durable", fsync, err)
		}
	}
}

func TestTheServerLivesAsLongAsTheProcess(t *testing.T) {
	dsn := ForTest(t)
	for range 2 { // a file that nothing refers to is closed by the second collection at the latest
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
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	alive, err := holder.StderrPipe() // the supervisor has it too, until it ends
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
	_ = holder.Wait()
	gone(t, dsn, dir)
}

func TestWithoutPostgres(t *testing.T) {
	for ci, want := range map[string]string{"": "--- SKIP: TestEveryTestHasADatabaseOfItsOwn", "true": "--- FAIL: TestEveryTestHasADatabaseOfItsOwn"} {
		again := exec.Command(os.Args[0], "-test.v", "-test.run=TestEveryTestHasADatabaseOfItsOwn")
		again.Env = []string{role + "=without", "PATH=" + t.TempDir(), "CI=" + ci, "TMPDIR=" + t.TempDir()}
		if said, _ := again.CombinedOutput(); !strings.Contains(string(said), want) || !strings.Contains(string(said), ErrMissing.Error()) {
			t.Errorf("with CI=%q: %s", ci, said)
		}
	}
}

// folder is one that every user can reach, and remove folders from.
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
