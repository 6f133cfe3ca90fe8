package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// deadline bounds one call, and patience all calls for one mutation.
	deadline = 10 * time.Second
	patience = 30 * time.Second
	// firstPause is the pause before the first repetition. Each later one is twice as long, up to
	// maxPause.
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
)

// clients call the replicas, each over a connection of its own.
type clients struct {
	testbed  *testbed
	replicas []*replica
	conns    []*grpc.ClientConn
	http     http.Client
}

func newClients(b *testbed, replicas []*replica) (*clients, error) {
	c := &clients{testbed: b, replicas: replicas}
	c.http.Transport = &http.Transport{MaxIdleConnsPerHost: 100}
	for _, r := range replicas {
		conn, err := r.dial()
		if err != nil {
			c.close()
			return nil, err
		}
		c.conns = append(c.conns, conn)
	}
	return c, nil
}

func (c *clients) close() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.http.CloseIdleConnections()
}

// A result is what the clients were told.
type result struct {
	restarts, repeated, lost, doubled int
	longest                           time.Duration // from the first call for a mutation to its outcome
	succeeded                         []string      // the users
	failed                            []error
}

// String returns the numbers.
func (r *result) String() string {
	return fmt.Sprintf("%d mutations, %d restarts, %d repeated calls, the slowest mutation %v: "+
		"%d lost, %d doubled, %d failed", len(r.succeeded)+len(r.failed), r.restarts, r.repeated,
		r.longest.Round(time.Millisecond), r.lost, r.doubled, len(r.failed))
}

// problem returns an error if a promise was broken.
func (r *result) problem() error {
	if r.lost+r.doubled+len(r.failed) == 0 {
		return nil
	}
	return errors.Join(append(r.failed, errors.New("mutations were lost, doubled or failed"))...)
}

// load begins mutations at a rate until ctx ends, and waits for their outcomes.
func (c *clients) load(ctx context.Context, rate int) *result {
	r := &result{}
	var mu sync.Mutex
	var all sync.WaitGroup
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		all.Go(func() {
			user, began := fmt.Sprintf("user-%d", i), time.Now()
			repeated, err := c.create(context.WithoutCancel(ctx), i, user)
			mu.Lock()
			defer mu.Unlock()
			r.repeated += repeated
			r.longest = max(r.longest, time.Since(began))
			if err != nil {
				r.failed = append(r.failed, fmt.Errorf("%s: %w", user, err))
				return
			}
			r.succeeded = append(r.succeeded, user)
		})
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	all.Wait()
	return r
}

// create makes a license for a user, and repeats the call as docs/clients.md says.
func (c *clients) create(ctx context.Context, number int, user string) (repeated int, err error) {
	c.testbed.vendor.PutUsers(user)
	id, began, pause := uuid.NewString(), time.Now(), firstPause
	for ; ; repeated++ {
		one, cancel := context.WithTimeout(ctx, deadline)
		err = c.call(one, (number+repeated)%len(c.replicas), number%4 == 3, user, id)
		cancel()
		if err == nil || !repeatable(err) || time.Since(began) > patience {
			return repeated, err
		}
		time.Sleep(pause)
		pause = min(2*pause, maxPause)
	}
}

// repeatable reports whether docs/clients.md asks for the same call again.
func repeatable(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.ResourceExhausted, codes.Aborted, codes.DeadlineExceeded:
		return true
	}
	return apierror.IsOutcomeUnknown(err)
}

func (c *clients) call(ctx context.Context, at int, overREST bool, user, id string) error {
	const product = "vendors/amino/products/movies"
	if !overREST {
		_, err := pb.NewProductLicenseServiceClient(c.conns[at]).CreateProductLicense(ctx,
			&pb.CreateProductLicenseRequest{
				Parent: "vendors/amino", RequestId: id,
				ProductLicense: &pb.ProductLicense{User: user, Product: product},
			})
		return err
	}
	s := c.replicas[at].running()
	if s == nil {
		return status.Error(codes.Unavailable, "the replica is down")
	}
	body := fmt.Sprintf(`{"user":%q,"product":%q}`, user, product)
	url := "http://" + s.HTTP + "/v1/vendors/amino/productLicenses?requestId=" + id
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil { // A connection that broke: the client has no response.
		return status.Error(codes.Unavailable, err.Error())
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return status.Error(codes.Unavailable, err.Error())
	case res.StatusCode == http.StatusOK:
		return nil
	case res.StatusCode == http.StatusServiceUnavailable, res.StatusCode == http.StatusTooManyRequests,
		res.StatusCode == http.StatusConflict, strings.Contains(string(text), "OUTCOME_UNKNOWN"):
		return status.Errorf(codes.Unavailable, "HTTP %d: %s", res.StatusCode, text)
	}
	return fmt.Errorf("HTTP %d: %s", res.StatusCode, text)
}
