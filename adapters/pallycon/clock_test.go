package pallycon

import (
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
)

// The life of a token is counted by the time of day, as PallyCon counts it.
func TestATokenFollowsTheTimeOfDay(t *testing.T) {
	for what, c := range map[string]struct {
		set   time.Duration // how far the clock is set after the token was made
		again bool          // the token is used again
	}{
		"a clock that goes on":      {set: tokenLife - tokenRenewal - time.Nanosecond, again: true},
		"a machine that slept":      {set: time.Hour},
		"a clock that is set back":  {set: -time.Hour},
		"a clock that stands still": {again: true},
	} {
		now := time.Now() // with a reading of the monotonic clock
		tokens := newTokens(Config{ServiceAPIKey: secret.New("the-service-api-key")})
		tokens.now = func() time.Time { return now }
		first, err := tokens.get()
		if err != nil {
			t.Fatal(err)
		}
		if tokens.ends != tokens.ends.Round(0) {
			t.Errorf("%s: the end of a token is compared by the monotonic clock", what)
		}
		now = now.Round(0).Add(c.set)
		next, err := tokens.get()
		if err != nil {
			t.Fatal(err)
		}
		if again := next.Reveal() == first.Reveal(); again != c.again {
			t.Errorf("%s: the token is used again: %t", what, again)
		}
	}
}
