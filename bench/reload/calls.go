package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	site = "vendors/acme/sites/DEMO"
	// changeEvery and restEvery say which calls are changes, and which of the others go over REST.
	changeEvery, restEvery = 20, 4
	// callTime bounds a call.
	callTime = 30 * time.Second
)

// during makes calls at a steady rate until what runs beside them has ended. It returns how they
// ended.
func (s *server) during(ctx context.Context, rate int, beside func() error) (*measurement, error) {
	m, done := &measurement{}, make(chan error, 1)
	go func() { done <- beside() }()
	var mu sync.Mutex
	var calling sync.WaitGroup
	defer calling.Wait()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for number := 0; ; number++ {
		select {
		case err := <-done:
			calling.Wait()
			return m, err
		case <-tick.C:
		}
		calling.Go(func() {
			began := time.Now()
			err := s.call(ctx, number)
			mu.Lock()
			defer mu.Unlock()
			m.took = append(m.took, time.Since(began))
			if err == nil {
				return
			}
			if m.failed++; m.failure == nil {
				m.failure = fmt.Errorf("a call failed: %w", err)
			}
		})
	}
}

// call makes one call.
func (s *server) call(ctx context.Context, number int) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	switch {
	case number%changeEvery == 0:
		s.changing.Lock()
		defer s.changing.Unlock()
		_, err := s.sites.UpdateIntegration(ctx, &pb.UpdateIntegrationRequest{
			Integration: &pb.Integration{
				Name: site + "/integration", TokenDuration: durationpb.New(time.Duration(60+number) * time.Second),
			},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"token_duration"}},
		})
		return err
	case number%restEvery == 0:
		return s.get(ctx)
	}
	_, err := s.sites.GetSite(ctx, &pb.GetSiteRequest{Name: site})
	return err
}

// get gets the site over REST.
func (s *server) get(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.HTTP+"/v1/"+site, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("HTTP %d: %s", res.StatusCode, body)
	}
	return err
}
