package keyset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// run fetches the set until ctx ends.
func (s *Set) run(ctx context.Context) {
	pause := minInterval
	for {
		s.begin()
		started := time.Now()
		err := s.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		s.report(err)
		s.end()
		next := s.refresh
		if err != nil {
			next = min(pause, s.refresh)
			pause = min(2*pause, maxRetry)
		} else {
			pause = minInterval
		}
		if !s.sleep(ctx, started, next) {
			return
		}
	}
}

// sleep blocks until the next fetch may start: next after the one before, or sooner if a caller
// needs it. It reports false if ctx ends.
func (s *Set) sleep(ctx context.Context, started time.Time, next time.Duration) bool {
	timer := time.NewTimer(next)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-s.wake:
		timer.Reset(gathering)
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
		}
	}
	timer.Reset(max(0, minInterval-time.Since(started)))
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// fetch fetches the set, and makes its keys those of s.
func (s *Set) fetch(ctx context.Context) error {
	s.fetches.Add(1)
	keys, ignored, err := s.get(ctx)
	if err != nil {
		s.failures.Add(1)
		return err
	}
	now := time.Now()
	s.succeeded.Store(&now)
	if old := s.keys.Load(); old == nil || !equal(*old, keys) {
		s.keys.Store(&keys)
		s.generation.Add(1)
		s.log.Info("the key set has changed",
			slog.String("url", s.shown), slog.Int("keys", len(keys)), slog.Int("ignored", ignored))
	}
	return nil
}

// Try fetches the set once, without taking its keys, and returns how many keys can verify tokens.
func (s *Set) Try(ctx context.Context) (usable int, err error) {
	keys, _, err := s.get(ctx)
	return len(keys), err
}

func (s *Set) get(ctx context.Context) (keys map[string]Key, ignored int, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, 0, withoutURL(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the response is HTTP %d", res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxSize+1))
	if err != nil {
		return nil, 0, err
	}
	if len(text) > maxSize {
		return nil, 0, errors.New("the response is larger than 1 MiB")
	}
	return Parse(text)
}

// withoutURL removes the URL that net/http adds to an error. Its query may hold a secret.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// report logs that fetches fail, or succeed again, once for each change.
func (s *Set) report(err error) {
	switch was := s.failing.Swap(err != nil); {
	case err != nil && !was:
		_, had := s.Age()
		s.log.Warn("the key set cannot be fetched: tokens with the keys known so far are accepted, "+
			"and the fetch is tried again",
			slog.String("url", s.shown), slog.Bool("has_keys", had), slog.Any("error", err))
	case err == nil && was:
		s.log.Info("the key set is fetched again", slog.String("url", s.shown))
	}
}
