package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// options say how large and how rough a campaign is.
type options struct {
	Seed      uint64
	Mutations int           // the number of mutations to ask for
	Round     int           // mutations after which all is settled and compared, since a ledger holds no more
	Callers   int           // the number of calls at the same time
	Patience  time.Duration // the maximum time of a caller's retries
	Timeout   time.Duration // of an adapter's call to a vendor
	Late      time.Duration // the maximum time of a vendor for a write; longer than Timeout
	Quiet     time.Duration // store.quiet; longer than Late
	KillEvery time.Duration // the mean time between two kills
	Kills     int           // the maximum in one round; 0 is any number
	Restarts  time.Duration // the time between two restarts of a vendor
	Hurry     time.Duration // the time in which the servers settle by themselves, before they are told to
}

// perClient is the number of callers that share a client with its connections.
const perClient = 8

// A campaign is one run against one store.
type campaign struct {
	options
	folder   string
	config   string
	testbed  *testbed
	replicas []*replica
	clients  []*client
	kinds    []*opKind
	result   result
	known    map[recordKey]bool // the ops of all rounds
	out      io.Writer          // progress
}

// run carries out the campaign with this number of replicas on the store of dsn.
func run(ctx context.Context, o options, binary, dsn string, replicas int, out io.Writer) (res result, err error) {
	c := &campaign{options: o, kinds: kinds(), testbed: newTestbed(o.Seed), out: out, known: map[recordKey]bool{}}
	if c.folder, err = os.MkdirTemp("", "campaign"); err != nil {
		return res, err
	}
	if err := c.testbed.serve(ctx, o.Seed, o.Late); err != nil {
		return res, err
	}
	defer c.testbed.stop()
	if dsn == "" {
		dsn = "sqlite:" + filepath.Join(c.folder, "drmhub.db")
	}
	if c.config, err = writeConfig(c.folder, dsn, c.testbed, o); err != nil {
		return res, err
	}
	defer func() {
		for _, client := range c.clients {
			client.close()
		}
		for _, r := range c.replicas {
			r.stop()
		}
		if err == nil && len(c.result.found) == 0 {
			_ = os.RemoveAll(c.folder) // nobody needs the logs
		}
	}()
	if err := c.startAll(binary, replicas); err != nil {
		return res, err
	}
	for range (o.Callers + perClient - 1) / perClient {
		client, err := newClient(c.replicas, o.Patience)
		if err != nil {
			return res, err
		}
		c.clients = append(c.clients, client)
	}
	c.result = newResult(c.kinds, c.folder)
	for first := 0; first < o.Mutations; first += o.Round {
		if err := c.round(ctx, first, min(first+o.Round, o.Mutations)); err != nil {
			return c.result, err
		}
	}
	return c.result, c.verifyAudit(ctx, binary)
}

func (c *campaign) startAll(binary string, n int) error {
	for i := range n {
		name := fmt.Sprintf("replica-%d", i+1)
		log, err := os.Create(filepath.Join(c.folder, name+".log"))
		if err != nil {
			return err
		}
		r := &replica{name: name, binary: binary, config: c.config, log: log}
		c.replicas = append(c.replicas, r)
		if err := r.start(); err != nil {
			return err
		}
	}
	return nil
}

// round carries out the ops from first to end while everything fails. Then nothing fails, the
// servers settle the rest, and round compares.
func (c *campaign) round(ctx context.Context, first, end int) error {
	begun := time.Now()
	for _, g := range c.testbed.gates {
		g.rouse()
	}
	rough, calm := context.WithCancel(ctx)
	var trouble sync.WaitGroup
	trouble.Go(func() { c.testbed.staff(rough, c.Seed+uint64(first), c.Restarts) })
	killing := make(chan error, 1)
	trouble.Go(func() { killing <- c.killer(rough, first) })
	spied := make(chan []discrepancy, 1)
	trouble.Go(func() { spied <- c.spy(rough, c.Seed+uint64(first)) })
	ops := c.carryOut(ctx, first, end)
	calm()
	trouble.Wait()
	c.testbed.calm()
	if err := errors.Join(<-killing, ctx.Err()); err != nil {
		return err
	}
	worked := time.Since(begun)
	open, err := c.clients[0].awaitSettled(ctx, c.testbed.teams[0][0], c.Hurry)
	if err != nil {
		return err
	}
	settled := time.Since(begun) - worked
	fmt.Fprintf(c.out, "ops %d to %d: carried out in %v, settled after another %v, compared",
		first, end-1, worked.Round(time.Second), settled.Round(time.Second))
	begun = time.Now()
	err = c.compare(ctx, ops, open, <-spied)
	fmt.Fprintf(c.out, " in %v\n", time.Since(begun).Round(time.Second))
	return err
}

