package cli

import (
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/messagejson"
)

const watchHelp = `It prints a line at each change of the mutation's state, until the outcome is known or cannot
be found out.

The exit code is 0 if the change took effect, and 1 if it had no effect. It is 3 if drmhub does not know and
does not read it back any more, and if the watch ends before the outcome is known.`

// watchCommand follows a mutation until it is settled.
func watchCommand(l *client) *cobra.Command {
	get := contract.Lookup(pb.MutationService_GetMutation_FullMethodName)
	name := &command{rpc: get, client: l}
	var interval time.Duration
	c := &cobra.Command{
		Use:   "watch NAME",
		Short: "Follow a mutation until its outcome is known",
		Long:  "Follow a mutation until its outcome is known.\n\n" + watchHelp,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return Usagef("%s needs one name, such as mutations/MUTATION\nSee: %[1]s --help", c.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: name.completeName,
		RunE: func(c *cobra.Command, args []string) error {
			if interval <= 0 {
				return Usagef("--interval must be more than 0s")
			}
			p, s, err := l.open(c)
			if err != nil {
				return err
			}
			defer s.close()
			// A closed pipe must not end the process: its exit code says the outcome.
			signal.Ignore(syscall.SIGPIPE)
			return s.watch(p, args[0], interval)
		},
	}
	c.Flags().DurationVar(&interval, "interval", time.Second, "the pause between two looks at the record")
	return c
}

// watch prints the progress of a mutation until its outcome is known. An error that ends it before
// never has the exit code of a change without effect.
func (s *session) watch(p *printer, name string, interval time.Duration) error {
	get := contract.Lookup(pb.MutationService_GetMutation_FullMethodName)
	said := ""
	for {
		m := &pb.Mutation{}
		if err := s.invoke(get, &pb.GetMutationRequest{Name: name}, m); err != nil {
			return exitError{s.failed(get, err), ExitOutcomeUnknown}
		}
		if line := progressOf(m); line != said {
			if err := p.progress(m, line); err != nil {
				return exitError{fmt.Errorf("the progress cannot be printed: %w", err), ExitOutcomeUnknown}
			}
			said = line
		}
		if err, over := settled(m); over {
			return err
		}
		select {
		case <-s.cmd.Context().Done():
			text := "the watch was stopped, and the mutation is not settled yet"
			return exitError{errors.New(text), ExitOutcomeUnknown}
		case <-time.After(interval):
		}
	}
}

// progress prints a line of a watch: the mutation as JSON, or what people read.
func (p *printer) progress(m *pb.Mutation, line string) error {
	if p.format == formatJSON || p.format == formatNDJSON {
		body, err := messagejson.Append(nil, m)
		if err != nil {
			return err
		}
		_, err = p.out.Write(append(body, '\n'))
		return err
	}
	_, err := fmt.Fprintf(p.out, "%s %s\n", time.Now().UTC().Format(time.RFC3339), line)
	return err
}

// progressOf returns the state of a mutation and of its steps in one line.
func progressOf(m *pb.Mutation) string {
	var line strings.Builder
	line.WriteString(m.GetState().String())
	for _, step := range m.GetSteps() {
		fmt.Fprintf(&line, " %s=%s", Clean(step.GetId()), step.GetState())
	}
	if m.GetMessage() != "" {
		line.WriteString(": " + Clean(m.GetMessage()))
	}
	return line.String()
}

// settled reports whether a mutation changes no more by itself, and what it came to.
func settled(m *pb.Mutation) (err error, over bool) { //nolint:revive // The error is the outcome.
	switch m.GetState() {
	case pb.Mutation_SUCCEEDED:
		return nil, true
	case pb.Mutation_FAILED:
		return exitError{errors.New("the change had no effect"), ExitFailed}, true
	case pb.Mutation_UNKNOWN:
		if m.GetNextSettleTime() == nil {
			return exitError{errors.New("the change may have been made, and drmhub does not read it back any more: " +
				"look at the vendor's console"), ExitOutcomeUnknown}, true
		}
	}
	return nil, false
}
