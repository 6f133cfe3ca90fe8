package cli

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/environment"
)

// TestFormats says how the sandbox looks in each format.
func TestFormats(t *testing.T) {
	s := startSandbox(t)
	_, stream := fetch(t, "GET", s.rest+"/v1/vendors/pallycon/sites/DEMO/licenses:stream", "")
	_, list := fetch(t, "GET", s.rest+"/v1/vendors/-/sites?pageSize=1000", "")
	for _, c := range []struct {
		line  string
		lines int // in the output; -1: the output is want
		want  string
	}{
		{"sites list vendors/ncp", 5, "drm-20240304012233-WmRpa\tkids_and_songs\tRUNNING\t"},
		{"sites list vendors/ncp -o table", 6, "NAME   "},
		{"sites list vendors/ncp -o wide", 6, "CERTIFICATE-URI"},
		{"sites list vendors/ncp -o name --limit 1", -1, "vendors/ncp/sites/drm-20230526081150-HbXuL\n"},
		{"sites list -o ndjson", 9, `{"name":"vendors/pallycon/sites/DEMO",`},
		{"sites list --limit 3 --page-size 2", 3, "EDU1"},
		{"sites list --all --page-size 2", 9, "music_awards"},
		{"sites get vendors/pallycon/sites/DEMO -o name", -1, "vendors/pallycon/sites/DEMO\n"},
		{"sites get vendors/ncp/sites/drm-20230526081150-HbXuL", 14, "display-name\tsports_night\n"},
		{"licenses stream vendors/pallycon/sites/DEMO -o json", -1, stream},
		{"licenses stream vendors/pallycon/sites/DEMO -o ndjson", -1, stream},
		{"sites list -o json --all --page-size 2", -1, list},
		{"licenses list vendors/pallycon/sites/DEMO -o ndjson --all", -1, stream},
	} {
		out, errs, err := run(t.Context(), "", strings.Fields(c.line)...)
		if err != nil || c.lines < 0 && out != c.want ||
			c.lines >= 0 && (strings.Count(out, "\n") != c.lines || !strings.Contains(out, c.want)) {
			t.Errorf("%s: %v\n%s\nprints %.500s\nwant %d lines with %.500s", c.line, err, errs, out, c.lines, c.want)
		}
	}
	_, errs, _ := run(t.Context(), "", "sites", "list", "--page-size", "2", "-o", "table")
	if !strings.Contains(errs, "more rows") {
		t.Errorf("a page that is not the last: %s", errs)
	}
	s.order(t, "ncp", `{"kind": "answer", "status": 503}`)
	_, errs, err := run(t.Context(), "", "sites", "list")
	if err != nil || !strings.Contains(errs, "missing: vendors/ncp") {
		t.Errorf("a vendor that is down: %v, %s", err, errs)
	}
}

// stopping cancels a context when something is written.
type stopping struct {
	strings.Builder
	stop context.CancelFunc
}

func (s *stopping) Write(p []byte) (int, error) {
	s.stop()
	return s.Builder.Write(p)
}

