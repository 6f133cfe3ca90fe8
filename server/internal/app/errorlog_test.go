package app

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailedHandshakesAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log := slog.NewLogLogger(&errorLog{Handler: slog.NewTextHandler(&out, nil)}, slog.LevelWarn)
		for range 100 {
			log.Print("http: TLS handshake error from 192.0.2.1:4711: EOF")
		}
		log.Print("http: something else")
		time.Sleep(time.Minute)
		log.Print("http: TLS handshake error from 192.0.2.2:4711: EOF")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[1], "something else") ||
			!strings.Contains(lines[2], "left_out=99") {
			t.Errorf("the log: %s", &out)
		}
	})
}
