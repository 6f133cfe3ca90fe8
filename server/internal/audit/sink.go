package audit

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/go-json-experiment/json"
)

// Sink writes events as JSON lines, one object a line with the keys of Event, beside the store: a
// copy that others can read and keep elsewhere. Events of concurrent calls may stand in another
// order than in their chain. It is safe for concurrent use; a nil Sink writes nothing.
type Sink struct {
	log *slog.Logger

	mu   sync.Mutex
	out  io.Writer
	file *os.File // nil where out is not the sink's to close
	cut  bool     // out ends amid a line
}

// NewSink makes a sink that writes to out, each line at once.
func NewSink(out io.Writer, log *slog.Logger) *Sink { return &Sink{log: log, out: out} }

// OpenSink makes a sink that appends to a file. It is made where it is not there, and then only its
// owner can read it. Who moves it away must start the program again; a log rotation that copies and
// truncates needs nothing.
func OpenSink(path string, log *slog.Logger) (*Sink, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the audit file cannot be written: %w", err)
	}
	return &Sink{log: log, out: file, file: file, cut: endsAmidLine(file)}, nil
}

// endsAmidLine reports whether a process was stopped as it wrote to the file.
func endsAmidLine(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, info.Size()-1)
	return err == nil && last[0] != '\n'
}

// Record writes an event that is in the store. Where that fails, the log says so, and the event is
// in the store nevertheless.
func (s *Sink) Record(e Event) {
	if s == nil {
		return
	}
	line, err := json.Marshal(e)
	if err == nil {
		err = s.write(append(line, '\n'))
	}
	if err != nil {
		s.log.Error("an audit event is in the store, and could not be written beside it", "event", e.Name(), "error", err)
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
