package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	amino "github.com/drmhub/drmhub/adapters/amino/emulator"
	pallycon "github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/faultplan"
)

var sent = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const resetMethod = "drmhub.v1.MemberService/ResetMemberPassword"

// reset returns an op that cannot be read back.
func reset() *op {
	o := &op{
		opKind: kinds()[9], id: "one", caller: &caller{subject: "caller", vendors: []string{"pallycon"}},
		request: &pb.ResetMemberPasswordRequest{Name: "vendors/pallycon/members/7"},
	}
	o.claim(&claim{step: "reset", effect: pallycon.EffectMemberPasswordReset, key: "7"})
	return o
}

// record returns the record of an op whose only step has the same state.
func record(state pb.Mutation_State) *pb.Mutation {
	s := &pb.Mutation_Step{Id: "reset", State: state, SendTime: timestamppb.New(sent)}
	if state != pb.Mutation_UNKNOWN {
		s.SettleTime = timestamppb.New(sent.Add(time.Second))
	}
	steps := []*pb.Mutation_Step{s}
	return &pb.Mutation{
		Name: "mutations/1", Subject: "caller", RequestId: "one", Method: resetMethod,
		Resource: "vendors/pallycon/members/7", State: state, Steps: steps,
	}
}

// effect returns an effect of the op, this long after its send.
func effect(after time.Duration) twin.Effect {
	return twin.Effect{Request: 1, Time: sent.Add(after), Kind: pallycon.EffectMemberPasswordReset, Key: "7"}
}

// judged returns what the judge finds.
func judged(b *testbed, o *op, m *pb.Mutation, effects ...twin.Effect) []discrepancy {
	j := newJudge(b, 3*time.Second, []*op{o})
	j.effects["pallycon"] = effects
	j.add(&pb.Mutation{Name: "mutations/2", Subject: "other", Resource: "vendors/ncp/sites/x"})
	if m != nil {
		j.add(m)
	}
	return j.run()
}

func TestTheJudgeFindsWhatIsWrong(t *testing.T) {
	succeeded, failed, unknown := record(pb.Mutation_SUCCEEDED), record(pb.Mutation_FAILED), record(pb.Mutation_UNKNOWN)
	resting := proto.CloneOf(succeeded)
	resting.Steps = nil
	soon, later, late := effect(time.Millisecond), effect(2*time.Millisecond), effect(5*time.Second)
	foreign := twin.Effect{Request: 2, Time: sent, Kind: soon.Kind, Key: "8"}
	type effects = []twin.Effect
	done := func(o *op) { o.hear(&pb.ResetMemberPasswordResponse{}, nil) }
	refused := func(o *op) { o.hear(nil, status.New(codes.NotFound, "no member")) }
	told := func(text string) func(*op) { return func(o *op) { o.errors = append(o.errors, text) } }
	for name, c := range map[string]struct {
		record  *pb.Mutation
		effects effects
		hear    []func(*op)
		found   string
	}{
		"never called":                   {},
		"one effect":                     {succeeded, effects{soon}, nil, ""},
		"no effect":                      {succeeded, nil, nil, lost},
		"two effects":                    {succeeded, effects{soon, later}, nil, doubled},
		"an effect after its end":        {succeeded, effects{soon, late}, nil, misreported},
		"a success without a write":      {resting, nil, nil, lost},
		"a failure":                      {failed, nil, nil, ""},
		"a failure with an effect":       {failed, effects{soon}, nil, misreported},
		"unknown forever, and no effect": {unknown, nil, nil, ""},
		"unknown forever, and an effect": {unknown, effects{soon}, nil, ""},
		"unknown forever, and two":       {unknown, effects{soon, later}, nil, doubled},
		"an effect of nobody":            {succeeded, effects{soon, foreign}, nil, misreported},
		"a success without a record":     {nil, nil, []func(*op){done}, misreported},
		"a success that is a failure":    {failed, nil, []func(*op){done}, misreported},
		"a failure that is a success":    {succeeded, effects{soon}, []func(*op){refused}, misreported},
		"two responses":                  {succeeded, effects{soon}, []func(*op){done, refused}, misreported},
		"two records": {succeeded, effects{soon}, []func(*op){
			func(o *op) { o.named("mutations/1") }, func(o *op) { o.named("mutations/2") },
		}, misreported},
		"told of its own record": {failed, nil, []func(*op){told("Not sent: mutations/1 does")}, ""},
		"told of another record": {failed, nil, []func(*op){told("Not sent: mutations/2 does")}, leaked},
		"told of another caller": {failed, nil, []func(*op){told("Not sent: ncp-of-team-1 does")}, leaked},
		"a wrong caller let in":  {failed, nil, []func(*op){func(o *op) { o.leak("let in") }}, leaked},
	} {
		o := reset()
		for _, hear := range c.hear {
			hear(o)
		}
		var found []string
		for _, d := range judged(newTestbed(1), o, c.record, c.effects...) {
			found = append(found, d.what)
		}
		if strings.Join(found, " ") != c.found {
			t.Errorf("%s: found %q, want %q", name, found, c.found)
		}
	}
}

