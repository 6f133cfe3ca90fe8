// Package program runs the real server, built from this source, in processes of its own.
package program

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Flag adds the flag -server, which names the server's program.
func Flag(flags *flag.FlagSet) *string {
	return flags.String("server", "", "the server's `program`; by default it is built from this source")
}

// Build compiles the server into folder, and returns the program's path.
func Build(ctx context.Context, folder string) (binary string, err error) {
	return Compile(ctx, folder, "server")
}

// Compile compiles the program in a folder of this module, such as server, into folder. It does so
// as a release does, so that what is measured is what runs.
func Compile(ctx context.Context, folder, source string) (binary string, err error) {
	binary = filepath.Join(folder, filepath.Base(source))
	//nolint:gosec // The program is one of this module's.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "grpcnotrace",
		"-ldflags", "-s -w", "-o", binary, "github.com/drmhub/drmhub/"+source)
	build.Stderr = os.Stderr
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building %s: %w", source, err)
	}
	return binary, nil
}

// Server is a running server.
type Server struct {
	process *exec.Cmd
	// GRPC and HTTP are the addresses where it listens, as host:port.
	GRPC, HTTP string
	// Ops is the address of its page of metrics, if that is not HTTP.
	Ops string
	// Took is the time from its start until it was ready.
	Took time.Duration
}

var readyLine = regexp.MustCompile(`gRPC on ([^,\s]+)(?:, REST on http://([^,\s]+))?`)

// Ready returns the line that Start waits for. http is "" if there is no REST.
func Ready(grpc, http string) string {
	if http == "" {
		return "gRPC on " + grpc
	}
	return "gRPC on " + grpc + ", REST on http://" + http
}

// Start starts a server with a configuration file and this environment alone. It returns once the
// server takes calls. The server logs to log.
func Start(binary, config string, env []string, log io.Writer) (*Server, error) {
	return start(log, append([]string{}, env...), binary, "--config", config)
}

// start starts a program, and returns once it has printed that it is ready. Without an environment,
// the program has that of this one.
func start(log io.Writer, env []string, binary string, args ...string) (*Server, error) {
	s := &Server{process: exec.Command(binary, args...)} //nolint:gosec,noctx // Kill and Stop end it.
	s.process.Env, s.process.Stderr = env, log
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			s.GRPC, s.HTTP, s.Took = m[1], m[2], time.Since(begun)
			return s, nil
		}
	}
	return nil, errors.Join(errors.New("the server ended before it was ready; see its log"), s.process.Wait())
}

// Pid returns the id of the server's process.
func (s *Server) Pid() int { return s.process.Process.Pid }

// Memory returns a line of the process's memory in /proc, in bytes. VmRSS is what is resident now,
// and VmHWM the maximum that ever was.
func (s *Server) Memory(key string) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			kibibytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return kibibytes << 10, err
		}
	}
	return 0, errors.New("/proc shows no " + key)
}

// CPU returns the processor time that the process has used.
func (s *Server) CPU() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.Pid()))
	if err != nil {
		return 0, err
	}
	const tick = 10 * time.Millisecond // Linux shows hundredths of a second.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, err
}

// Kill ends the server as a power cut would.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop lets the server finish the calls in flight.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Wait blocks until the server has ended by itself, and returns its exit code.
func (s *Server) Wait() int {
	_ = s.process.Wait() // The code says how it ended.
	return s.process.ProcessState.ExitCode()
}

func (s *Server) end(signal os.Signal) {
	_ = s.process.Process.Signal(signal) // it may have ended
	_ = s.process.Wait()                 // its log says how it ended
}
