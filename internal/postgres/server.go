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

// ErrMissing means that PostgreSQL's programs are not on this machine.
var ErrMissing = errors.New("PostgreSQL is not installed: no initdb in PATH or /usr/lib/postgresql/*/bin")

//go:embed supervise.sh
var supervise string

// inputs holds the standard input of each running server. The garbage collector would close a file
// that nothing refers to, and so end the server.
var inputs sync.Map

// Start starts an empty server in a new folder within dir, or within the default folder for
// temporary files if dir is "". If root starts it, it runs as another user, who must be able to
// reach the folder. The server listens on a Unix socket in the folder. At every commit it waits for
// the disk, as in production. dsn names its database "postgres", and needs no password.
//
// stop shuts the server down and removes the folder. The same happens when this process ends, even
// if it is killed.
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
	//nolint:gosec,noctx // The script is this package's own, and ends with its input.
	server := exec.Command("sh", "-c", supervise, "sh", folder, programs)
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
		return "", nil, fmt.Errorf("cannot start PostgreSQL in %s, which its user must reach: %w", folder, err)
	}
	inputs.Store(folder, input)
	stop = func() {
		inputs.Delete(folder)
		_ = input.Close()
		_ = server.Wait()
		remove()
	}
	reader := bufio.NewReader(output)
	if line, _ := reader.ReadString('\n'); line != "ready\n" {
		rest, _ := io.ReadAll(reader)
		stop()
		return "", nil, fmt.Errorf("PostgreSQL in %s does not start: %s%s", folder, line, rest)
	}
	address := url.Values{
		"host": {filepath.Join(folder, "data")}, "port": {"5432"}, "user": {"postgres"}, "sslmode": {"disable"},
	}
	return "postgres:///postgres?" + address.Encode(), stop, nil
}

// installed matches initdb where Debian installs it, outside of PATH.
var installed = "/usr/lib/postgresql/*/bin/initdb"

// programs returns the folder of PostgreSQL's programs, of the latest version.
func programs() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		initdb, err = filepath.EvalSymlinks(initdb)
		return filepath.Dir(initdb), err
	}
	all, _ := filepath.Glob(installed) // The pattern is well-formed.
	if len(all) == 0 {
		return "", ErrMissing
	}
	version := func(initdb string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(all, func(a, b string) int { return version(a) - version(b) })), nil
}

// serverUser returns the user and the process group of the server, and gives the folder to that
// user. The group is a new one, so that Ctrl-C in the terminal does not reach the server.
// PostgreSQL refuses to run as root.
func serverUser(folder string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() != 0 {
		return attributes, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL cannot run as root, and needs a user postgres or nobody: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attributes, os.Chown(folder, int(uid), int(gid)) //nolint:gosec // Start has made it.
}
