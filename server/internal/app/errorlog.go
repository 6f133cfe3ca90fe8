package app

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// handshakeLogPause is the pause between two lines about failed handshakes, which strangers can
// cause.
const handshakeLogPause = time.Minute

// An errorLog handles the log of an HTTP server's own errors. Of failed handshakes it shows one a
// minute, with the number of those that it left out.
type errorLog struct {
	slog.Handler

	mu      sync.Mutex
	shown   time.Time // the latest failed handshake
	leftOut int
}

// Handle logs one line.
func (l *errorLog) Handle(ctx context.Context, line slog.Record) error {
	if !strings.Contains(line.Message, "TLS handshake error") {
		return l.Handler.Handle(ctx, line)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.shown.IsZero() && time.Since(l.shown) < handshakeLogPause {
		l.leftOut++
		return nil
	}
	line.AddAttrs(slog.Int("left_out", l.leftOut))
	l.shown, l.leftOut = time.Now(), 0
	return l.Handler.Handle(ctx, line)
}