func TestTail(t *testing.T) {
	startSandbox(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := &stopping{stop: cancel}
	root := tree()
	root.SetOut(out)
	root.SetArgs(strings.Fields("licenses tail --user-id tester24 --status FAILURE --start-time 90d -o ndjson"))
	if err := root.ExecuteContext(ctx); err != nil {
		t.Fatal(err)
	}
	all, _, err := run(t.Context(), "", strings.Fields(
		"licenses list --user-id tester24 --status FAILURE --start-time 90d -o ndjson --all")...)
	if err != nil || strings.Count(out.String(), "\n") != strings.Count(all, "\n") || out.String() == "" {
		t.Errorf("%v: it prints\n%s, and the list has\n%s", err, out, all)
	}
}

// TestNoTextSteersATerminal prints text of a vendor.
func TestNoTextSteersATerminal(t *testing.T) {
	var out strings.Builder
	p := &printer{out: &out, format: formatTSV}
	site := &pb.Site{Name: "vendors/v/sites/s", DisplayName: "a\x1b[2J\tb\n\u202ec\u009b"}
	page := &pb.ListSitesResponse{Sites: []*pb.Site{site}}
	if err := p.rows(rowsOf(page)); err != nil || strings.ContainsAny(out.String(), "\x1b\u202e\u009b") ||
		strings.Count(out.String(), "\n") != 1 || strings.Count(out.String(), "\t") != 4 {
		t.Errorf("%v, %q", err, out.String())
	}
}

// complete returns what a shell offers for an unfinished line.
func complete(t *testing.T, line string) (words []string) {
	t.Helper()
	args := append([]string{cobra.ShellCompNoDescRequestCmd}, strings.Split(line, " ")...)
	out, _, err := run(t.Context(), "", args...)
	if err != nil {
		t.Errorf("%q: %v", line, err)
	}
	for word := range strings.Lines(out) {
		if word = strings.TrimSpace(word); !strings.HasPrefix(word, ":") {
			words = append(words, word)
		}
	}
	return words
}

// waitForCompletions changes how long completions wait for the server, until the test ends.
func waitForCompletions(t *testing.T, d time.Duration) {
	t.Helper()
	before := completionTime
	completionTime = d
	t.Cleanup(func() { completionTime = before })
}

// TestCompletion completes words of enums, and names that the server knows.
func TestCompletion(t *testing.T) {
	startSandbox(t)
	waitForCompletions(t, time.Minute)
	for line, want := range map[string]string{
		"licenses list --status ":                                        "SUCCESS FAILURE",
		"sites disable vendors/n":                                        "5 vendors/ncp/sites/",
		"sites list vendors/p":                                           "1 vendors/pallycon",
		"sites list vendors/-":                                           "1 vendors/-",
		"licenses list vendors/pallycon/":                                "4 vendors/pallycon/sites/",
		"usage get vendors/pallycon/sites/D":                             "1 vendors/pallycon/sites/DEMO/usage",
		"sites update vendors/pallycon/sites/K":                          "1 vendors/pallycon/sites/KIDS",
		"product-licenses create vendors/amino --product vendors/amino/": "7 vendors/amino/products/",
		"check vendors/t":                                                "1 vendors/telecomx",
		"devices delete vendors/telecomx/drmAccounts/tester01":           "1 vendors/telecomx/drmAccounts/tester01/",
		"devices delete vendors/telecomx/drmAccounts/tester02/de":        "5 vendors/telecomx/drmAccounts/tester02/",
		"devices delete vendors/telecomx/drmAccounts/nobody/devices/":    "",
		"sites list -o ":                                                 "table wide tsv json ndjson name",
		"sites disable vendors/x vendors/":                               "",
	} {
		got := complete(t, line)
		count, prefix, _ := strings.Cut(want, " ")
		isNames := strings.HasPrefix(prefix, "vendors/")
		if isNames {
			isWanted := len(got) > 0 && strings.HasPrefix(got[0], prefix) && count == strconv.Itoa(len(got))
			if !isWanted {
				t.Errorf("%q: %q, want %s", line, got, want)
			}
		} else if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %s", line, got, want)
		}
	}
	t.Setenv(environment.Server, "127.0.0.1:1")
	if got := complete(t, "sites disable v"); got != nil {
		t.Errorf("without a server: %q", got)
	}
}

// TestACompletionEndsWithoutAResponse completes names at a server that never responds.
func TestACompletionEndsWithoutAResponse(t *testing.T) {
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv(environment.Server, silent.Addr().String())
	waitForCompletions(t, time.Millisecond)
	if got := complete(t, "sites disable v"); got != nil {
		t.Errorf("it completes %q", got)
	}
}

