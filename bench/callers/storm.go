package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/bench/internal/load"
)

const (
	stormers  = 50
	unknown   = 1000
	stormTime = 2 * time.Second
	goodPause = 5 * time.Millisecond // between two calls of a good caller
)

// storm compares quiet times with storms of unknown keys, in turns.
func (b *bench) storm(ctx context.Context, out io.Writer, storms int) error {
	if storms == 0 {
		return nil
	}
	var quiet, stormy []float64
	most := int64(0)
	for n := range storms {
		calm, err := b.goodCallers(ctx)
		if err != nil {
			return err
		}
		tokens := b.strangers(n)
		before := b.fetches.Load()
		bad := make(chan error, 1)
		go func() { bad <- b.unknownKeys(ctx, tokens) }()
		rough, err := b.goodCallers(ctx)
		if err := errors.Join(err, <-bad); err != nil {
			return err
		}
		most = max(most, b.fetches.Load()-before)
		quiet, stormy = append(quiet, calm...), append(stormy, rough...)
	}
	slower := p99(stormy) / p99(quiet)
	fmt.Fprintf(out, "\n%d storms of %d unknown keys from %d callers in %v: at most %d fetches, 0 good calls refused, "+
		"p99 of good calls %.1f ms in quiet times and %.1f ms in storms, ratio %.2f.\n",
		storms, unknown, stormers, stormTime, most, p99(quiet), p99(stormy), slower)
	switch {
	case most > maxFetches:
		return fmt.Errorf("a storm caused %d fetches, more than %d", most, maxFetches)
	case slower > maxSlower:
		return fmt.Errorf("the p99 of good callers is %.2f times as long in a storm", slower)
	}
	return nil
}

// p99 returns the 99th percentile.
func p99(values []float64) float64 {
	return load.Percentile(slices.Sorted(slices.Values(values)), 99)
}

// goodCallers has some callers call at a steady pace for the time of a storm. It returns the
// latency of each call in milliseconds. No call may fail.
func (b *bench) goodCallers(ctx context.Context) (all []float64, failed error) {
	published := b.idp.Sign("EdDSA", "published", "good", time.Hour, claims)
	var mu sync.Mutex
	var good sync.WaitGroup
	begun := time.Now()
	for number := range 4 {
		token := b.jwt.tokens[number]
		if number%2 == 1 {
			token = published
		}
		good.Go(func() {
			for time.Since(begun) < stormTime {
				called := time.Now()
				err := b.jwt.overGRPC(withToken(ctx, token), number, token)
				took := time.Since(called)
				mu.Lock()
				all, failed = append(all, float64(took.Microseconds())/1000), errors.Join(failed, err)
				mu.Unlock()
				time.Sleep(goodPause)
			}
		})
	}
	good.Wait()
	return all, failed
}

// strangers returns tokens that are right but for their unknown keys.
func (b *bench) strangers(storm int) []string {
	var all []string
	for n := range unknown {
		kid := fmt.Sprintf("unknown-%d-%d", storm, n)
		all = append(all, b.idp.Sign("EdDSA", kid, "stranger", time.Hour, claims))
	}
	return all
}

// unknownKeys calls with all of the tokens within the time of a storm. No caller waits for a
// response before its next call. All must be refused.
func (b *bench) unknownKeys(ctx context.Context, tokens []string) error {
	wrong := make([]error, len(tokens))
	var all sync.WaitGroup
	begun := time.Now()
	for i, token := range tokens {
		all.Go(func() {
			err := b.jwt.overGRPC(withToken(ctx, token), i%stormers, token)
			if status.Code(err) != codes.Unauthenticated {
				wrong[i] = fmt.Errorf("a token of an unknown key: %w", err)
			}
		})
		time.Sleep(time.Until(begun.Add(time.Duration(i) * stormTime / unknown)))
	}
	all.Wait()
	return errors.Join(wrong...)
}
