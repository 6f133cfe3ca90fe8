package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/go-json-experiment/json"
)

const (
	// maxLine bounds a line of a sink, in bytes. Every event is much shorter.
	maxLine = 1 << 20
	// maxWaiting is how many events of a chain may be written before an earlier one.
	maxWaiting = 1 << 16
)

// VerifyFiles checks the chains that a Sink wrote, and returns them in the order in which they
// begin. It reads the files one after the other as if they were one, since a chain must be complete
// from its first event on. The error names the first line that is no event, or the file that cannot
// be read. Everything else is checked all the same.
func VerifyFiles(paths ...string) ([]Chain, error) {
	var all lines
	var first error
	for _, path := range paths {
		if err := all.readFile(path); first == nil {
			first = err
		}
	}
	var chains []Chain
	for _, w := range all.walks {
		w.flush()
		chains = append(chains, w.end())
	}
	return chains, first
}

// lines holds the chains of the lines that were read.
type lines struct {
	walks   []*sorted
	byChain map[string]*sorted
}

func (l *lines) readFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the audit file cannot be read: %w", err)
	}
	defer file.Close()
	return l.read(path, file)
}

func (l *lines) read(name string, r io.Reader) (first error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	for n := 1; scanner.Scan(); n++ {
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		e, err := parse(scanner.Bytes())
		if err == nil {
			l.chain(e.Chain).add(e)
		} else if first == nil {
			first = fmt.Errorf("%s:%d is not a whole audit event: %w", name, n, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("%s cannot be read to its end: %w", name, err)
	}
	return first
}

func (l *lines) chain(id string) *sorted {
	w, known := l.byChain[id]
	if !known {
		if l.byChain == nil {
			l.byChain = map[string]*sorted{}
		}
		w = &sorted{walk: walk{chain: Chain{ID: id}}, waiting: map[int64]Event{}, next: 1}
		l.byChain[id] = w
		l.walks = append(l.walks, w)
	}
	return w
}

// parse reads one line. It refuses a duplicate, misspelled or unknown key, since other readers
// could read that line differently.
func parse(line []byte) (e Event, err error) {
	err = json.Unmarshal(line, &e, json.RejectUnknownMembers(true))
	if err == nil && e.Chain == "" {
		err = errors.New("the line names no chain")
	}
	return e, err
}

// sorted is a walk over events that are nearly in order.
type sorted struct {
	walk
	waiting map[int64]Event // the events that came too early, by position
	next    int64           // the position of the next event
}

func (s *sorted) add(e Event) {
	switch _, twice := s.waiting[e.Position]; {
	case s.chain.Damage != "", e.Position < s.next:
		// It is only counted, or it is older than an event that was checked.
		s.step(e)
		return
	case twice:
		s.step(e)
		s.damaged(Inserted, e.Position)
		return
	}
	s.waiting[e.Position] = e
	for {
		due, ok := s.waiting[s.next]
		if !ok {
			break
		}
		delete(s.waiting, s.next)
		s.next++
		s.step(due)
	}
	if len(s.waiting) > maxWaiting {
		s.flush()
	}
}

// flush checks the waiting events. The events before them are missing.
func (s *sorted) flush() {
	for _, position := range slices.Sorted(maps.Keys(s.waiting)) {
		s.step(s.waiting[position])
		s.next = position + 1
	}
	clear(s.waiting)
}
