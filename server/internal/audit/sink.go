package audit

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/go-json-experiment/json"
)

// A Sink writes a copy of the events as JSON lines, with the keys of Event. Others can read the copy
// and keep it elsewhere. Events of concurrent calls may be in another order than in their chain. A
// Sink is safe for concurrent use. A nil Sink writes nothing.
type Sink struct {
	log *slog.Logger

	mu   sync.Mutex
	out  io.Writer
	file *os.File // nil if the sink does not own out
	cut  bool     // the last line of out is incomplete
}

// NewSink returns a sink that writes each line to out at once.
func NewSink(out io.Writer, log *slog.Logger) *Sink { return &Sink{log: log, out: out} }

// OpenSink returns a sink that appends to a file. It creates a missing file, which only its owner can
// read, and takes the rights of others away from an existing one. After the file was moved, restart
// the program. A log rotation that copies and truncates needs no restart.
func OpenSink(path string, log *slog.Logger) (*Sink, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the audit file cannot be written: %w", err)
	}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		if err := file.Chmod(info.Mode().Perm() & 0o700); err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("others can read the audit file, and its rights cannot be changed: %w", err)
		}
	}
	return &Sink{log: log, out: file, file: file, cut: isCut(file)}, nil
}

// isCut reports whether the last line of a file is incomplete, since a process was stopped.
func isCut(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// Record writes an event that is in the store already. If that fails, Record logs it.
func (s *Sink) Record(e Event) {
	if s == nil {
		return
	}
	line, err := json.Marshal(e)
	if err == nil {
		err = s.write(append(line, '\n'))
	}
	if err != nil {
		s.log.Error("an audit event is in the store, but could not be copied", "event", e.Name(), "error", err)
	}
}

func (s *Sink) write(line []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		line = append([]byte{'\n'}, line...)
	}
	n, err := s.out.Write(line)
	if n > 0 {
		s.cut = line[n-1] != '\n'
	}
	return err
}

// Close closes the file, if the sink opened one.
func (s *Sink) Close() error {
	if s == nil || s.file == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.file.Sync(); err != nil {
		_ = s.file.Close()
		return fmt.Errorf("the audit file may lack its last lines: %w", err)
	}
	return s.file.Close()
}
