package program

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/certs/certstest"
)

func TestHealth(t *testing.T) {
	health := func(args ...string) error {
		_, err := ran(t, append([]string{"health"}, args...)...)
		return err
	}
	said := running(t, welcomeLines, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")
	if err := health("--url", restURL(t, said)); err != nil {
		t.Errorf("a server that takes calls: %v", err)
	}
	stopping := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	if err := health("--url", stopping.URL); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a server that stops: %v", err)
	}
	stopping.Close()
	if err := health("--url", stopping.URL); err == nil {
		t.Error("health passes without a server")
	}
}

// TestHealthOfAConfiguration asks servers by their configuration file, as the image does.
func TestHealthOfAConfiguration(t *testing.T) {
	ca := certstest.NewAuthority(t, "authority")
	for name, c := range map[string]struct{ clientCA, ops bool }{
		"tls": {}, "tls with client_ca": {clientCA: true}, "ops": {clientCA: true, ops: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files := certstest.Files(dir)
			cert, key := ca.Server(t, "drmhub.example", time.Hour)
			certstest.Write(t, files, cert, key, ca.PEM)
			clientCA := ""
			if c.clientCA {
				clientCA = fmt.Sprintf(", client_ca: %q", files.ClientCA)
			}
			rest, ops := freeAddress(t), freeAddress(t)
			more := fmt.Sprintf("http: {listen: %q, tls: {cert: %q, key: %q%s}}\n",
				rest, files.Cert, files.Key, clientCA)
			if c.ops {
				more += fmt.Sprintf("ops: {listen: %q}\n", ops)
			}
			file := configured(t, "http://127.0.0.1:1", more)
			t.Setenv("DRMHUB_CONFIG", file)
			if _, err := ran(t, "health"); err == nil {
				t.Error("health passes without a server")
			}
			if said := running(t, 1, "--config", file); !strings.Contains(said, "REST on https://"+rest) {
				t.Errorf("it says %s", said)
			}
			if _, err := ran(t, "health"); err != nil {
				t.Errorf("a server that takes calls: %v", err)
			}
			cert, key = ca.Server(t, "drmhub.example", time.Hour)
			certstest.Write(t, files, cert, key, ca.PEM)
			if _, err := ran(t, "health"); !c.ops && err == nil {
				t.Error("health passes for another certificate than that of the file")
			}
		})
	}
}

// TestTheEnvironmentAlone runs a server without a file, and the commands beside it.
func TestTheEnvironmentAlone(t *testing.T) {
	ops := freeAddress(t)
	for key, value := range map[string]string{
		"AUTH_MODE": "none", "GRPC_LISTEN": "127.0.0.1:0", "HTTP_LISTEN": "127.0.0.1:0", "OPS_LISTEN": ops,
		"STORE_DSN": "sqlite:" + filepath.Join(t.TempDir(), "drmhub.db"), "VENDORS_0_ID": "acme",
		"VENDORS_0_AMINO": "{base_url: \"http://127.0.0.1:1\"}", "VENDORS_0_AMINO_TOKEN": "sandbox-amino-bearer-token",
		"VENDORS_0_AMINO_REQUESTS_PER_SECOND": "3",
	} {
		t.Setenv("DRMHUB_"+key, value)
	}
	running(t, 1)
	for line, want := range map[string]string{
		"health": "", "audit verify": "", "config check": "", "config print": "",
		"--http 127.0.0.1:0":                     "set grpc.listen, http.listen",
		"token --key no.pem --kid k --subject s": "its server takes no tokens",
	} {
		_, err := ran(t, strings.Fields(line)...)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

// freeAddress returns an address on loopback that nobody listens on. The server of the test listens
// there only later. So that no other program takes the port meanwhile, the host is one that no
// other program uses. Only Linux has more than one.
func freeAddress(t *testing.T) string {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.N(254), 1+rand.N(254), 1+rand.N(254))
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