// carryOut has the callers carry out the ops from first to end.
func (c *campaign) carryOut(ctx context.Context, first, end int) []*op {
	ops := make([]*op, end-first)
	var next atomic.Int64
	var callers sync.WaitGroup
	work := func(by *client) {
		for ctx.Err() == nil {
			n := int(next.Add(1)) - 1
			if n >= len(ops) {
				return
			}
			ops[n] = newOp(c.testbed, c.Seed, first+n, c.kinds)
			by.carryOut(ctx, c.testbed, ops[n])
			by.tryWrong(ctx, c.testbed, c.Seed, ops[n])
		}
	}
	for i := range c.Callers {
		callers.Go(func() { work(c.clients[i/perClient]) })
	}
	callers.Wait()
	return ops
}

// killer kills replicas and starts them again, at random times, until ctx ends.
func (c *campaign) killer(ctx context.Context, round int) error {
	random := twin.Rand(c.Seed+uint64(round), "kills")
	for n := 0; c.Kills == 0 || n < c.Kills; n++ {
		select {
		case <-time.After(c.KillEvery/2 + time.Duration(random.Int64N(int64(c.KillEvery)))):
		case <-ctx.Done():
			return nil
		}
		r := c.replicas[random.IntN(len(c.replicas))]
		r.kill()
		c.result.kills++
		if err := r.start(); err != nil {
			return err
		}
	}
	return nil
}

// compare judges the ops of a round, when no call is in flight.
func (c *campaign) compare(ctx context.Context, ops []*op, open []*pb.Mutation, leaks []discrepancy) error {
	all, err := c.clients[0].mutations(ctx, c.testbed.teams[0][0], pb.Mutation_STATE_UNSPECIFIED)
	if err != nil {
		return err
	}
	j := newJudge(c.testbed, c.Quiet, ops)
	for _, m := range all {
		j.add(m)
	}
	c.replay(ctx, j)
	for vendor := range c.testbed.gates {
		j.effects[vendor] = c.testbed.takeEffects(vendor)
	}
	found := append(j.run(), leaks...)
	shown, err := c.compareViews(ctx, all, len(ops))
	if err != nil {
		return err
	}
	found = append(found, shown...)
	found = append(found, c.strangers(j)...)
	for _, wrong := range c.testbed.irdeto() {
		found = append(found, discrepancy{misreported, "amino", wrong})
	}
	for _, m := range open {
		text := fmt.Sprintf("%s is %v, and nobody settles it: %s", m.GetName(), m.GetState(), m.GetMessage())
		found = append(found, discrepancy{misreported, methodOf(m), text})
	}
	c.result.add(c.testbed, j, found)
	return nil
}

// replay makes all calls that succeeded once more. The responses must be the same, and nothing may
// happen at the vendors.
func (c *campaign) replay(ctx context.Context, j *judge) {
	each(c.Callers, j.ops, func(o *op) {
		if o.told == nil && j.records[o.key()].GetState() != pb.Mutation_SUCCEEDED {
			return
		}
		answer, client := o.answer(), c.clients[o.number%len(c.clients)]
		f := client.face(o.number % (2 * len(client.conns)))
		if _, err := f.call(ctx, o.caller.token(), o.method, o.request, answer); err != nil {
			o.isStrange("succeeded, and a call with the same request_id returned %v", err)
			return
		}
		o.hear(answer, nil)
	})
}

// verifyAudit runs the server's own command over the audit trail.
func (c *campaign) verifyAudit(ctx context.Context, binary string) error {
	//nolint:gosec // The program is the one that was built.
	verify := exec.CommandContext(ctx, binary, "audit", "verify", "--config", c.config)
	verify.Env = environment
	said, err := verify.CombinedOutput()
	if err != nil {
		return fmt.Errorf("server audit verify: %w\n%s", err, said)
	}
	fmt.Fprintf(c.out, "server audit verify:\n%s", said)
	return nil
}
