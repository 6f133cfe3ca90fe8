package keyset_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An issuer serves a set to the transport that it is. It makes no connection, so that the clock of
// a test is synctest's.
type issuer struct {
	mu     sync.Mutex
	body   string
	status int
	delay  time.Duration
	starts []time.Time
}

func (i *issuer) serve(status int, kids ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body = status, setOf(kids...)
}

func (i *issuer) slow(delay time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.delay = delay
}

func (i *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.starts = append(i.starts, time.Now())
	body, status, delay := i.body, i.status, i.delay
	i.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if req.URL.Host == "elsewhere.example" { // whom a redirect names
		status, body = http.StatusOK, setOf("b")
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	header := http.Header{"Location": {"https://elsewhere.example/"}}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// fetched returns how many fetches started, and fails if two of them were less than a second apart.
func (i *issuer) fetched(t *testing.T) int {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	for j := range i.starts {
		if j > 0 && i.starts[j].Sub(i.starts[j-1]) < time.Second {
			t.Errorf("fetches at %v and %v", i.starts[j-1], i.starts[j])
		}
	}
	return len(i.starts)
}

func setOf(kids ...string) string {
	var keys []string
	for _, kid := range kids {
		keys = append(keys, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, kid, ed25519X))
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// start returns a set that an issuer serves, in the bubble of the test.
func start(t *testing.T, i *issuer) *keyset.Set {
	t.Helper()
	s, err := keyset.New(keyset.Options{URL: "https://id.example/keys?code=canary", Transport: i, Log: logOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	s.Start(t.Context())
	t.Cleanup(s.Close)
	return s
}

// logOf returns a log that fails the test if it shows the query of the set's URL.
func logOf(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(writer(func(line []byte) {
		if strings.Contains(string(line), "canary") {
			t.Errorf("a secret in the log: %s", line)
		}
	}), nil))
}

type writer func([]byte)

func (w writer) Write(line []byte) (int, error) { w(line); return len(line), nil }

// together calls do in n goroutines at once, and returns how many calls failed.
func together(n int, do func(i int) error) int {
	var failed atomic.Int64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if do(i) != nil {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	return int(failed.Load())
}

func TestAStormOfUnknownKeysCausesFewFetches(t *testing.T) {
	for name, pause := range map[string]time.Duration{
		"as fast as possible": 0, "over two seconds": 100 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{delay: 20 * time.Millisecond}
				i.serve(200, "a")
				s := start(t, i)
				time.Sleep(time.Minute)
				before, began := i.fetched(t), time.Now()
				together(50, func(caller int) error {
					for j := range 20 {
						time.Sleep(pause)
						if _, err := s.Find(t.Context(), fmt.Sprint("evil", caller, "-", j)); err == nil {
							t.Error("found")
						}
						if time.Since(began) > 2*time.Second { // The storm lasts two seconds.
							break
						}
					}
					one := time.Now()
					if _, err := s.Find(t.Context(), "a"); err != nil {
						t.Error(err)
					}
					if took := time.Since(one); took != 0 {
						t.Errorf("a known key took %v", took)
					}
					return nil
				})
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("took %v", took)
				}
				if n := i.fetched(t) - before; n > 3 {
					t.Errorf("%d fetches", n)
				}
			})
		})
	}
}

func TestNobodyIsRefusedAtARotation(t *testing.T) {
	for name, wait := range map[string]time.Duration{
		"long after a fetch":  time.Minute,
		"right after a fetch": 21 * time.Millisecond,
		"during a fetch":      time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{delay: 20 * time.Millisecond}
				i.serve(200, "a")
				s := start(t, i)
				time.Sleep(wait)
				i.serve(200, "a", "b")
				began, before := time.Now(), i.fetched(t)
				if refused := together(50, func(int) error {
					_, err := s.Find(t.Context(), "b")
					return err
				}); refused != 0 {
					t.Errorf("%d of 50 refused", refused)
				}
				if took, n := time.Since(began), i.fetched(t)-before; took > 1100*time.Millisecond || n != 1 {
					t.Errorf("%v, %d fetches", took, n)
				}
			})
		})
	}
}

func TestOnlySoManyCallersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{delay: 20 * time.Millisecond}
		i.serve(200, "a")
		s := start(t, i)
		time.Sleep(time.Minute)
		var waited atomic.Int64
		began := time.Now()
		together(2100, func(caller int) error {
			_, err := s.Find(t.Context(), fmt.Sprint("b", caller%10))
			if time.Since(began) > 0 {
				waited.Add(1)
			}
			return err
		})
		if waited.Load() != 2000 {
			t.Errorf("%d callers waited", waited.Load())
		}
	})
}

func TestARotationSucceedsWithinASecondDuringAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{delay: 20 * time.Millisecond}
		i.serve(200, "a")
		s := start(t, i)
		storm, stop := context.WithCancel(t.Context())
		var strangers sync.WaitGroup
		for caller := range 100 {
			strangers.Go(func() {
				for j := 0; storm.Err() == nil; j++ {
					time.Sleep(time.Millisecond)
					_, _ = s.Find(storm, fmt.Sprint(caller, "-", j))
				}
			})
		}
		time.Sleep(10 * time.Second)
		i.serve(200, "a", "b")
		rotated := time.Now()
		for {
			if _, err := s.Find(t.Context(), "b"); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(rotated); took > 1100*time.Millisecond {
			t.Errorf("the new key counts after %v", took)
		}
		stop()
		strangers.Wait()
		if n := i.fetched(t); n > 13 {
			t.Errorf("%d fetches in 11 seconds", n)
		}
	})
}

func TestAnOutageOfAnHourRefusesNobody(t *testing.T) {
	for name, fail := range map[string]func(i *issuer){
		"refused": func(i *issuer) { i.serve(0) }, "500": func(i *issuer) { i.serve(500) },
		"a redirect": func(i *issuer) { i.serve(302, "b") }, "an empty set": func(i *issuer) { i.serve(200) },
		"too large": func(i *issuer) { i.serve(200, "a", strings.Repeat("x", 1<<20)) },
		"no answer": func(i *issuer) { i.slow(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{}
				i.serve(200, "a")
				s := start(t, i)
				time.Sleep(time.Minute)
				generation := s.Generation()
				fail(i)
				for range 60 {
					time.Sleep(time.Minute)
					if _, err := s.Find(t.Context(), "a"); err != nil {
						t.Fatal(err)
					}
				}
				age, ok := s.Age()
				if !ok || age < 59*time.Minute || s.Failures() < 45 || s.Fetches() > 80 {
					t.Errorf("age %v, %d failures of %d", age, s.Failures(), s.Fetches())
				}
				began := time.Now()
				_, err := s.Find(t.Context(), "b")
				if took := time.Since(began); !errors.Is(err, keyset.ErrUnknown) || took > 7*time.Second {
					t.Errorf("%v after %v", err, took)
				}
				i.slow(0)
				i.serve(200, "a")
				time.Sleep(70 * time.Second)
				if age, _ := s.Age(); age > 70*time.Second || s.Generation() != generation {
					t.Errorf("after the outage, the age is %v, the generation %d", age, s.Generation())
				}
			})
		})
	}
}
