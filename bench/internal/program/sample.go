package program

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Sample is the state of a server's process.
type Sample struct {
	Goroutines int
	Resident   int // bytes of memory
}

// Stale is how old the server's count of its goroutines may be.
const Stale = 16 * time.Second

// Sample returns how many goroutines the server says that it has, and its resident memory.
func (s *Server) Sample(ctx context.Context) (now Sample, err error) {
	count, err := s.Metric(ctx, "go_goroutine_count")
	if err != nil {
		return now, err
	}
	now.Goroutines = int(count)
	now.Resident, err = s.Memory("VmRSS")
	return now, err
}

// Metric returns the sum of a metric's values on the server's page of metrics. A metric of the Go
// runtime may be as old as Stale.
func (s *Server) Metric(ctx context.Context, name string) (sum float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+cmp.Or(s.Ops, s.HTTP)+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	found := false
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		value, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, errors.Join(errors.New("the server has no metric "+name), lines.Err())
	}
	return sum, lines.Err()
}
