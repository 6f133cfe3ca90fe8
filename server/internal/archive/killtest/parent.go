package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drmhub/drmhub/server/internal/archive"
)

type spansBySite map[string][]archive.Span

// run kills children, lets one catch up, and compares.
func (o options) run(ctx context.Context, out io.Writer) error {
	began := time.Now()
	random := rand.New(rand.NewPCG(o.seed, 0)) //nolint:gosec // The choice follows from the seed.
	points, chosen := 200, 0
	spans, seen := spansBySite{}, newSeen()
	for i := range o.kills {
		c := child{options: o, began: began.UnixNano(), kill: i, seen: seen}
		after := time.Duration(random.IntN(1500)) * time.Millisecond
		if i%2 == 0 {
			// Small numbers are as likely as large ones: the first passes have the most to write.
			c.point, after = int(math.Pow(float64(points), random.Float64())), time.Minute
			chosen++
		}
		passed, err := c.die(ctx, after)
		if err != nil {
			return fmt.Errorf("run %d: %w", i, err)
		}
		points = max(points, passed)
		if i%10 == 9 {
			if err := o.spans(ctx, spans); err != nil {
				return err
			}
		}
	}
	c := child{options: o, began: began.UnixNano()}
	c.until = c.now().Unix()
	fmt.Fprintf(out, "seed %d: killed %d times, %d of them at a chosen point, in %s; %s passed at the vendor\n",
		o.seed, o.kills, chosen, time.Since(began).Round(time.Second), time.Duration(c.until-start)*time.Second)
	if err := c.finish(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d viewers were erased, and rows before %s forgotten\n", len(seen.erased),
		time.Unix(seen.forgot, 0).UTC().Format(time.DateTime))
	return o.check(ctx, out, evidence{
		until: c.until, now: c.now().Unix(), final: spans, seen: seen,
	})
}

func (c *child) command(ctx context.Context) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := exec.CommandContext(ctx, self, "-child", "-dsn", c.dsn, //nolint:gosec // This program itself.
		"-rows", strconv.Itoa(c.rows), "-began", strconv.FormatInt(c.began, 10),
		"-point", strconv.Itoa(c.point), "-kill", strconv.Itoa(c.kill), "-until", strconv.FormatInt(c.until, 10))
	p.Stderr = os.Stderr
	return p, nil
}

// die runs a child until it dies at its point, or kills it some time after it is ready. It notes
// what the child says, and returns the number of points that the child has told of.
func (c *child) die(ctx context.Context, after time.Duration) (passed int, err error) {
	p, err := c.command(ctx)
	if err != nil {
		return 0, err
	}
	said, err := p.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := p.Start(); err != nil {
		return 0, err
	}
	timer := time.AfterFunc(time.Hour, func() { _ = p.Process.Kill() })
	defer timer.Stop()
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if lines.Text() == "ready" {
			timer.Reset(after)
		}
		if n, ok := strings.CutPrefix(lines.Text(), "points "); ok {
			passed, _ = strconv.Atoi(n)
		}
		c.seen.note(lines.Text())
	}
	err = p.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return passed, nil
		}
	}
	return passed, fmt.Errorf("the child ended by itself: %w", err)
}

// finish runs a child until it has caught up.
func (c *child) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	p, err := c.command(ctx)
	if err != nil {
		return err
	}
	if err := p.Run(); err != nil {
		return fmt.Errorf("the last child does not catch up: %w", err)
	}
	return nil
}

// spans notes what is final now.
func (o options) spans(ctx context.Context, into spansBySite) (err error) {
	engine, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	all, err := engine.Sites(ctx)
	for _, s := range all {
		into[s.Name] = append(into[s.Name], s.Spans...)
	}
	return err
}
