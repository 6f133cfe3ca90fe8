package main

import (
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

// kind is one mutating call of one vendor.
type kind struct {
	vendor string
	method string // the RPC's full name
	answer func() proto.Message
	// plan makes the request, and says what it is to leave in the twin's ledger.
	plan func(w *world, o *op)
	// learn notes what an answer tells of that.
	learn func(o *op, answer proto.Message)
	// rests says that a call succeeds without a write where the vendor has it so already.
	rests bool
}

// newKind makes a kind; the type of the answer is learn's.
func newKind[Answer any, A interface {
	*Answer
	proto.Message
}](vendor, method string, plan func(*world, *op), learn func(*op, A)) *kind {
	return &kind{
		vendor: vendor, method: method, plan: plan,
		answer: func() proto.Message { return A(new(Answer)) },
		learn:  func(o *op, answer proto.Message) { learn(o, answer.(A)) },
	}
}

// resting is the kind, of which a call may find nothing to do.
func (k *kind) resting() *kind {
	k.rests = true
	return k
}

// String is the kind as in the table, "pallycon CreateMember".
func (k *kind) String() string { return k.vendor + " " + k.rpc() }

func (k *kind) rpc() string { return k.method[strings.LastIndex(k.method, "/")+1:] }

// kinds are every mutating RPC of every vendor.
func kinds() []*kind {
	var all []*kind
	for _, some := range [][]*kind{pallyconKinds(), ncpKinds(), telecomxKinds(), aminoKinds()} {
		all = append(all, some...)
	}
	return all
}

// op is one mutation that the campaign asks for: one request_id, however often it is called.
type op struct {
	*kind
	number  int
	id      string // the request_id
	token   string // unlike that of any other op, to be used where a value may be chosen freely
	random  *rand.Rand
	request proto.Message
	claims  []*claim
	// what the world tells once the op took effect, unless another one came later: see world.state
	sets map[string]string

	calls   int            // how often it was called
	cut     int            // how many of these calls a kill cut
	told    proto.Message  // the answer, once it was told that the op succeeded
	refused *status.Status // the error, once it was told that the op failed for good
	record  string         // the mutation's name, as far as the server said it
	strange []string       // what was told and cannot be
}

// claim is an effect that one step of an op leaves in the twin's ledger if it takes effect.
type claim struct {
	step   string // its id in the mutation's record
	effect string // its kind in the ledger
	by     string // the detail that the effect is found by; "" is its key
	key    string // the effect's; "" until an answer tells it
	// details are those that the effect must have.
	details map[string]string
	// told is whether the answer says that the step took effect, for responses that tell it of each.
	told *bool

	state    pb.Mutation_State // of the step, in the record
	from, to time.Time         // when its effect can have come
	matched  int               // effects that are its
}

// newOp plans the op with that number.
func newOp(w *world, seed uint64, number int, all []*kind) *op {
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24), byte(number), byte(number >> 8), byte(number >> 16), byte(number >> 24)})
	random := rand.New(source) //nolint:gosec // A campaign is to be repeatable.
	o := &op{
		kind: all[random.IntN(len(all))], number: number, token: fmt.Sprintf("c%06d", number), random: random, sets: map[string]string{},
		id: uuid.Must(uuid.NewRandomFromReader(source)).String(),
	}
	o.plan(w, o)
	m := o.request.ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName("request_id"), protoreflect.ValueOfString(o.id))
	return o
}

// chance is true with this probability.
func (o *op) chance(p float64) bool { return o.random.Float64() < p }

// shared is a name that so many ops that come one after the other have in common.
func (o *op) shared(n int) string { return fmt.Sprintf("s%05d", o.number/n) }

// oneOfLast is one of the last few things that a vendor shows, such as other ops have just created,
// and may not know of; false if it shows nothing, and in most cases.
func oneOfLast[T any](o *op, shown []T) (one T, chosen bool) {
	last := shown[max(0, len(shown)-5):]
	if len(last) == 0 || !o.chance(0.3) {
		return one, false
	}
	return last[o.random.IntN(len(last))], true
}

func (o *op) claim(c *claim) { o.claims = append(o.claims, c) }

// lastSegment is the id in a resource name.
func lastSegment(name string) string { return name[strings.LastIndex(name, "/")+1:] }
