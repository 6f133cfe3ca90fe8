package keyset_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
)

func TestTheServerStartsWithoutItsIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{}
		var lines []string
		s, err := keyset.New(keyset.Options{URL: "http://localhost/k", Transport: i, Log: slog.New(slog.NewTextHandler(
			writer(func(line []byte) { lines = append(lines, string(line)) }), nil))})
		if err != nil {
			t.Fatal(err)
		}
		s.Start(t.Context())
		if _, err := s.Find(t.Context(), "a"); !errors.Is(err, keyset.ErrUnknown) {
			t.Error(err)
		}
		if _, ok := s.Age(); ok {
			t.Error("an age without a fetch")
		}
		time.Sleep(10 * time.Minute)
		i.serve(200, "a")
		time.Sleep(time.Minute)
		if _, ok := s.Lookup("a"); !ok {
			t.Error("the set is not fetched in the background")
		}
		s.Close()
		all := strings.Join(lines, "")
		if len(lines) != 3 || strings.Count(all, "cannot be fetched") != 1 || strings.Count(all, "fetched again") != 1 {
			t.Error(all)
		}
	})
}

func TestTheSetIsReadAgainEveryRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{}
		i.serve(200, "a", "b")
		s := start(t, i)
		time.Sleep(14 * time.Minute)
		generation := s.Generation()
		i.serve(200, "b", "c")
		if _, ok := s.Lookup("a"); !ok {
			t.Error("a is gone early")
		}
		time.Sleep(2 * time.Minute)
		_, a := s.Lookup("a")
		_, c := s.Lookup("c")
		if a || !c || s.Generation() == generation {
			t.Errorf("a %v, c %v, generation %d", a, c, s.Generation())
		}
		if n := i.fetched(t); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestACallerWhoLeavesDoesNotStopTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{delay: 2 * time.Second}
		i.serve(200, "a")
		s := start(t, i)
		impatient, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if _, err := s.Find(impatient, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := s.Find(t.Context(), "a"); err != nil || i.fetched(t) != 1 {
			t.Errorf("%v, %d fetches", err, i.fetched(t))
		}
	})
}

func TestCloseReleasesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{delay: time.Hour}
		s := start(t, i)
		time.AfterFunc(time.Second, s.Close)
		began := time.Now()
		_, err := s.Find(t.Context(), "a")
		if took := time.Since(began); !errors.Is(err, keyset.ErrUnknown) || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestURLs(t *testing.T) {
	for url, good := range map[string]bool{
		"https://id.example/keys": true, "http://127.0.0.1:8080/": true, "http://[::1]/": true,
		"http://LOCALHOST/k": true, "http://id.example/keys": false, "http://127.0.0.1.example/": false,
		"ftp://127.0.0.1/": false, "": false, "https:///keys": false, "https://user:pass@id.example/": false,
		"file:///etc/passwd": false, "http://0.0.0.0/": false,
	} {
		if _, err := keyset.New(keyset.Options{URL: url}); (err == nil) != good {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := keyset.New(keyset.Options{URL: "https://id.example", Refresh: time.Millisecond}); err == nil {
		t.Error("a refresh of a millisecond")
	}
}
