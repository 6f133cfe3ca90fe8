package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/store"
)

// newSink returns the copy of the audit trail beside the store, or nil if there is no copy.
func newSink(cfg config.Audit, log *slog.Logger) (*audit.Sink, error) {
	switch {
	case cfg.File != "":
		return audit.OpenSink(string(cfg.File), log)
	case cfg.Stdout:
		return audit.NewSink(os.Stdout, log), nil
	}
	return nil, nil
}

// copyRetry is the pause before events that could not be copied are written again.
const copyRetry = 5 * time.Second

// retryCopies writes the events again that could not be copied, until the server stops.
func (a *App) retryCopies() {
	ticker := time.NewTicker(copyRetry)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.sink.Retry()
		case <-a.polling.Done():
			return
		}
	}
}

// VerifyAudit checks the audit trail in the store of a configuration file, and prints a line for
// every chain. Its error says what is broken and where. VerifyAudit only reads, and the store may
// be in use.
func VerifyAudit(ctx context.Context, configFile string, out io.Writer) error {
	cfg, err := config.ReadStore(configFile)
	if err != nil {
		return err
	}
	db, err := store.View(ctx, cfg.DSN.Reveal())
	if err != nil {
		return err
	}
	var chains []audit.Chain
	err = audit.Verify(ctx, db, func(c audit.Chain) { chains = append(chains, c) })
	return errors.Join(report(out, chains, err), db.Close())
}

// VerifyAuditFiles is VerifyAudit for files of audit events as JSON lines, oldest first.
func VerifyAuditFiles(files []string, out io.Writer) error {
	chains, err := audit.VerifyFiles(files...)
	return report(out, chains, err)
}

// report prints the chains. Its error joins err, and says which chains are broken.
func report(out io.Writer, chains []audit.Chain, err error) error {
	problems := []error{err}
	for _, c := range chains {
		fmt.Fprintln(out, c)
		if c.Damage != "" {
			broken := fmt.Errorf("the audit trail is broken: %s is %s", c.Damaged(), c.Damage)
			problems = append(problems, broken)
		}
	}
	if len(chains) == 0 && err == nil {
		fmt.Fprintln(out, "there are no audit events")
	}
	return errors.Join(problems...)
}
