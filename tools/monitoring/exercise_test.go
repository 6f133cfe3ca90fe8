package monitoring

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// build returns the path of the program.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "drmhub")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/drmhub")
	command.Dir = "../.."
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// run runs the program until the end of the test. It returns what the program says, once that has
// all these words.
func run(t *testing.T, words []string, program string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = t.TempDir()
	var log strings.Builder
	command.Stderr = &log
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait()
	})
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		lacks := func(word string) bool { return !strings.Contains(said.String(), word) }
		if !slices.ContainsFunc(words, lacks) {
			return said.String()
		}
	}
	cancel()
	_ = command.Wait()
	t.Fatalf("the program ended:\n%s%s", said.String(), log.String())
	return ""
}

// trusting takes any certificate, since these tests make their own.
var trusting = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
	TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
}}

// call makes a call such as "POST http://…/v1/…", and returns the body of its response.
func call(t *testing.T, call, body, authorization string) string {
	t.Helper()
	method, url, _ := strings.Cut(call, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", authorization)
	res, err := trusting.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exerciseSandbox returns the metrics of a sandbox with reads, failures, changes, and a change
// whose outcome is unknown.
func exerciseSandbox(t *testing.T, program string) string {
	t.Helper()
	ready := []string{"  pallycon", "  ncp", "  telecomx", "  amino"}
	said := run(t, ready, program, "--config=", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0")
	rest := regexp.MustCompile(`REST on (http://[0-9.:]+)`).FindStringSubmatch(said)[1]
	twin := func(kind string) string {
		return "POST " + regexp.MustCompile(kind + ` +(http://\S+/_twin/)`).FindStringSubmatch(said)[1] + "faults"
	}
	const site = "/v1/vendors/ncp/sites/drm-20240304012233-WmRpa"
	for _, c := range []struct{ call, body, want string }{
		{"GET " + rest + "/v1/vendors/-/sites", "", "vendors/pallycon/sites/"},
		{"GET " + rest + "/v1/vendors/ncp/sites/none", "", "RESOURCE_NOT_FOUND"},
		{"POST " + rest + site + ":disable", "{}", "SUSPEND"},
		{twin("ncp"), `{"kind": "loseAnswer", "method": "PUT", "times": 1}`, "id"},
		{"POST " + rest + site + ":enable", "{}", "OUTCOME_UNKNOWN"},
		{twin("amino"), `{"kind": "answer", "status": 503}`, "id"},
		{"GET " + rest + "/v1/vendors/amino/productLicenses", "", "VENDOR_UNAVAILABLE"},
	} {
		if got := call(t, c.call, c.body, ""); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.call, got, c.want)
		}
	}
	return call(t, "GET "+rest+"/metrics", "", "")
}

// exerciseServer returns the metrics of a server with tokens, TLS, and a copy of the audit trail.
func exerciseServer(t *testing.T, program string) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir, part := t.TempDir(), base64.RawURLEncoding.EncodeToString
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": %q}]}`, part(public))
	}))
	t.Cleanup(issuer.Close)
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now, NotAfter: now.Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	ops := freeAddress(t)
	for name, text := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"secret":   []byte("none"),
		"drmhub.yaml": fmt.Appendf(nil, `
auth:
  {mode: jwt, issuer: i, audience: drmhub, keys: [{jwks_url: %q}]}
grpc: {listen: "127.0.0.1:0", tls: {cert: {file: cert.pem}, key: {file: key.pem}}}
http: {listen: "127.0.0.1:0", tls: {cert: {file: cert.pem}, key: {file: key.pem}}}
ops: {listen: %q}
store: {dsn: %q}
audit: {file: %q}
vendors:
  - id: nobody
    pallycon: {base_url: "http://127.0.0.1:1", account_id: a, account_seq: "1", service_api_key: {file: secret}}
`, issuer.URL, ops, "sqlite:"+filepath.Join(dir, "drmhub.db"), filepath.Join(dir, "audit.jsonl")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := run(t, []string{"REST on"}, program, "--config", filepath.Join(dir, "drmhub.yaml"))
	rest := regexp.MustCompile(`REST on (https://[0-9.:]+)`).FindStringSubmatch(said)[1]
	claims := fmt.Sprintf(`{"iss": "i", "aud": "drmhub", "sub": "s", "roles": ["admin"], "exp": %d}`, now.Unix()+600)
	token := part([]byte(`{"alg": "EdDSA", "kid": "k"}`)) + "." + part([]byte(claims))
	token += "." + part(ed25519.Sign(private, []byte(token)))
	for authorization, want := range map[string]string{"Bearer " + token: "nobody", "Bearer x": "TOKEN_INVALID"} {
		if got := call(t, "GET "+rest+"/v1/vendors", "", authorization); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	return call(t, "GET http://"+ops+"/metrics", "", "")
}

// freeAddress returns an address on loopback that nobody listens on. The server of the test listens
// there only later. So that no other program takes the port meanwhile, the host is one that no
// other program uses. Only Linux has more than one.
func freeAddress(t *testing.T) string {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d", 1+mathrand.N(254), 1+mathrand.N(254), 1+mathrand.N(254))
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", host+":0")
	if err != nil {
		l, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
