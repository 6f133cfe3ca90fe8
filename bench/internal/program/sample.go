package program

import (
	"bufio"
	"context"
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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.HTTP+"/metrics", http.NoBody)
	if err != nil {
		return now, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return now, err
	}
	defer func() { _ = res.Body.Close() }()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "go_goroutine_count"); ok {
			count, err := strconv.ParseFloat(value[strings.LastIndexByte(value, ' ')+1:], 64)
			if err != nil {
				return now, err
			}
			now.Goroutines = int(count)
		}
	}
	now.Resident, err = s.Memory("VmRSS")
	return now, err
}
