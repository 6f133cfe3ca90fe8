package cli

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/environment"
)

// A sandbox is a server that a test calls with commands and over REST.
type sandbox struct {
	grpc, rest string
	twins      map[string]string // the URL of each
}

func startSandbox(t *testing.T) *sandbox {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	twins, endTwins := context.WithCancel(context.Background())
	cfg, running, err := app.Sandbox(twins, "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Archive.Idle = true // A pass would meet the faults that a test orders.
	a, err := app.Start(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := &sandbox{grpc: a.GRPCAddr(), rest: a.HTTPURL(), twins: map[string]string{}} // before Serve changes a
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		endTwins()
	})
	for _, twin := range running {
		s.twins[twin.Kind] = twin.URL
	}
	t.Setenv(environment.Server, s.grpc)
	return s
}

// tree returns a program that has only the client's commands.
func tree() *cobra.Command {
	root := &cobra.Command{Use: "drmhub", SilenceErrors: true, SilenceUsage: true, Args: NoArgs}
	root.AddGroup(&cobra.Group{ID: GroupID})
	root.AddCommand(Commands()...)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return Usagef("%w", err) })
	return root
}

// run runs a command with this standard input.
func run(ctx context.Context, in string, args ...string) (out, errs string, err error) {
	var o, e bytes.Buffer
	root := tree()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(in))
	root.SetOut(&o)
	root.SetErr(&e)
	err = root.ExecuteContext(ctx)
	return o.String(), e.String(), err
}

// fetch makes a REST call.
func fetch(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
