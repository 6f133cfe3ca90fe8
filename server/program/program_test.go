package program

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/server/internal/buildinfo"
	"github.com/drmhub/drmhub/server/internal/cli"
)

// welcomeLines is how many lines the sandbox prints: one for each twin, and eight.
var welcomeLines = 8 + len(catalog.Kinds)

// running starts the program, and returns its first lines.
func running(t *testing.T, lines int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, w, io.Discard)
		_ = w.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		go func() { _, _ = io.Copy(io.Discard, r) }()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	var said bytes.Buffer
	for strings.Count(said.String(), "\n") < lines {
		if _, err := io.CopyN(&said, r, 1); err != nil {
			t.Fatalf("after %q: %v", said.String(), err)
		}
	}
	return said.String()
}

// configured writes a configuration of one vendor into a folder, and returns the file.
func configured(t *testing.T, vendorURL, more string) (file string) {
	t.Helper()
	t.Setenv("TEST_PALLYCON_KEY", "sandbox-service-api-key")
	dir := t.TempDir()
	file = filepath.Join(dir, "drmhub.yaml")
	text := `grpc: {listen: "127.0.0.1:0"}
auth: {mode: none}
store: {dsn: "sqlite:` + filepath.Join(dir, "drmhub.db") + `"}
vendors:
  - id: acme
    pallycon: {base_url: "` + vendorURL + `", account_id: sandbox, account_seq: "1",
      service_api_key: {env: TEST_PALLYCON_KEY}}
` + more
	if !strings.Contains(more, "http:") {
		text += "http: {listen: \"127.0.0.1:0\"}\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// restURL returns the address of REST that the program prints.
func restURL(t *testing.T, said string) string {
	t.Helper()
	rest := regexp.MustCompile(`REST on (http://[0-9.:]+)`).FindStringSubmatch(said)
	if rest == nil {
		t.Fatal(said)
	}
	return rest[1]
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%s: %d %v", url, res.StatusCode, err)
	}
	return string(body)
}

func TestTheCommandsThatTheSandboxPrintsWork(t *testing.T) {
	said := running(t, welcomeLines, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")
	urls := regexp.MustCompile(`curl '?(http://[^'\s]+)`).FindAllStringSubmatch(said, -1)
	if len(urls) != 3 || !strings.Contains(said, "grpcurl") {
		t.Fatalf("it prints %s", said)
	}
	for i, want := range []string{`vendors/pallycon/sites/DEMO`, `"status":"FAILURE"`, `DEVICE_REVOKED`} {
		if body := get(t, urls[i][1]); !strings.Contains(body, want) {
			t.Errorf("%s returns %s", urls[i][1], body)
		}
	}
	page := regexp.MustCompile(`^drmhub is ready: the console on (http://\S+/console/),`).FindStringSubmatch(said)
	if len(page) != 2 || !strings.Contains(get(t, page[1]), `src="/console/assets/`) {
		t.Errorf("it prints %s", said)
	}
	line := regexp.MustCompile(`(?m)^  \S.* (licenses list .*)$`).FindStringSubmatch(said)
	if line == nil {
		t.Fatalf("it prints %s", said)
	}
	if out, err := ran(t, strings.Fields(line[1])...); err != nil || !strings.Contains(out, "\tFAILURE\t") {
		t.Errorf("%s prints %s, %v", line[1], out, err)
	}
	admins := regexp.MustCompile(`http://\S+/_twin/`).FindAllString(said, -1)
	if len(admins) != len(catalog.Kinds) {
		t.Errorf("it prints the twins %q, want one of each of %d vendors", admins, len(catalog.Kinds))
	}
	for _, admin := range admins {
		if body := get(t, admin+"clock"); !strings.Contains(body, "now") {
			t.Errorf("%sclock returns %s", admin, body)
		}
	}
}

func TestAConfigurationFile(t *testing.T) {
	twin := running(t, 1, "emulate", "pallycon", "--listen", "127.0.0.1:0", "--seed", "7")
	file := configured(t, regexp.MustCompile(`http://[0-9.:]+`).FindString(twin), "")
	err := run(t.Context(), []string{"--config", file, "--http", "127.0.0.1:0"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "http.listen") {
		t.Errorf("a flag that the file decides: %v", err)
	}
	rest := restURL(t, running(t, 1, "--config", file))
	if body := get(t, rest+"/v1/vendors/acme/sites"); !strings.Contains(body, "vendors/acme/sites/DEMO") {
		t.Error(body)
	}
}

func TestATwinOutlivesSIGHUP(t *testing.T) {
	log, to := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	ended, ready := make(chan error, 1), make(chan struct{})
	go func() {
		out := writerFunc(func() { close(ready) })
		ended <- run(ctx, []string{"emulate", "pallycon", "--listen", "127.0.0.1:0"}, out, to)
	}()
	<-ready
	this, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := this.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil || !strings.Contains(line, "no configuration to read again: nothing changed") {
		t.Errorf("the log: %q, %v", line, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A writerFunc is called once for each text that is written.
type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}

func TestAuditVerify(t *testing.T) {
	file := configured(t, "http://127.0.0.1:1", "audit: {file: audit.jsonl}\n")
	lines := filepath.Join(filepath.Dir(file), "audit.jsonl")
	rest := restURL(t, running(t, 1, "--config", file))
	res, err := http.Post(rest+"/v1/vendors/acme/sites/DEMO:disable", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Setenv("DRMHUB_CONFIG", file)
	two := []string{"--file", os.DevNull, "--file", lines}
	for _, args := range [][]string{{"--config", file}, {}, {"--file", lines}, two} {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"audit", "verify"}, args...), &out, io.Discard)
		if err != nil || !strings.Contains(out.String(), ": 1 events, head ") {
			t.Errorf("%q: %s, %v", args, out.String(), err)
		}
	}
	written, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lines, bytes.Replace(written, []byte("DEMO"), []byte("MOVI"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	err = run(t.Context(), []string{"audit", "verify", "--file", lines}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "-1 is changed") {
		t.Errorf("a line that was changed: %v", err)
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	for _, line := range []string{"-h", "--help", "help"} {
		help, err := ran(t, line)
		if err != nil {
			t.Errorf("%s returns %v", line, err)
		}
		for _, c := range newRoot().Commands() {
			if !strings.Contains(help, "\n  "+c.Name()+" ") {
				t.Errorf("%s lacks the command %s:\n%s", line, c.Name(), help)
			}
		}
		if !strings.Contains(help, "--config file") || !strings.Contains(help, "drmhub [flags]") {
			t.Errorf("%s lacks the server's own flags:\n%s", line, help)
		}
	}
}

func TestWhichArgumentsRunTheServer(t *testing.T) {
	for line, want := range map[string]bool{
		"":                                 true,
		"--config drmhub.yaml":             true,
		"--grpc=127.0.0.1:0 --host a.test": true,
		"--help":                           false,
		"--version":                        false,
		"--config drmhub.yaml sites list":  false,
		"__complete sites":                 false,
		"--unknown":                        false,
		"unknown":                          false,
	} {
		if got := serves(strings.Fields(line)); got != want {
			t.Errorf("serves(%q) = %v, want %v", line, got, want)
		}
	}
}

func TestTheVersionIsSaid(t *testing.T) {
	for _, line := range []string{"version", "--version"} {
		if said, err := ran(t, line); err != nil || said != buildinfo.Read().String()+"\n" {
			t.Errorf("%s prints %q, %v", line, said, err)
		}
	}
}

// TestOutputThatCannotBeWritten runs commands whose output has no place.
func TestOutputThatCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = full.Close() }()
	for _, line := range []string{
		"version", "config schema", "completion zsh", "help", "sites --help", "keygen --out " + t.TempDir() + "/k.pem",
	} {
		err := run(t.Context(), strings.Fields(line), full, io.Discard)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestMistakesOnTheCommandLine checks that each mistake is said once, and ends the program with its
// code.
func TestMistakesOnTheCommandLine(t *testing.T) {
	for line, want := range map[string]int{
		"serve": cli.ExitUsage, "helth": cli.ExitUsage, "help serve": cli.ExitUsage, "version 1": cli.ExitUsage,
		"--nonsense": cli.ExitUsage,
		"--config drmhub.yaml --http 127.0.0.1:0": cli.ExitUsage,
		"--config /does/not/exist.yaml":           cli.ExitFailed,
		"emulate":                                 cli.ExitUsage,
		"emulate acme":                            cli.ExitUsage,
		"emulate pallycon extra":                  cli.ExitUsage,
		"emulate pallycon extra --listen :0":      cli.ExitUsage,
		"emulate pallycon --seed one":             cli.ExitUsage,
		"health --nonsense":                       cli.ExitUsage,
		"health now":                              cli.ExitUsage,
		"health --url 8080":                       cli.ExitFailed,
		"audit":                                   cli.ExitUsage,
		"completion":                              cli.ExitUsage,
		"config":                                  cli.ExitUsage,
		"config check":                            cli.ExitUsage,
		"config print":                            cli.ExitUsage,
		"config schema x":                         cli.ExitUsage,
		"sites list --limit 0":                    cli.ExitUsage,
		"config check a b":                        cli.ExitUsage,
		"config check /does/not/exist.yaml":       cli.ExitFailed,
		"completion tcsh":                         cli.ExitUsage,
		"man":                                     cli.ExitUsage,
		"sites lst":                               cli.ExitUsage,
		"sites disable":                           cli.ExitUsage,
		"help sites lst":                          cli.ExitUsage,
		"audit mend":                              cli.ExitUsage,
		"audit verify --nonsense":                 cli.ExitUsage,
		"audit verify audit.jsonl":                cli.ExitUsage,
		"audit verify":                            cli.ExitUsage,
		"audit verify --config /does/not/exist.yaml":         cli.ExitFailed,
		"audit verify --file /dev/null --config drmhub.yaml": cli.ExitUsage,
		"keygen":                         cli.ExitUsage,
		"keygen --alg HS256 --out k.pem": cli.ExitUsage,
		"token":                          cli.ExitUsage,
		"token --key k --kid k --subject s --config no.yaml":   cli.ExitFailed,
		"token --key k --kid k --subject s --config no.yaml x": cli.ExitUsage,
	} {
		var errs bytes.Buffer
		err := run(t.Context(), strings.Fields(line), io.Discard, &errs)
		if err == nil || cli.ExitCode(err) != want || errs.Len() > 0 {
			t.Errorf("%q: %v, want the exit code %d. It prints %q", line, err, want, &errs)
		}
	}
	if _, err := ran(t, "helth"); err == nil || !strings.Contains(err.Error(), "did you mean health") {
		t.Errorf("a mistyped command: %v", err)
	}
}
