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

// reset is an op of a kind that nobody can read back.
func reset() *op {
	o := &op{kind: kinds()[9], id: "one", request: &pb.ResetMemberPasswordRequest{Name: "vendors/pallycon/members/7"}}
	o.claim(&claim{step: "reset", effect: pallycon.EffectMemberPasswordReset, key: "7"})
	return o
}

// record is that of an op with one step, in that state and its step's.
func record(state, step pb.Mutation_State) *pb.Mutation {
	s := &pb.Mutation_Step{Id: "reset", State: step, SendTime: timestamppb.New(sent)}
	if step != pb.Mutation_UNKNOWN {
		s.SettleTime = timestamppb.New(sent.Add(time.Second))
	}
	return &pb.Mutation{Name: "mutations/1", RequestId: "one", Method: "drmhub.v1.MemberService/ResetMemberPassword", State: state, Steps: []*pb.Mutation_Step{s}}
}

// effect is one of the op's, so long after it was sent.
func effect(after time.Duration) twin.Effect {
	return twin.Effect{Request: 1, Time: sent.Add(after), Kind: pallycon.EffectMemberPasswordReset, Key: "7"}
}

func TestTheJudgeFindsWhatIsWrong(t *testing.T) {
	succeeded, failed, unknown := record(pb.Mutation_SUCCEEDED, pb.Mutation_SUCCEEDED), record(pb.Mutation_FAILED, pb.Mutation_FAILED), record(pb.Mutation_UNKNOWN, pb.Mutation_UNKNOWN)
	resting := proto.CloneOf(succeeded)
	resting.Steps = nil
	soon, later := effect(time.Millisecond), effect(2*time.Millisecond)
	for name, c := range map[string]struct {
		record  *pb.Mutation
		effects []twin.Effect
		hear    func(*op)
		found   []string
	}{
		"one effect":                     {record: succeeded, effects: []twin.Effect{soon}},
		"no effect":                      {record: succeeded, found: []string{lost}},
		"two effects":                    {record: succeeded, effects: []twin.Effect{soon, later}, found: []string{doubled}},
		"an effect after its end":        {record: succeeded, effects: []twin.Effect{soon, effect(5 * time.Second)}, found: []string{misreported}},
		"a success without a write":      {record: resting, found: []string{lost}},
		"a failure":                      {record: failed},
		"a failure with an effect":       {record: failed, effects: []twin.Effect{soon}, found: []string{misreported}},
		"unknown forever, and no effect": {record: unknown},
		"unknown forever, and an effect": {record: unknown, effects: []twin.Effect{soon}},
		"unknown forever, and two":       {record: unknown, effects: []twin.Effect{soon, later}, found: []string{doubled}},
		"an effect of nobody's":          {record: succeeded, effects: []twin.Effect{soon, {Request: 2, Time: sent, Kind: soon.Kind, Key: "8"}}, found: []string{misreported}},
		"never called":                   {},
		"a success that is not recorded": {hear: func(o *op) { o.hear(&pb.ResetMemberPasswordResponse{}, nil) }, found: []string{misreported}},
		"a success that is a failure": {
			record: failed, hear: func(o *op) { o.hear(&pb.ResetMemberPasswordResponse{}, nil) }, found: []string{misreported},
		},
		"a failure that is a success": {
			record: succeeded, effects: []twin.Effect{soon}, hear: func(o *op) { o.hear(nil, status.New(codes.NotFound, "no member")) }, found: []string{misreported},
		},
		"two answers": {
			record: succeeded, effects: []twin.Effect{soon}, found: []string{misreported},
			hear: func(o *op) {
				o.hear(&pb.ResetMemberPasswordResponse{}, nil)
				o.hear(nil, status.New(codes.NotFound, "no member"))
			},
		},
		"two records": {
			record: succeeded, effects: []twin.Effect{soon}, found: []string{misreported},
			hear: func(o *op) {
				o.named("mutations/1")
				o.named("mutations/2")
			},
		},
	} {
		o := reset()
		if c.hear != nil {
			c.hear(o)
		}
		j := &judge{world: newWorld(1), quiet: 3 * time.Second, ops: []*op{o}, records: map[string]*pb.Mutation{}, effects: map[string][]twin.Effect{"pallycon": c.effects}}
		if c.record != nil {
			j.records[c.record.GetRequestId()] = c.record
		}
		var found []string
		for _, d := range j.run() {
			found = append(found, d.what)
		}
		if !slices.Equal(found, c.found) {
			t.Errorf("%s: found %q, want %q", name, found, c.found)
		}
	}
}

func TestTheJudgeLooksAtWhatStandsInTheEnd(t *testing.T) {
	w := newWorld(1)
	o := reset()
	o.sets = map[string]string{"ncp " + ncpSiteID(0) + " enabled": "false"}
	j := &judge{world: w, quiet: time.Second, ops: []*op{o}, records: map[string]*pb.Mutation{"one": record(pb.Mutation_SUCCEEDED, pb.Mutation_SUCCEEDED)},
		effects: map[string][]twin.Effect{"pallycon": {effect(time.Millisecond)}}}
	found := j.run()
	if len(found) != 1 || found[0].what != lost || !strings.Contains(found[0].text, "enabled") {
		t.Errorf("of a site that is still on: %v", found)
	}
}

func TestTheJudgeLooksAtIrdeto(t *testing.T) {
	w := newWorld(1)
	w.putLicense("held")
	if wrong := w.irdeto(); len(wrong) > 0 {
		t.Errorf("of a license with its entitlement: %q", wrong)
	}
	w.amino = amino.New(amino.Options{WithoutIrdeto: true})
	w.amino.PutProducts(amino.Product{ID: productID(0)})
	w.putLicense("held")
	if wrong := w.irdeto(); len(wrong) != 1 || !strings.Contains(wrong[0], "held") {
		t.Errorf("of a license without one: %q", wrong)
	}
}

func TestASeedPlansTheSame(t *testing.T) {
	all := kinds()
	one, other := newWorld(1), newWorld(1)
	seen := map[string]bool{}
	for n := range 300 {
		a, b := newOp(one, 1, n, all), newOp(other, 1, n, all)
		if a.id != b.id || a.String() != b.String() {
			t.Fatalf("op %d is %s %s, and then %s %s", n, a, a.id, b, b.id)
		}
		if _, signed := a.request.(*pb.RegisterFairPlayCertificateRequest); !signed && !proto.Equal(a.request, b.request) {
			t.Errorf("op %d asks for {%v}, and then for {%v}", n, a.request, b.request)
		}
		if seen[a.id] {
			t.Errorf("request_id %s comes twice", a.id)
		}
		seen[a.id] = true
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
