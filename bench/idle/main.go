// Command idle measures what the server costs while nobody calls it: its resident memory, and the
// time until it is ready.
//
//	go run ./bench/idle                    a million kept mutations, three minutes
//	go run ./bench/idle -mutations 1000    a smaller journal
//
// The command fails if the server with the journal takes 40 MiB or more, or 150 ms or more to
// become ready. Nothing is demanded of the sandbox, which holds four twins and an archive in
// memory.
//
// The server is the real one, built from this source as a release is. It starts several times in
// turns: with a configuration of one vendor and a journal of kept mutations in SQLite, and as the
// sandbox with its four twins. Ready is the median time from the start of the process until it
// takes calls. Memory is VmRSS of /proc, some seconds after that. A part of it is pages of the
// program's file, which processes share and which the system can take back. The table shows the
// rest as its own column. Kept mutations are copies of a real one. The command needs Linux and Go.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/program"
	"github.com/drmhub/drmhub/bench/internal/report"
)

func main() { program.Main(run) }

// The bounds of what is measured.
const (
	maxMemory = 40  // MiB
	maxTime   = 150 // milliseconds
)

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("idle", flag.ContinueOnError)
	mutations := flags.Int("mutations", 1_000_000, "the `number` of kept mutations")
	starts := flags.Int("starts", 5, "the `number` of starts of each server")
	wait := flags.Duration("wait", 5*time.Second, "how `long` after the last start the memory is read")
	binary := program.Flag(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	running, err := program.Begin("idle")
	if err != nil {
		return err
	}
	defer running.Close()
	running.Binary = *binary
	configuration, err := journal(ctx, running, *mutations)
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(running.Folder, journalFile))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The journal has %d mutations in %.0f MiB.\n\n", *mutations, mebibytes(int(info.Size())))
	table := report.NewTable(out, "server", "ready:", "demanded:", "memory:", "demanded:", "without file pages:")
	for _, s := range []struct {
		name   string
		judged bool
		start  func() (*program.Server, error)
	}{
		{"with the journal", true, func() (*program.Server, error) {
			return running.Serve(ctx, "drmhub", configuration, key)
		}},
		{"sandbox", false, func() (*program.Server, error) { return running.Sandbox(ctx) }},
	} {
		found, err := measure(ctx, s.start, *starts, *wait)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		found.print(table, s.name, s.judged)
	}
	return table.Missed()
}

// A state is how a server was after its start.
type state struct {
	ready               time.Duration
	resident, anonymous int // bytes
}

// measure starts a server again and again, and reads the memory of the last one.
func measure(
	ctx context.Context, start func() (*program.Server, error), starts int, wait time.Duration,
) (found state, err error) {
	var ready []time.Duration
	var s *program.Server
	for range starts {
		if s != nil {
			s.Stop()
		}
		if s, err = start(); err != nil {
			return found, err
		}
		ready = append(ready, s.Took)
	}
	defer s.Stop()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return found, context.Cause(ctx)
	}
	found.ready = load.Median(slices.Clone(ready))
	if found.resident, err = s.Memory("VmRSS"); err != nil {
		return found, err
	}
	found.anonymous, err = s.Memory("RssAnon")
	return found, err
}

func (s state) print(table *report.Table, name string, judged bool) {
	milliseconds, resident := float64(s.ready)/float64(time.Millisecond), mebibytes(s.resident)
	timeLimit, memoryLimit := "", ""
	if judged {
		timeLimit = table.Under(name+": the time until it is ready", milliseconds, maxTime, "ms")
		memoryLimit = table.Under(name+": the memory", resident, maxMemory, "MiB")
	}
	table.Row(name, fmt.Sprintf("%.0f ms", milliseconds), timeLimit,
		fmt.Sprintf("%.1f MiB", resident), memoryLimit, fmt.Sprintf("%.1f MiB", mebibytes(s.anonymous)))
}

func mebibytes(bytes int) float64 { return float64(bytes) / (1 << 20) }
