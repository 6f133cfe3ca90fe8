// Package records stores mutations, their steps and their locks. It holds all SQL of the journal
// except that of the heartbeat. It holds no rule: its callers decide what to write.
//
// A run writes to a mutation only while it owns the mutation, so every UPDATE names the owner.
package records

import (
	"context"
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/store"
)

// Records are the mutations in a store. They are safe for concurrent use.
type Records struct {
	db     *store.DB
	due    string          // holds for a mutation that is to be settled at $1
	living func() []string // the replicas that this one has just seen alive
}

// New returns the records in a store. pause is the longest time between a number of attempts to
// settle a mutation and the next one.
func New(db *store.DB, pause func(attempts int64) time.Duration) *Records {
	return &Records{db: db, due: due(pause), living: func() []string { return nil }}
}

// SetLiving sets a function that returns the ids of replicas that are alive, whatever their lease
// in the store says. Set it before the first call.
func (r *Records) SetLiving(living func() []string) { r.living = living }

// A Mutation is the record of a mutating call.
type Mutation struct {
	ID        string
	Subject   string
	RequestID string
	// Method is written "drmhub.v1.SiteService/DisableSite".
	Method   string
	Resource string
	// Account says which account at the vendor the mutation was made at; "" if that is not known.
	Account string
	// Digest is the HMAC of the request. Request is the request without its secrets.
	Digest, Request []byte
	// HeldSecrets is true if the request held secrets, which are not stored.
	HeldSecrets bool
	// State is SENT only while its owner is alive. A mutation that a dead owner sent is UNKNOWN.
	State pb.Mutation_State
	// Response is the recorded response, without its secrets, or nil.
	Response         proto.Message
	Err              *status.Status
	VendorHTTPStatus int32
	VendorCode       string
	// Sent is the time of the first write. These times are zero if the event has not happened.
	Created, Sent, Settled time.Time
	// Attempts counts the attempts to settle the mutation.
	Attempts int64
	// SettleAt is when the mutation is due to be settled. It is zero if it is settled or given up.
	SettleAt time.Time
	// ResendIDs are the request_ids of the ResendMutation calls that were made.
	ResendIDs []string
	// Owner is the run that owns the mutation; "" if this record was only read.
	Owner string
	// Steps are the steps at the time of the claim, in the order in which they began. Of this
	// package, only Claim and ClaimDue set them.
	Steps []*Step
}

// NamePrefix begins the resource name of every mutation.
const NamePrefix = "mutations/"

// Name returns the resource name of the mutation.
func (m *Mutation) Name() string { return NamePrefix + m.ID }

// Vendor returns the resource name of the vendor of the mutation.
func (m *Mutation) Vendor() string { return vendorOf(m.Resource) }

// A Step is the record of one vendor write, or of what was read before it.
type Step struct {
	// mutation.Record is without its EffectDeadline, which the store does not hold.
	mutation.Record
	Name     string
	Position int
	// Sent and Settled are zero if the event has not happened.
	Sent, Settled time.Time
}

var (
	// ErrNotFound means that the store holds no such mutation.
	ErrNotFound = errors.New("there is no such mutation")
	// ErrTakenOver means that another run owns the mutation, so this run can record nothing.
	ErrTakenOver = errors.New("nothing was recorded: the lease of this replica ended, and another run took over")
)

// Unwritable returns the error of a call that the journal could not record. Nothing was sent, or
// what was sent is settled later. An error of a context stays as it is.
func Unwritable(err error) error {
	return unavailable(err, "Nothing was sent: the journal database is unavailable. Retry later.")
}

// unreadable returns the error of a call that could not read the journal.
func unreadable(err error) error {
	return unavailable(err, "The journal database is unavailable. Retry later.")
}

func unavailable(err error, message string) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.Join(apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE, "%s", message), err)
}
