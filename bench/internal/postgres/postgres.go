// Package postgres runs a PostgreSQL server for as long as a measurement lasts.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing says that PostgreSQL's programs are not on this machine.
var ErrMissing = errors.New("PostgreSQL is not installed: initdb is neither in PATH nor in /usr/lib/postgresql/*/bin")

// startTime is how long a server may take to take connections.
const startTime = 30 * time.Second

// Database is the DSN of an empty database, until stop: a new one of the server in DRMHUB_TEST_POSTGRES, the postgres:// DSN of somebody who may create
// databases, or without it the one of a server that Start starts.
func Database(ctx context.Context) (dsn string, stop func(), err error) {
	server := os.Getenv("DRMHUB_TEST_POSTGRES")
	if server == "" {
		return Start(ctx)
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, errors.New("DRMHUB_TEST_POSTGRES must be a postgres:// URL")
	}
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", nil, err
	}
	name := "drmhub_bench_" + strings.ToLower(rand.Text())
	stop = func() {
		ctx := context.WithoutCancel(ctx)
		_, _ = admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") // one that stays behind is in nobody's way
		_ = admin.Close(ctx)
	}
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		stop()
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), stop, nil
}

// Start runs an empty server in a folder of its own, and answers the DSN of its database. It listens on a socket there alone, waits for the disk at every
// commit, as in production, and ends with stop, or with this process.
func Start(ctx context.Context) (dsn string, stop func(), err error) {
	initdb, err := program()
	if err != nil {
		return "", nil, err
	}
	folder, err := os.MkdirTemp("", "postgres")
	if err != nil {
		return "", nil, err
	}
	stop = func() { _ = os.RemoveAll(folder) }
	who, err := owner(folder)
	if err != nil {
		stop()
		return "", nil, err
	}
	run := func(ctx context.Context, program string, args ...string) *exec.Cmd {
		c := exec.CommandContext(ctx, filepath.Join(filepath.Dir(initdb), program), args...) //nolint:gosec // One of PostgreSQL's own programs.
		c.Dir, c.Env = folder, []string{"LC_ALL=C"}
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who, Pdeathsig: syscall.SIGQUIT}
		return c
	}
	data := filepath.Join(folder, "data")
	if out, err := run(ctx, "initdb", "--pgdata="+data, "--username=postgres", "--auth=trust", "--no-sync").CombinedOutput(); err != nil {
		stop()
		return "", nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	var said strings.Builder
	server := run(context.WithoutCancel(ctx), "postgres", "-D", data, "-k", data, "-c", "listen_addresses=")
	server.Stderr = &said
	if err := server.Start(); err != nil {
		stop()
		return "", nil, err
	}
	stop = func() {
		_ = server.Process.Signal(syscall.SIGINT) // it may have ended
		_ = server.Wait()
		_ = os.RemoveAll(folder)
	}
	dsn = "postgres:///postgres?" + url.Values{"host": {data}, "user": {"postgres"}, "sslmode": {"disable"}}.Encode()
	if err := await(ctx, dsn); err != nil {
		stop()
		return "", nil, fmt.Errorf("PostgreSQL does not start: %w\n%s", err, said.String())
	}
	return dsn, stop, nil
}

// program is initdb, beside which the others are.
func program() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.EvalSymlinks(path)
	}
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	if len(all) == 0 {
		return "", ErrMissing
	}
	return slices.Max(all), nil
}

// owner gives the folder to whom PostgreSQL is to run as, since it refuses to run as root. Nil is this user.
func owner(folder string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor nobody: %w", err)
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(who.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(folder, uid, gid)
}

// await returns once the server takes connections.
func await(ctx context.Context, dsn string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
