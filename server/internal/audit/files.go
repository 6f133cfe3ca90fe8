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
	// longestLine bounds a line of a sink, in bytes. No event is near it.
	longestLine = 1 << 20
	// mostWaiting is how many events of a chain may stand before one that belongs in front of them.
	mostWaiting = 1 << 16
)

// VerifyFiles walks the chains in what a Sink wrote, and answers them in the order in which they
// begin. The files are read one after the other as if they were one, since a chain must be there
// from its first event on. The error names the first line that is no event, or the file that cannot
// be read; all else is judged nevertheless.
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
		chains = append(chains, w.end()...)
	}
	return chains, first
}

// lines are the chains that stand in the lines that were read.
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
	scanner.Buffer(nil, longestLine)
	for n := 1; scanner.Scan(); n++ {
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		e, err := parse(scanner.Bytes())
		if err == nil {
			l.chain(e.Chain).add(e)
		} else if first == nil {
			first = fmt.Errorf("%s:%d is no whole audit event: %w", name, n, err)
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

// parse reads one line. A key that is there twice, misspelt or unknown could show one thing to this
// reader and another to others.
func parse(line []byte) (e Event, err error) {
	err = json.Unmarshal(line, &e, json.RejectUnknownMembers(true))
	if err == nil && e.Chain == "" {
		err = errors.New("it names no chain")
	}
	return e, err
}

// sorted is a walk whose events come nearly in order.
type sorted struct {
	walk
	waiting map[int64]Event // those that came before their turn, by position
	next    int64           // whose turn it is
}

func (s *sorted) add(e Event) {
	switch _, twice := s.waiting[e.Position]; {
	case s.chain.Damage != "", e.Position < s.next:
		// is only counted, or belongs behind one that was judged
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
	if len(s.waiting) > mostWaiting {
		s.flush()
	}
}

// flush waits no longer for events that are not there.
func (s *sorted) flush() {
	for _, position := range slices.Sorted(maps.Keys(s.waiting)) {
		s.step(s.waiting[position])
		s.next = position + 1
	}
	clear(s.waiting)
}
