package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
)

// TestACredentialRotates reloads many times while calls are made, and replaces the key of the
// vendor as kubelet does: by a link to another folder.
func TestACredentialRotates(t *testing.T) {
	before := goleak.IgnoreCurrent()
	const newKey = "0123456789abcdef0123456789abcdef"
	vendors := []*emulator.Emulator{newPallyCon(), emulator.New(emulator.Options{ServiceAPIKey: newKey})}
	vendors[1].PutSites(emulator.Site{SiteID: "DEMO", ServiceName: "Demo"})
	var rotated atomic.Int32
	f := startFiled(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		if vendors[1].ServeHTTP(answer, r.Clone(r.Context())); answer.Code == http.StatusOK {
			rotated.Add(1)
			_, _ = w.Write(answer.Body.Bytes())
			return
		}
		vendors[0].ServeHTTP(w, r)
	}), 20*time.Millisecond)
	done := make(chan struct{})
	var calling sync.WaitGroup
	var calls atomic.Int32
	for range 4 {
		calling.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond) // 200 calls a second
			defer tick.Stop()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				if code := f.site(t, "acme"); code != codes.OK {
					t.Errorf("a call: %v", code)
				}
				calls.Add(1)
			}
		})
	}
	reloads := 100
	if os.Getenv("DRMHUB_TEST_EXHAUSTIVE") != "" {
		reloads = 1000
	}
	for i := range reloads {
		if err := f.reload(t, "20s", fmt.Sprintf("%ds", 10+i%10)); err != nil {
			t.Fatal(err)
		}
	}
	f.mount(t, newKey)
	for rotated.Load() == 0 { // The poll finds the new key.
		time.Sleep(time.Millisecond)
	}
	close(done)
	calling.Wait()
	t.Logf("%d reloads during %d calls", reloads, calls.Load())
	if err := f.stop(); err != nil {
		t.Error(err)
	}
	_ = f.conn.Close()
	for f.open.Load() > 8 { // Those of the last adapter stay. The others go with their adapters.
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	f.vendor.Close()
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("net/http/httptest.(*Server).goServe.func1"))
}