func TestContexts(t *testing.T) {
	s := startSandbox(t)
	t.Setenv(environment.Server, "")
	must := func(line string) string {
		t.Helper()
		out, _, err := run(t.Context(), "", strings.Fields(line)...)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return out
	}
	must("context set here --server " + s.grpc)
	must("context set far --server drmhub.example --token-file token --tls-server-name x")
	if out := must("context list"); out != "far   drmhub.example\nhere  "+s.grpc+"  current\n" {
		t.Errorf("it lists\n%s", out)
	}
	if out := must("sites list -o name --limit 1"); out != "vendors/pallycon/sites/DEMO\n" {
		t.Errorf("the current context: %s", out)
	}
	must("context use far")
	must("sites list --context here")
	t.Setenv(environment.Context, "here")
	must("sites list")
	t.Setenv(environment.Context, "none")
	if _, _, err := run(t.Context(), "", "sites", "list"); ExitCode(err) != ExitUsage {
		t.Errorf("a context that is not there: %v", err)
	}
	name, err := contextsFile()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of contexts: %v, %v", info, err)
	}
	if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = run(t.Context(), "", "sites", "list")
	if err == nil || !strings.Contains(err.Error(), "does not hold contexts") {
		t.Errorf("a broken file: %v", err)
	}
}

// TestWhichServerAndIdentity says what flags, environment and context come to.
func TestWhichServerAndIdentity(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	all := &contexts{Current: "prod", Contexts: map[string]*settings{
		"prod": {Server: "prod.example:1", TokenFile: "/prod.token"},
		"test": {Server: "test.example", TokenCommand: "echo t"},
	}}
	if err := all.write(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ env, line, want string }{ // want is server, token, file, command, TLS
		{"", "", "prod.example:1  /prod.token  tls"},
		{"", "--context test", "test.example:9090   echo t tls"},
		{"DRMHUB_CONTEXT=test", "--server [::1]", "[::1]:9090    plain"},
		{"DRMHUB_CONTEXT=test DRMHUB_SERVER=env.example:2", "", "env.example:2    tls"},
		{"DRMHUB_CONTEXT=test DRMHUB_SERVER=env.example:2", "--context prod", "prod.example:1  /prod.token  tls"},
		{"DRMHUB_TOKEN=secret", "", "prod.example:1 secret   tls"},
		{"DRMHUB_TOKEN=secret", "--token-file f", "prod.example:1  f  tls"},
		{"DRMHUB_TOKEN_FILE=f", "--context test", "test.example:9090  f  tls"},
		{"", "--server far.example:3 --plaintext", "far.example:3    plain"},
		{"", "--server localhost:3 --plaintext=false", "localhost:3    tls"},
		{"", "--server localhost:3 --tls-server-name x", "localhost:3    tls"},
		{"", "--server 127.0.0.1:3", "127.0.0.1:3    plain"},
		{"", "--context none", "error"},
		{"", "--token-file f --token-command c", "error"},
		{"", "--server localhost:3 --plaintext --tls-server-name x", "error"},
	} {
		for _, name := range environment.Names {
			t.Setenv(name, "")
		}
		for pair := range strings.FieldsSeq(c.env) {
			name, value, _ := strings.Cut(pair, "=")
			t.Setenv(name, value)
		}
		l, cmd := &client{}, &cobra.Command{}
		l.addFlags(cmd)
		if err := cmd.ParseFlags(strings.Fields(c.line)); err != nil {
			t.Fatal(err)
		}
		got := "error"
		if to, err := l.resolve(cmd); err == nil {
			if transport, err := to.transport(); err == nil {
				got = strings.Join([]string{to.Server, to.token, to.TokenFile, to.TokenCommand,
					strings.Replace(transport.Info().SecurityProtocol, "insecure", "plain", 1)}, " ")
			}
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.env, c.line, got, c.want)
		}
	}
}

func TestTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		b    *bearer
		want string
	}{
		{&bearer{text: "abc"}, "Bearer abc"}, {&bearer{file: file}, "Bearer abc"},
		{&bearer{command: "echo abc"}, "Bearer abc"},
		{&bearer{file: file + "x"}, ""}, {&bearer{command: "false"}, ""}, {&bearer{text: "a b"}, ""},
	} {
		header, err := c.b.GetRequestMetadata(t.Context())
		if header["authorization"] != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v: %v, %v", c.b.file+c.b.command+c.b.text, header, err)
		}
	}
}
