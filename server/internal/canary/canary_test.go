package canary_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
	"github.com/drmhub/drmhub/server/internal/canary"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines is a log that tests read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged since the last call.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// A vendor is one account, with the times of its reads.
type vendor struct {
	adapters.Adapter
	account *upstream.Account
	client  *upstream.Client
	begin   time.Time
	mu      sync.Mutex
	times   []time.Duration // of the reads, since the start
	does    atomic.Value    // what the vendor does, such as "200"
}

var site = shape.Of[struct {
	ID int `json:"id"`
}]("GET /sites")

func newVendor(t *testing.T, id string) *vendor {
	v := &vendor{account: upstream.NewAccount(id), begin: time.Now()}
	v.does.Store("200")
	client, err := upstream.New(upstream.Options{
		BaseURL: "https://vendor.test", Connection: upstream.Connection{Account: v.account, Transport: v},
	})
	if err != nil {
		t.Fatal(err)
	}
	v.client = client
	return v
}

func (v *vendor) Check(ctx context.Context) (string, error) {
	v.mu.Lock()
	v.times = append(v.times, time.Since(v.begin))
	v.mu.Unlock()
	if v.does.Load() == "panic" {
		panic("a bug")
	}
	_, err := v.client.Read(ctx, upstream.Request{Path: "/sites", Shape: site}, &struct{}{})
	return "", err
}

// reads returns the times of the reads.
func (v *vendor) reads() []time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.times)
}

// RoundTrip returns the response of the vendor.
func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r}
	res.Body = io.NopCloser(strings.NewReader("{}"))
	switch v.does.Load() {
	case "429":
		res.StatusCode = 429
		res.Header.Set("Retry-After", "240")
	case "404":
		res.StatusCode = 404
	case "drift":
		res.Body = io.NopCloser(strings.NewReader(`{"id":1,"a":1,"b":2}`))
	case "stall":
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return res, nil
}

func registry(t *testing.T, all ...*vendor) *vendors.Registry {
	var configured []vendors.Vendor
	for _, v := range all {
		configured = append(configured, vendors.Vendor{ID: v.account.ID(), Adapter: v, Account: v.account})
	}
	configured = append(configured, vendors.Vendor{ID: "without an account"})
	r, err := vendors.New(configured...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const interval = 5 * time.Minute

func TestReadsComeAtTheirIntervalAndNotTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := make([]*vendor, 8)
		for i := range all {
			all[i] = newVendor(t, fmt.Sprint("v", i))
		}
		c := canary.Start(registry(t, all...), interval, slog.New(slog.DiscardHandler))
		time.Sleep(time.Hour + time.Minute)
		c.Close()
		first := map[time.Duration]bool{}
		for _, v := range all {
			reads := v.reads()
			if len(reads) < 11 || len(reads) > 13 || reads[0] < interval/2 || reads[0] > interval+time.Second {
				t.Errorf("reads at %v", reads)
			}
			first[reads[0]] = true
			for i := range reads[1:] {
				if gap := reads[i+1] - reads[i]; gap < interval*9/10 || gap > interval*11/10 {
					t.Errorf("%v between two reads", gap)
				}
			}
			got := v.account.Canary()
			if got.Interval != interval || got.Err != nil || got.Skipped || time.Since(got.Next) > time.Second ||
				!got.Began.Equal(v.begin.Add(reads[len(reads)-1])) {
				t.Errorf("%+v", got)
			}
		}
		if len(first) < 4 {
			t.Errorf("all first reads are at %v", first)
		}
	})
}

func TestResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, well, log := newVendor(t, "ill"), newVendor(t, "well"), &lines{}
		c := canary.Start(registry(t, v, well), interval, slog.New(slog.NewTextHandler(log, nil)))
		time.Sleep(interval + time.Minute)
		for _, step := range []struct{ does, want, logged string }{
			{"404", "/sites", "a canary read failed"},
			{"404", "/sites", ""},
			{"200", "", "works again"},
			{"429", "429", "VENDOR_RATE_LIMITED"},
			{"200", "", "works again"}, // the pause has ended
			{"stall", "deadline", "a canary read failed"},
			{"panic", "a bug", "a canary read panicked"},
		} {
			v.does.Store(step.does)
			log.take()
			begun := v.account.Canary().Began
			for v.account.Canary().Began.Equal(begun) {
				time.Sleep(time.Second)
			}
			got := fmt.Sprint(v.account.Canary().Err)
			if v.account.Canary().Err == nil {
				got = ""
			}
			fresh := log.take()
			if !strings.Contains(got, step.want) || (step.want == "") != (got == "") ||
				!strings.Contains(fresh, step.logged) || (step.logged == "") != (fresh == "") {
				t.Errorf("%s: %q, logged %q; want %q and %q", step.does, got, fresh, step.want, step.logged)
			}
		}
		begun := v.account.Canary().Began
		v.does.Store("drift")
		for v.account.Canary().Began.Equal(begun) {
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		const differs = "a vendor's response differs from its documents"
		if fresh := log.take(); strings.Count(fresh, differs) != 2 || !strings.Contains(fresh, "path=a") {
			t.Errorf("logged %q, want each difference once", fresh)
		}
		if well.account.Canary().Err != nil || len(well.reads()) < 7 {
			t.Errorf("the other vendor is read at %v", well.reads())
		}
		c.Close()
	})
}

func TestAPauseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "v")
		v.does.Store("429")
		c := canary.Start(registry(t, v), time.Minute, slog.New(slog.DiscardHandler))
		time.Sleep(4 * time.Minute)
		if len(v.reads()) != 1 || !v.account.Canary().Skipped || v.account.Canary().Err != nil {
			t.Errorf("reads at %v, and %+v", v.reads(), v.account.Canary())
		}
		v.does.Store("200")
		time.Sleep(2 * time.Minute)
		if len(v.reads()) < 2 || v.account.Canary().Skipped {
			t.Errorf("reads at %v after the pause, and %+v", v.reads(), v.account.Canary())
		}
		c.Close()
	})
}

func TestAnotherConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newVendor(t, "one"), newVendor(t, "two")
		all := registry(t, one)
		c := canary.Start(all, 0, slog.New(slog.DiscardHandler))
		time.Sleep(time.Hour)
		if len(one.reads()) != 0 || one.account.Canary() != (upstream.Canary{}) {
			t.Errorf("a canary that is off reads at %v: %+v", one.reads(), one.account.Canary())
		}
		c.SetInterval(interval)
		time.Sleep(interval + time.Second)
		permit := func([]string) error { return nil }
		if err := all.Replace(registry(t, two).All(), permit); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if len(one.reads()) != 1 || len(two.reads()) < 11 {
			t.Errorf("reads at %v of the account that left, and at %v", one.reads(), two.reads())
		}
		two.does.Store("stall")
		for n := len(two.reads()); len(two.reads()) == n; {
			time.Sleep(time.Second)
		}
		c.SetInterval(0) // while a read is under way
		time.Sleep(2 * time.Second)
		before := len(two.reads())
		time.Sleep(time.Hour)
		if len(two.reads()) != before || two.account.Canary() != (upstream.Canary{}) {
			t.Errorf("a canary that was turned off reads at %v", two.reads())
		}
		c.Close()
	})
}

func TestCloseEndsAReadThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "v")
		v.does.Store("stall")
		c := canary.Start(registry(t, v), interval, slog.New(slog.DiscardHandler))
		for len(v.reads()) == 0 {
			time.Sleep(time.Second)
		}
		before := time.Now()
		c.Close()
		if time.Since(before) > 0 || v.account.Canary().Err != nil {
			t.Errorf("Close took %v, and the account shows %+v", time.Since(before), v.account.Canary())
		}
	})
}
