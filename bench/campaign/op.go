package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An opKind is one mutating call of one vendor.
type opKind struct {
	vendor string
	method string // the RPC's full name
	answer func() proto.Message
	// plan makes the request, and claims its effects in the twin's ledger.
	plan func(b *testbed, o *op)
	// learn adds to the claims what a response tells.
	learn func(o *op, answer proto.Message)
	// rests reports whether a call succeeds without a write if the vendor has nothing to change.
	rests bool
}

// newKind returns a kind. The type of the response is that of learn.
func newKind[Answer any, A interface {
	*Answer
	proto.Message
}](vendor, method string, plan func(*testbed, *op), learn func(*op, A)) *opKind {
	return &opKind{
		vendor: vendor, method: method, plan: plan,
		answer: func() proto.Message { return A(new(Answer)) },
		learn:  func(o *op, answer proto.Message) { learn(o, answer.(A)) },
	}
}

// resting returns the kind, with calls that may find nothing to do.
func (k *opKind) resting() *opKind {
	k.rests = true
	return k
}

// String returns the kind as in the table, such as "pallycon CreateMember".
func (k *opKind) String() string { return k.vendor + " " + k.rpc() }

func (k *opKind) rpc() string { return k.method[strings.LastIndex(k.method, "/")+1:] }

// kinds returns every mutating RPC of every vendor.
func kinds() []*opKind {
	var all []*opKind
	for _, some := range [][]*opKind{pallyconKinds(), ncpKinds(), telecomxKinds(), aminoKinds()} {
		all = append(all, some...)
	}
	return all
}

// An op is one mutation of the campaign. All of its calls have one request_id.
type op struct {
	*opKind
	caller  *caller
	number  int
	id      string // the request_id
	token   string // unique, for values that the op can choose freely
	random  *rand.Rand
	request proto.Message
	claims  []*claim
	// sets holds the values of testbed.state that the op sets, if no later op sets them.
	sets map[string]string

	calls   int            // all calls
	cut     int            // calls that a kill cut
	told    proto.Message  // the response of a success
	refused *status.Status // the error of a definite failure
	record  string         // the mutation's name, if the server told it
	strange []string       // impossible things that the client was told
	errors  []string       // all that its caller was told of failures
	leaks   []string       // what wrong callers were let do
}

// A claim is an effect in the twin's ledger that one step of an op has.
type claim struct {
	step   string // its id in the mutation's record
	effect string // its kind in the ledger
	by     string // the detail by which the effect is found; "" means its key
	key    string // of the effect; "" until a response tells it
	// details are the details that the effect must have.
	details map[string]string
	// told reports whether a response says that the step took effect. Nil means that it does not
	// say.
	told *bool

	state    pb.Mutation_State // of the step, in the record
	from, to time.Time         // the bounds of the time of its effect
	matched  int               // its effects
}

// claimBy returns a claim of the effect with this detail.
func claimBy(step, effect, detail, value string) *claim {
	return &claim{step: step, effect: effect, by: detail, details: map[string]string{detail: value}}
}

// newOp plans the op with that number.
func newOp(b *testbed, seed uint64, number int, all []*opKind) *op {
	random, which, id := draw(seed, number, len(all))
	o := &op{
		opKind: all[which], number: number, token: fmt.Sprintf("c%06d", number), random: random,
		sets: map[string]string{}, id: id,
	}
	if sharesID(seed, number) {
		_, _, o.id = draw(seed, number-1, len(all))
	}
	o.plan(b, o)
	o.caller = b.choose(seed, o)
	m := o.request.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName("request_id"), protoreflect.ValueOfString(o.id))
	return o
}

// draw returns the random choices of an op, the first of which are its kind and its request_id.
func draw(seed uint64, number, kinds int) (random *rand.Rand, kind int, id string) {
	var key [32]byte
	binary.LittleEndian.PutUint32(key[:], uint32(seed))
	binary.LittleEndian.PutUint32(key[4:], uint32(number))
	source := rand.NewChaCha8(key)
	random = rand.New(source) //nolint:gosec // A campaign is repeatable.
	kind = random.IntN(kinds)
	return random, kind, uuid.Must(uuid.NewRandomFromReader(source)).String()
}

// chance reports true with this probability.
func (o *op) chance(p float64) bool { return o.random.Float64() < p }

// shared returns a name that n consecutive ops have in common.
func (o *op) shared(n int) string { return fmt.Sprintf("s%05d", o.number/n) }

// oneOfLast returns one of the last things that a vendor shows. Other ops may have just created
// them, and not know it yet. It mostly returns false, and always if the vendor shows nothing.
func oneOfLast[T any](o *op, shown []T) (one T, chosen bool) {
	last := shown[max(0, len(shown)-5):]
	if len(last) == 0 || !o.chance(0.3) {
		return one, false
	}
	return last[o.random.IntN(len(last))], true
}

func (o *op) claim(c *claim) { o.claims = append(o.claims, c) }

// lastSegment returns the id in a resource name.
func lastSegment(name string) string { return name[strings.LastIndex(name, "/")+1:] }
