package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	amino "github.com/drmhub/drmhub/adapters/amino/emulator"
	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	pallycon "github.com/drmhub/drmhub/adapters/pallycon/emulator"
	telecomx "github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/bench/internal/program"
)

// configuration is the configuration of all replicas.
const configuration = `
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:0"}
store: {dsn: {{dsn}}, quiet: {{quiet}}}
vendors:
  - id: pallycon
    lane: {requests_per_second: 0}
    pallycon:
      base_url: "{{pallycon}}"
      license_base_url: "{{pallycon}}"
      timeout: {{timeout}}
      account_id: sandbox
      account_seq: "1"
      service_api_key: {env: PALLYCON_KEY}
  - id: ncp
    lane: {requests_per_second: 0}
    ncp:
      base_url: "{{ncp}}"
      timeout: {{timeout}}
      access_key: {env: NCP_ACCESS_KEY}
      secret_key: {env: NCP_SECRET_KEY}
  - id: telecomx
    lane: {requests_per_second: 0}
    telecomx:
      base_url: "{{telecomx}}"
      timeout: {{timeout}}
      username: sandbox
      password: {env: TELECOMX_PASSWORD}
  - id: amino
    lane: {requests_per_second: 0}
    amino:
      base_url: "{{amino}}"
      timeout: {{timeout}}
      token: {env: AMINO_TOKEN}
      product_updates: true
`

var environment = []string{
	"PALLYCON_KEY=" + pallycon.DefaultServiceAPIKey,
	"NCP_ACCESS_KEY=" + ncp.DefaultAccessKey,
	"NCP_SECRET_KEY=" + ncp.DefaultSecretKey,
	"TELECOMX_PASSWORD=" + telecomx.DefaultPassword,
	"AMINO_TOKEN=" + amino.DefaultToken,
}

// writeConfig writes the configuration file into folder.
func writeConfig(folder, dsn string, b *testbed, o options) (file string, err error) {
	values := []string{"{{dsn}}", strconv.Quote(dsn), "{{quiet}}", o.Quiet.String(), "{{timeout}}", o.Timeout.String()}
	for vendor, url := range b.urls {
		values = append(values, "{{"+vendor+"}}", url)
	}
	auth, err := idp().Config(folder)
	if err != nil {
		return "", err
	}
	text := strings.NewReplacer(values...).Replace(configuration) + auth
	file = filepath.Join(folder, "drmhub.yaml")
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// A replica is a server that is killed and started again. Clients reach it at any of its addresses.
type replica struct {
	name, binary, config string
	log                  *os.File

	mu      sync.Mutex
	server  *program.Server // nil while it is down
	started int             // the number of starts
}

// start starts the server.
func (r *replica) start() error {
	s, err := program.Start(r.binary, r.config, environment, r.log)
	if err != nil {
		return fmt.Errorf("%s: %w; its log is %s", r.name, err, r.log.Name())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = s
	r.started++
	return nil
}

// kill ends the server's process at once.
func (r *replica) kill() {
	r.mu.Lock()
	s := r.server
	r.server = nil
	r.mu.Unlock()
	if s != nil {
		s.Kill()
	}
}

// stop ends the server as an operator does.
func (r *replica) stop() {
	r.mu.Lock()
	s := r.server
	r.server = nil
	r.mu.Unlock()
	if s != nil {
		s.Stop()
	}
}

// http returns the address of the REST face, or "" while the server is down.
func (r *replica) http() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == nil {
		return ""
	}
	return r.server.HTTP
}

// life returns the number of the server's present start, or 0 while the server is down.
func (r *replica) life() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == nil {
		return 0
	}
	return r.started
}

// dial returns a connection to the present process of the replica.
func (r *replica) dial() (*grpc.ClientConn, error) {
	quick := backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond}
	return grpc.NewClient("passthrough:///"+r.name,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: quick, MinConnectTimeout: time.Second}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			r.mu.Lock()
			s := r.server
			r.mu.Unlock()
			if s == nil {
				return nil, errors.New("the replica is down")
			}
			return new(net.Dialer).DialContext(ctx, "tcp", s.GRPC)
		}))
}
