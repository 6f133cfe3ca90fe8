package panics_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/drmhub/drmhub/internal/panics"
)

func boom() { panic("boom") }

func TestCatch(t *testing.T) {
	called := false
	if p := panics.Catch(func() { called = true }); p != nil || !called {
		t.Errorf("a function that returns: %v, called %v", p, called)
	}
	p := panics.Catch(boom)
	if p == nil || p.Value != "boom" {
		t.Fatalf("a function that panics: %v", p)
	}
	if text := p.Error(); !strings.HasPrefix(text, "boom\n") || !strings.Contains(text, "panics_test.boom") {
		t.Errorf("the text of a panic: %s", text)
	}
	if again := panics.Catch(func() { panic(p) }); again != p {
		t.Errorf("a panic that is raised again: %v, want the first one", again)
	}
}

func TestGroup(t *testing.T) {
	var calm panics.Group
	var ended atomic.Int64
	for range 10 {
		calm.Go(func() { ended.Add(1) })
	}
	calm.Wait()
	if ended.Load() != 10 {
		t.Errorf("Wait returned after %d of 10 functions", ended.Load())
	}

	var broken panics.Group
	for i := range 10 {
		broken.Go(func() {
			ended.Add(1)
			if i%2 == 0 {
				boom()
			}
		})
	}
	p := panics.Catch(broken.Wait)
	if p == nil || p.Value != "boom" || !strings.Contains(p.Error(), "panics_test.boom") || ended.Load() != 20 {
		t.Errorf("Wait panics with %v after %d of 20 functions", p, ended.Load())
	}
}
