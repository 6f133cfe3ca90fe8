package audit

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// maxUnwritten is how many events a Sink keeps in memory until its output can be written again.
const maxUnwritten = 10_000

// A Sink writes a copy of the events as JSON lines, with the keys of Event. Others can read the
// copy and keep it elsewhere. Events of concurrent calls may be in another order than in their
// chain. An event that cannot be written is written later. A Sink is safe for concurrent use. A nil
// Sink writes nothing.
type Sink struct {
	log *slog.Logger

	mu        sync.Mutex
	out       io.Writer
	file      *os.File // nil if the sink does not own out
	cut       bool     // the last line of out is incomplete, and its rest is unknown
	unwritten []line   // in the order in which they came; a part of the first may be written
	copied    Copied
}

// A line is an event that is to be written, or the rest of it.
type line struct {
	text []byte
	came time.Time
}

// Copied is how far a copy is behind the store.
type Copied struct {
	// Events is how many events were written, and Failures how many attempts to write failed.
	Events, Failures int64
	// Unwritten is how many events are in the store and not in the copy. Lost is how many of them
	// will never be written, since too many were waiting.
	Unwritten, Lost int64
	// Since is when the first of the unwritten events came. It is zero if there are none.
	Since time.Time
}

// NewSink returns a sink that writes each line to out at once.
func NewSink(out io.Writer, log *slog.Logger) *Sink { return &Sink{log: log, out: out} }

// OpenSink returns a sink that appends to a file. It creates a missing file, which only its owner
// can read, and takes the rights of others away from an existing one. After the file was moved,
// restart the program. A log rotation that copies and truncates needs no restart.
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

// Record writes an event that is in the store already, and those that are still unwritten. If that
// fails, Record logs it, and a later Record or Retry writes the event.
func (s *Sink) Record(e Event) {
	if s == nil {
		return
	}
	text, err := json.Marshal(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && len(s.unwritten) < maxUnwritten:
		s.unwritten = append(s.unwritten, line{append(text, '\n'), time.Now()})
		if err := s.flush(); err != nil {
			s.log.Error("an audit event is in the store, and could not be copied yet", "event", e.Name(), "error", err)
		}
		return
	case err == nil:
		err = errors.New("too many events wait to be copied")
	}
	if s.copied.Lost++; s.copied.Lost == 1 {
		s.copied.Since = time.Now()
	}
	s.log.Error("an audit event is in the store, and will not be copied", "event", e.Name(), "error", err)
}

// Retry writes the events that are still unwritten.
func (s *Sink) Retry() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if waiting := len(s.unwritten); waiting > 0 && s.flush() == nil {
		s.log.Info("the copy of the audit trail can be written again", "events", waiting)
	}
}

// flush writes what is unwritten, in order. The caller holds the lock.
func (s *Sink) flush() error {
	for len(s.unwritten) > 0 {
		text := s.unwritten[0].text
		if s.cut {
			text = append([]byte{'\n'}, text...)
		}
		n, err := s.out.Write(text)
		if n > 0 && s.cut {
			s.cut, text, n = false, text[1:], n-1
		}
		if err != nil {
			s.unwritten[0].text = text[n:]
			s.copied.Failures++
			return err
		}
		s.copied.Events++
		s.unwritten = s.unwritten[1:]
	}
	s.unwritten = nil
	return nil
}

// Copied returns how far the copy is behind the store.
func (s *Sink) Copied() Copied {
	if s == nil {
		return Copied{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.copied
	c.Unwritten = c.Lost + int64(len(s.unwritten))
	if len(s.unwritten) > 0 && (c.Lost == 0 || s.unwritten[0].came.Before(c.Since)) {
		c.Since = s.unwritten[0].came
	}
	return c
}

// Close writes what is unwritten, and closes the file if the sink opened one.
func (s *Sink) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.flush()
	if s.file != nil {
		err = errors.Join(err, s.file.Sync(), s.file.Close())
	}
	if err != nil {
		return fmt.Errorf("the copy of the audit trail may lack its last events: %w", err)
	}
	return nil
}
