package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// slack bounds the difference of two processes' clock readings on one machine.
const slack = 10 * time.Millisecond

// The kinds of discrepancies between what the journal says and what the vendors did.
const (
	lost        = "lost"        // SUCCEEDED without an effect
	doubled     = "doubled"     // more than one effect
	misreported = "misreported" // told or recorded otherwise than it was
	leaked      = "leaked"      // shown to a caller who may not see it, or done for one who may not do it
)

// A discrepancy is one difference between the journal and the vendors.
type discrepancy struct {
	what string // lost, doubled or misreported
	kind string // as in the table
	text string
}

// A judge compares ops with their records and with the ledgers.
type judge struct {
	testbed *testbed
	quiet   time.Duration // the time after its send in which a vendor may work on a write
	ops     []*op
	records map[recordKey]*pb.Mutation
	names   map[string]*pb.Mutation  // the same, by name
	effects map[string][]twin.Effect // by vendor, oldest first
	byClaim map[string][]*claimed
	found   []discrepancy
}

func newJudge(b *testbed, quiet time.Duration, ops []*op) *judge {
	return &judge{
		testbed: b, quiet: quiet, ops: ops,
		records: map[recordKey]*pb.Mutation{}, names: map[string]*pb.Mutation{}, effects: map[string][]twin.Effect{},
	}
}

// A recordKey is what a record is unique by.
type recordKey struct{ subject, requestID string }

func (o *op) key() recordKey { return recordKey{o.caller.subject, o.id} }

func (j *judge) add(m *pb.Mutation) {
	j.records[recordKey{m.GetSubject(), m.GetRequestId()}] = m
	j.names[m.GetName()] = m
}

// claimed is a claim with its op.
type claimed struct {
	*claim
	op *op
}

func (j *judge) say(what string, o *op, format string, args ...any) {
	j.found = append(j.found, discrepancy{what, o.String(), fmt.Sprintf(format, args...) + "\n" + j.explain(o)})
}

// run returns all discrepancies.
func (j *judge) run() []discrepancy {
	j.byClaim = map[string][]*claimed{}
	for _, o := range j.ops {
		j.judgeRecord(o)
		for _, c := range o.claims {
			value := c.key
			if c.by != "" {
				value = c.details[c.by]
			}
			at := effectKey(o.vendor, c.effect+"|"+c.by, value)
			j.byClaim[at] = append(j.byClaim[at], &claimed{c, o})
		}
	}
	for vendor, effects := range j.effects {
		for _, e := range effects {
			j.judgeEffect(vendor, e)
		}
	}
	for _, o := range j.ops {
		for _, c := range o.claims {
			if c.state == pb.Mutation_SUCCEEDED && c.matched == 0 {
				j.say(lost, o, "the step %q succeeded, and the vendor shows no effect of it%s", c.step, j.taken(o, c))
			}
		}
	}
	j.judgeState()
	return j.found
}

// judgeRecord compares the responses to clients with the record, and the record with its steps.
func (j *judge) judgeRecord(o *op) {
	for _, strange := range o.strange {
		j.say(misreported, o, "%s", strange)
	}
	for _, leak := range o.leaks {
		j.say(leaked, o, "%s", leak)
	}
	j.judgeTold(o)
	m := j.records[o.key()]
	if m == nil {
		if o.told != nil || o.record != "" {
			j.say(misreported, o, "the journal has no record of it")
		}
		return
	}
	if o.told != nil {
		o.learn(o, o.told)
	}
	succeeded := 0
	for _, s := range m.GetSteps() {
		i := slices.IndexFunc(o.claims, func(c *claim) bool { return c.step == s.GetId() })
		if i < 0 {
			j.say(misreported, o, "the record has a step %q that nobody expects", s.GetId())
			continue
		}
		c := o.claims[i]
		c.state = s.GetState()
		if c.state == pb.Mutation_SUCCEEDED {
			succeeded++
		}
		c.from, c.to = s.GetSendTime().AsTime().Add(-slack), s.GetSettleTime().AsTime().Add(slack)
		if s.GetSettleTime() == nil {
			c.to = c.from.Add(j.quiet)
		}
	}
	for _, c := range o.claims {
		if c.told != nil && *c.told != (c.state == pb.Mutation_SUCCEEDED) {
			j.say(misreported, o, "the step %q is %v, and the answer says otherwise", c.step, c.state)
		}
	}
	replaced := m.GetState() == pb.Mutation_FAILED && strings.HasSuffix(m.GetMethod(), "/ReplaceProductLicense")
	switch {
	case o.told != nil && m.GetState() != pb.Mutation_SUCCEEDED && !allRefused(o):
		j.say(misreported, o, "the client was told that it succeeded, and the journal says %v", m.GetState())
	case o.refused != nil && m.GetState() != pb.Mutation_FAILED:
		j.say(misreported, o, "the client was told that it failed, and the journal says %v", m.GetState())
	case o.refused != nil && m.GetMessage() != o.refused.Message():
		j.say(misreported, o, "the journal has another error than the client was told: %s", m.GetMessage())
	case m.GetState() == pb.Mutation_SUCCEEDED && succeeded == 0 && !o.rests:
		j.say(lost, o, "SUCCEEDED without any write")
	case m.GetState() == pb.Mutation_FAILED && succeeded > 0 && !replaced:
		j.say(misreported, o, "FAILED, and a step of it took effect")
	}
}

// allRefused reports whether the op is a batch in which every item was refused. Such a mutation has
// failed.
func allRefused(o *op) bool {
	return !slices.ContainsFunc(o.claims, func(c *claim) bool { return c.told == nil || *c.told })
}

