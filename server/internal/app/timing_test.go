package app

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
)

func TestOrderOfDurations(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	stop := regexp.MustCompile(`--stop-timeout (\d+)`).FindSubmatch(readme)
	if stop == nil {
		t.Fatal("README.md has no --stop-timeout")
	}
	stopTime, _ := time.ParseDuration(string(stop[1]) + "s")
	if mutation.MaxWriteTime >= graceTime || watchTime >= graceTime || graceTime+closeTime+2*lastTime >= stopTime ||
		readTime >= graceTime {
		t.Errorf("a write takes up to %v, the server may take %v, and the container is killed after %v",
			mutation.MaxWriteTime, graceTime+closeTime+2*lastTime, stopTime)
	}
	// grpc-go's clients ask every 10 seconds at most, and others not more often than every 5.
	if minPingTime > 5*time.Second || pingTimeout >= pingTime || maxReadTime >= graceTime {
		t.Errorf("clients may ask every %v; the server asks every %v for %v, and an answer may wait for %v",
			minPingTime, pingTime, pingTimeout, maxReadTime)
	}
}