func TestTheJudgeLooksAtTheStateInTheEnd(t *testing.T) {
	o := reset()
	o.sets = map[string]string{"ncp " + ncpSiteID(0) + " enabled": "false"}
	found := judged(newTestbed(1), o, record(pb.Mutation_SUCCEEDED), effect(time.Millisecond))
	if len(found) != 1 || found[0].what != lost || !strings.Contains(found[0].text, "enabled") {
		t.Errorf("of a site that is still on: %v", found)
	}
}

func TestTheJudgeLooksAtIrdeto(t *testing.T) {
	b := newTestbed(1)
	b.putLicense("held")
	if wrong := b.irdeto(); len(wrong) > 0 {
		t.Errorf("of a license with its entitlement: %q", wrong)
	}
	b.amino = amino.New(amino.Options{WithoutIrdeto: true})
	b.amino.PutProducts(amino.Product{ID: productID(0)})
	b.putLicense("held")
	if wrong := b.irdeto(); len(wrong) != 1 || !strings.Contains(wrong[0], "held") {
		t.Errorf("of a license without one: %q", wrong)
	}
}

func TestASeedPlansTheSame(t *testing.T) {
	all := kinds()
	one, other := newTestbed(1), newTestbed(1)
	seen, ids := map[recordKey]bool{}, map[string]bool{}
	for n := range 300 {
		a, b := newOp(one, 1, n, all), newOp(other, 1, n, all)
		if a.id != b.id || a.String() != b.String() {
			t.Fatalf("op %d is %s %s, and then %s %s", n, a, a.id, b, b.id)
		}
		_, signed := a.request.(*pb.RegisterFairPlayCertificateRequest) // with a new certificate each time
		if !signed && !proto.Equal(a.request, b.request) {
			t.Errorf("op %d asks for {%v}, and then for {%v}", n, a.request, b.request)
		}
		if a.caller.subject != b.caller.subject || !a.caller.may(a) {
			t.Errorf("op %d is of %s, and then of %s", n, a.caller.subject, b.caller.subject)
		}
		ids[a.id] = true
		if seen[a.key()] {
			t.Errorf("request_id %s comes twice", a.id)
		}
		seen[a.key()] = true
	}
	if len(ids) == len(seen) {
		t.Error("no two callers have the same request_id")
	}
}

func TestEveryFaultIsDrawnAndOrdered(t *testing.T) {
	listed := map[faultplan.Fault]bool{}
	for _, name := range slices.Concat(writeFaults, readFaults) {
		if listed[name] = true; faults[name].Kind == "" {
			t.Errorf("%q is not a fault of the twin", name)
		}
	}
	if len(listed) != len(faults) {
		t.Errorf("%d of %d faults are drawn", len(listed), len(faults))
	}
}
