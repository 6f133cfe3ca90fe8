package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// A stopping is one stop of the server. docs/operations.md describes it.
type stopping struct {
	*App
	began   time.Time
	again   <-chan struct{} // closed by a second signal
	drained chan struct{}   // closed when no call is in flight
	atOnce  bool            // a second signal came
}

// stop ends the server. cause is why. It returns an error if a second signal ended calls in flight.
func (a *App) stop(ctx context.Context, cause error) error {
	s := &stopping{App: a, began: time.Now(), again: secondSignal(ctx), drained: make(chan struct{})}
	a.health.Shutdown()
	a.log.InfoContext(ctx, "not ready: calls are still taken", s.counts("for", a.noticeTime(cause))...)
	s.wait(a.noticeTime(cause), nil)
	a.log.InfoContext(ctx, "stopping: no more calls are taken", s.counts(
		"reads_may_take", readTime, "mutations_may_take", graceTime)...)
	s.drain(ctx)
	s.cut(ctx)
	err := s.release(ctx)
	if a.ops != nil {
		_ = a.ops.Close() // at the end, since it says that the server stops
	}
	return err
}

// noticeTime returns how long the server takes calls after it said that it is not ready. Balancers
// learn of it in that time. A person who stops a server on loopback need not wait.
func (a *App) noticeTime(cause error) time.Duration {
	for _, l := range []net.Listener{a.grpcListener, a.httpListener} {
		if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
			return noticeTime
		}
	}
	if s, ok := errors.AsType[stopSignal](cause); ok && s.Signal == syscall.SIGTERM {
		return localNoticeTime
	}
	return 0
}

// counts returns the counts of the calls in flight, after what else a line of the log says.
func (s *stopping) counts(also ...any) []any {
	return append(also, "mutations", s.mutations(), "reads", s.inFlight.count(reading),
		"watches", s.inFlight.count(watching))
}

// mutations returns how many mutations are in flight. A method may run on after its caller has
// left.
func (s *stopping) mutations() int { return max(s.inFlight.count(changing), s.journal.Running()) }

// wait blocks for a time, or until a condition holds, all calls have ended, or a second signal
// comes.
func (s *stopping) wait(limit time.Duration, until func() bool) {
	timer, ticker := time.NewTimer(limit), time.NewTicker(stopPollTime)
	defer timer.Stop()
	defer ticker.Stop()
	for !s.atOnce {
		select {
		case <-s.again:
			s.atOnce = true
		case <-s.drained:
			return
		case <-timer.C:
			return
		case <-ticker.C:
			if until != nil && until() {
				return
			}
		}
	}
}

// drain lets the calls in flight end, each kind in its time.
func (s *stopping) drain(ctx context.Context) {
	s.journal.StopSettling()
	go func() {
		defer close(s.drained)
		served := make(chan struct{})
		go func() {
			s.grpc.GracefulStop()
			close(served)
		}()
		s.shutHTTP(ctx)
		<-served
	}()
	s.wait(watchTime, nil)
	s.inFlight.end(watching)
	s.wait(readTime, nil)
	if s.atOnce {
		return
	}
	s.inFlight.endReads(errStops)
	if ended := s.inFlight.end(reading); ended > 0 {
		s.log.WarnContext(ctx, "reads ended early: their callers are told to connect again", "reads", ended)
	}
	s.wait(graceTime-time.Since(s.began), func() bool { return s.mutations() == 0 })
	s.wait(lastTime, nil) // for the responses to leave
}

// shutHTTP blocks until no request over HTTP is in flight. A connection without a request counts
// for nothing, once the responses of earlier requests had time to leave.
func (s *stopping) shutHTTP(ctx context.Context) {
	for {
		idle := s.inFlight.requests.Load() == 0
		short, cancel := context.WithTimeout(ctx, lastTime)
		err := s.http.Shutdown(short)
		cancel()
		if err == nil || idle && s.inFlight.requests.Load() == 0 {
			_ = s.http.Close()
			return
		}
	}
}

// cut closes the connections that are still open.
func (s *stopping) cut(ctx context.Context) {
	select {
	case <-s.drained:
		return
	default:
	}
	if s.inFlight.requests.Load() > 0 || s.mutations() > 0 || s.inFlight.count(reading) > 0 {
		s.log.WarnContext(ctx, "connections were cut", s.counts("requests", s.inFlight.requests.Load())...)
	}
	_ = s.http.Close()
	s.grpc.Stop()
}

// release closes the journal and the store, and says what was in flight. It hurries if a second
// signal came.
func (s *stopping) release(ctx context.Context) error {
	limit, mutations, reads := closeTime, s.mutations(), s.inFlight.count(reading)
	if s.atOnce {
		limit = lastTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	released := make(chan error, 1)
	go func() { released <- s.App.release(ctx) }()
	var err error
	select {
	case err = <-released:
	case <-time.After(limit + lastTime): // The database may be out of reach.
		err = errors.New("the store could not be closed in time")
	}
	running := s.journal.Running()
	switch {
	case s.atOnce:
		return fmt.Errorf("stopped at once by a second signal, with %d mutations and %d reads in flight: "+
			"the next start settles the mutations", max(mutations, running), reads)
	case running > 0:
		s.log.WarnContext(ctx, "mutations were in flight: the next start settles them", "mutations", running)
	case err != nil:
		s.log.WarnContext(ctx, "stopped, but not everything could be closed", "error", err)
	default:
		s.log.InfoContext(ctx, "stopped", "took", time.Since(s.began).Round(time.Millisecond))
	}
	return nil
}
