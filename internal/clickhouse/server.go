// Package clickhouse gives databases of real ClickHouse servers to tests and measurements.
//
// DRMHUB_TEST_CLICKHOUSE names two servers that may be used instead: the DSN
// clickhouse://user@host:9000,host:9001/default of a user who may create databases. Without it, the
// first database starts two servers, which end with the process. That needs the program
// clickhouse-server on the machine.
package clickhouse

import (
	"bytes"
	_ "embed" // of supervise.sh
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"text/template"
	"time"
)

// ErrMissing means that the program of the server is not on this machine.
var ErrMissing = errors.New("ClickHouse is not installed: no clickhouse-server in PATH")

// Cluster is what the servers call themselves together, one shard each.
const Cluster = "drmhub"

//go:embed supervise.sh
var supervise string

// config is what a server needs to know. Its first element has another name in old versions, which
// also know this one.
var config = template.Must(template.New("").Parse(`<yandex>
<logger><level>warning</level><console>true</console></logger>
<listen_host>{{.Host}}</listen_host>
<tcp_port>{{.Port}}</tcp_port>
<path>{{.Folder}}/data/</path>
<tmp_path>{{.Folder}}/tmp/</tmp_path>
<user_files_path>{{.Folder}}/files/</user_files_path>
<format_schema_path>{{.Folder}}/schemas/</format_schema_path>
<users_config>users.xml</users_config>
<default_profile>default</default_profile>
<default_database>default</default_database>
<mark_cache_size>268435456</mark_cache_size>
<timezone>UTC</timezone>
<remote_servers><{{.Cluster}}>{{range .Ports}}
<shard><replica><host>{{$.Host}}</host><port>{{.}}</port></replica></shard>{{end}}
</{{.Cluster}}></remote_servers>
</yandex>
`))

const users = `<yandex>
<profiles><default></default></profiles>
<users><default><password></password><networks><ip>127.0.0.0/8</ip></networks><profile>default</profile>
<quota>default</quota></default></users>
<quotas><default></default></quotas>
</yandex>
`

// inputs holds the standard input of each running server. The garbage collector would close a file
// that nothing refers to, and so end the server.
var inputs sync.Map

// Start starts empty servers, each in a new folder within dir, or within the default folder for
// temporary files if dir is "". They know one another as the shards of Cluster. It returns their
// addresses. No user needs a password.
//
// stop ends the servers and removes the folders. The same happens when this process ends, even if
// it is killed.
func Start(dir string, servers int) (addresses []string, stop func(), err error) {
	program, err := exec.LookPath("clickhouse-server")
	if err != nil {
		return nil, nil, ErrMissing
	}
	host, ports, err := freePorts(servers)
	if err != nil {
		return nil, nil, err
	}
	var stops []func()
	stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
	for _, port := range ports {
		one, err := start(dir, program, host, port, ports)
		if err != nil {
			stop()
			return nil, nil, err
		}
		stops = append(stops, one)
		addresses = append(addresses, address(host, port))
	}
	return addresses, stop, nil
}

// freePorts returns a host on loopback, and ports on which nothing listens there. A server listens
// there only later. So that no other program takes a port meanwhile, the host is one that no other
// program uses. Only Linux has more than one.
func freePorts(n int) (host string, ports []int, err error) {
	host = fmt.Sprintf("127.%d.%d.%d", 1+rand.N(254), 1+rand.N(254), 1+rand.N(254)) //nolint:gosec // It is no secret.
	if ports, err = portsOf(host, n); err != nil {
		host = "127.0.0.1"
		ports, err = portsOf(host, n)
	}
	return host, ports, err
}

func portsOf(host string, n int) (ports []int, err error) {
	var listeners []net.Listener
	for range n {
		listener, listenErr := net.Listen("tcp", host+":0") //nolint:noctx // It takes no time.
		if err = listenErr; err != nil {
			break
		}
		listeners = append(listeners, listener)
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	for _, listener := range listeners {
		_ = listener.Close()
	}
	return ports, err
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// start starts one server, and waits until it takes connections.
func start(dir, program, host string, port int, ports []int) (stop func(), err error) {
	folder, err := os.MkdirTemp(dir, "clickhouse-")
	if err != nil {
		return nil, err
	}
	remove := func() { _ = os.RemoveAll(folder) }
	var text bytes.Buffer
	err = errors.Join(
		config.Execute(&text, map[string]any{
			"Host": host, "Port": port, "Ports": ports, "Folder": folder, "Cluster": Cluster,
		}),
		os.WriteFile(filepath.Join(folder, "config.xml"), text.Bytes(), 0o600),
		os.WriteFile(filepath.Join(folder, "users.xml"), []byte(users), 0o600))
	if err != nil {
		remove()
		return nil, err
	}
	//nolint:gosec,noctx // The script is this package's own, and ends with its input.
	server := exec.Command("sh", "-c", supervise, "sh", folder, program)
	server.Dir, server.Env = folder, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C in the terminal does not reach it.
	input, err := server.StdinPipe()
	var output bytes.Buffer
	server.Stdout, server.Stderr = &output, &output
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		remove()
		return nil, err
	}
	inputs.Store(folder, input)
	ended := make(chan struct{})
	go func() {
		_ = server.Wait()
		close(ended)
	}()
	stop = func() {
		inputs.Delete(folder)
		_ = input.Close()
		<-ended
		remove()
	}
	if !listens(address(host, port), ended) {
		stop()
		return nil, fmt.Errorf("ClickHouse in %s does not start: %s", folder, output.Bytes())
	}
	return stop, nil
}

// listens waits until a server takes connections, and reports whether it does.
func listens(address string, ended <-chan struct{}) bool {
	deadline := time.After(time.Minute)
	for {
		conn, err := net.Dial("tcp", address) //nolint:noctx // It takes no time.
		if err == nil {
			_ = conn.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-deadline:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}
