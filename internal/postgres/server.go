package postgres

import (
	"bufio"
	_ "embed" // of supervise.sh
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// ErrMissing says that PostgreSQL's programs are not on this machine.
var ErrMissing = errors.New("PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql/*/bin")

//go:embed supervise.sh
var supervise string

// inputs are what the servers that run have as standard input. A file that nothing refers to is
// closed some day.
var inputs sync.Map

// Start starts an empty server in a new folder within dir, or within the default folder for
// temporary files where dir is "". Started by root, it runs as another user, who must be able to
// reach the folder. It listens on a Unix socket there, and waits for the disk at every commit, as
// in production. dsn is of its database "postgres", which its superuser may enter without a
// password.
//
// stop shuts the server down and removes the folder. Both also happen when this process ends in any
// other way, even if it is killed.
func Start(dir string) (dsn string, stop func(), err error) {
	programs, err := programs()
	if err != nil {
		return "", nil, err
	}
	folder, err := os.MkdirTemp(dir, "postgres-")
	if err != nil {
		return "", nil, err
	}
	remove := func() { _ = os.RemoveAll(folder) } //nolint:gosec // It was made above.
	attributes, err := serverUser(folder)
	if err != nil {
		remove()
		return "", nil, err
	}
	server := exec.Command("sh", "-c", supervise, "sh", folder, programs) //nolint:gosec,noctx // The script is this package's own, and ends with its input.
	server.Dir, server.Env, server.SysProcAttr = folder, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}, attributes
	server.Stderr = os.Stderr
	input, err := server.StdinPipe()
	if err != nil {
		remove()
		return "", nil, err
	}
	output, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("PostgreSQL cannot be started, in a folder that its user must be able to reach: %w", err)
	}
	inputs.Store(folder, input)
	stop = func() {
		inputs.Delete(folder)
		_ = input.Close()
		_ = server.Wait()
		remove()
	}
	said := bufio.NewReader(output)
	if line, _ := said.ReadString('\n'); line != "ready\n" {
		rest, _ := io.ReadAll(said)
		stop()
		return "", nil, fmt.Errorf("PostgreSQL in %s does not start: %s%s", folder, line, rest)
	}
	where := url.Values{"host": {filepath.Join(folder, "data")}, "port": {"5432"}, "user": {"postgres"}, "sslmode": {"disable"}}
	return "postgres:///postgres?" + where.Encode(), stop, nil
}

// installed is where Debian and its like keep the programs, which are not in PATH there.
var installed = "/usr/lib/postgresql/*/bin/initdb"

// programs is the folder of PostgreSQL's programs, the latest one where there are several.
func programs() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		initdb, err = filepath.EvalSymlinks(initdb)
		return filepath.Dir(initdb), err
	}
	all, _ := filepath.Glob(installed) // the pattern is well-formed
	if len(all) == 0 {
		return "", ErrMissing
	}
	version := func(initdb string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(all, func(a, b string) int { return version(a) - version(b) })), nil
}

// serverUser gives the folder to whom the server is to run as, outside of this process's group, so
// that a Ctrl-C in the terminal does not reach it. PostgreSQL refuses to run as root.
func serverUser(folder string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() != 0 {
		return attributes, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and the users postgres and nobody do not exist: %w", err)
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attributes, os.Chown(folder, int(uid), int(gid)) //nolint:gosec // Start has made it.
}