// judgeEffect finds the claim of an effect.
func (j *judge) judgeEffect(vendor string, e twin.Effect) {
	candidates := slices.Clone(j.byClaim[effectKey(vendor, e.Kind+"|", e.Key)])
	for name, value := range e.Details {
		candidates = append(candidates, j.byClaim[effectKey(vendor, e.Kind+"|"+name, value)]...)
	}
	candidates = slices.DeleteFunc(candidates, func(c *claimed) bool { return !c.fits(e) })
	timely := func(c *claimed) bool { return !e.Time.Before(c.from) && !e.Time.After(c.to) }
	for _, state := range []pb.Mutation_State{pb.Mutation_SUCCEEDED, pb.Mutation_UNKNOWN} {
		for _, c := range candidates {
			if c.state == state && c.matched == 0 && timely(c) {
				c.matched++
				return
			}
		}
	}
	for _, c := range candidates {
		if c.matched > 0 && timely(c) {
			c.matched++
			j.say(doubled, c.op, "%s: effect number %d of the step %q", shown(e), c.matched, c.step)
			return
		}
	}
	if len(candidates) == 0 {
		j.found = append(j.found, discrepancy{misreported, vendor, shown(e) + ": no mutation claims it"})
		return
	}
	j.unclaimed(e, candidates)
}

// unclaimed blames the op that was called last before the effect, and names the other candidates.
func (j *judge) unclaimed(e twin.Effect, candidates []*claimed) {
	created := func(c *claimed) time.Time { return j.records[c.op.key()].GetCreateTime().AsTime() }
	slices.SortFunc(candidates, func(a, b *claimed) int { return created(b).Compare(created(a)) })
	at := max(0, slices.IndexFunc(candidates, func(c *claimed) bool { return created(c).Before(e.Time) }))
	var others []string
	for _, c := range candidates[at:min(at+4, len(candidates))] {
		others = append(others, fmt.Sprintf("op %d: step %q %v from %s to %s",
			c.op.number, c.step, c.state, c.from.Format(clock), c.to.Format(clock)))
	}
	j.say(misreported, candidates[at].op, "%s: an effect that no mutation claims; it could be of %s",
		shown(e), strings.Join(others, "; "))
}

// taken names the ops that have the effect that a claim lacks.
func (j *judge) taken(o *op, c *claim) string {
	var by []string
	for _, other := range j.ops {
		for _, d := range other.claims {
			same := other.opKind == o.opKind && d != c && c.key != "" && d.key == c.key
			if same && d.matched > 0 && d.from.Before(c.to) && c.from.Before(d.to) {
				by = append(by, fmt.Sprintf("; op %d has %s, with the request_id %s", other.number, d.key, other.id))
			}
		}
	}
	return strings.Join(by, "")
}

// fits reports whether an effect can be that of the claim.
func (c *claimed) fits(e twin.Effect) bool {
	if c.key != "" && c.key != e.Key && (c.state == pb.Mutation_SUCCEEDED || c.by == "") {
		return false
	}
	for name, value := range c.details {
		if e.Details[name] != value {
			return false
		}
	}
	return true
}

// judgeState compares the state of the vendors with the last mutation of each thing, in the
// journal's order. No two mutations change one thing at the same time.
func (j *judge) judgeState() {
	last := map[string]*op{}
	for _, o := range j.ops {
		m, succeeded := j.records[o.key()], pb.Mutation_SUCCEEDED
		if m.GetState() != succeeded || o.claims[0].state != succeeded {
			continue
		}
		for name := range o.sets {
			if other := last[name]; other == nil || other.claims[0].from.Before(o.claims[0].from) {
				last[name] = o
			}
		}
	}
	now := j.testbed.state()
	for name, o := range last {
		if now[name] != o.sets[name] {
			j.say(lost, o, "%s is %q at the end, and its last mutation, this one, made it %q",
				name, now[name], o.sets[name])
		}
	}
}

// explain returns everything about an op.
func (j *judge) explain(o *op) string {
	var text strings.Builder
	fmt.Fprintf(&text, "    request_id %s of %s, op %d, %s %s\n",
		o.id, o.caller.subject, o.number, o.method, brief(o.request))
	fmt.Fprintf(&text, "    client: %d calls, %d of them cut by a kill; was told %s\n", o.calls, o.cut, o.heard())
	m := j.records[o.key()]
	fmt.Fprintf(&text, "    journal: %s %v %q, created %v\n",
		m.GetName(), m.GetState(), m.GetMessage(), m.GetCreateTime().AsTime().Format(clock))
	for _, s := range m.GetSteps() {
		sent, settled := s.GetSendTime().AsTime().Format(clock), s.GetSettleTime().AsTime().Format(clock)
		fmt.Fprintf(&text, "      step %q %v, sent %v, settled %v %s\n",
			s.GetId(), s.GetState(), sent, settled, s.GetMessage())
	}
	for _, e := range j.effects[o.vendor] {
		for _, c := range o.claims {
			found := c.key != "" && c.key == e.Key || c.by != "" && e.Details[c.by] == c.details[c.by]
			if e.Kind == c.effect && found {
				fmt.Fprintf(&text, "    ledger: %s\n", shown(e))
				break
			}
		}
	}
	return text.String()
}

const clock = "15:04:05.000000"

func shown(e twin.Effect) string {
	return fmt.Sprintf("%s %s %s %v of request %d", e.Time.Format(clock), e.Kind, e.Key, e.Details, e.Request)
}
