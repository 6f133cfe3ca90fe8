package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// longestLockWait bounds how long a call waits for another one that changes the same resource.
const longestLockWait = 30 * time.Second

// locks are what no other mutation may change at the same time, or what one reads back could be another's doing: the resources that the request names, as far as the
// one that stands right below the vendor. A request that creates something names none: it locks what is just the same as itself.
func (r *record) locks(req proto.Message) []string {
	var names []string
	m := req.ProtoReflect()
	if f := m.Descriptor().Fields().ByName("names"); f != nil && f.IsList() {
		for i := range m.Get(f).List().Len() {
			names = append(names, m.Get(f).List().Get(i).String())
		}
	} else if name := resourceOf(m); name != text(m, "parent") {
		names = append(names, name)
	}
	for i, name := range names {
		parts := strings.Split(name, "/") // vendors/{vendor}/sites/{site}/…
		names[i] = strings.Join(parts[:min(len(parts), 4)], "/")
	}
	if len(names) == 0 || r.method == trimMethod(pb.ProductLicenseService_ReplaceProductLicense_FullMethodName) { // which creates something, too
		names = append(names, r.identities(m)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// identities are what the things that a request creates are read back by.
func (r *record) identities(m protoreflect.Message) (all []string) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsList() && field.Message() != nil:
			for i := range v.List().Len() {
				all = append(all, r.identities(v.List().Get(i).Message())...)
			}
		case !field.IsList() && !field.IsMap() && field.Message() != nil:
			if known := r.identity(v.Message().Interface()); known != "" {
				all = append(all, known)
			}
		}
		return true
	})
	if len(all) == 0 {
		all = append(all, r.method+"#"+hex.EncodeToString(r.digest))
	}
	return all
}

// identity is what a thing is read back by, should the answer to its creation be lost, and so what a creation locks; "" where it is none that is created. It is hashed,
// since a database takes no key of any length.
func (r *record) identity(thing proto.Message) string {
	var chosen string
	switch thing := thing.(type) {
	case *pb.SiteOrder:
		chosen = "site " + thing.GetDisplayName()
	case *pb.Site:
		chosen = "site " + thing.GetDisplayName()
	case *pb.Member:
		chosen = "member " + thing.GetEmail()
	case *pb.DrmAccount:
		if thing.GetUsername() == "" { // it is drawn, and nobody else has it
			return ""
		}
		chosen = "account " + thing.GetUsername()
	case *pb.Product:
		if thing.GetDisplayName() == "" { // it cannot be read back
			return ""
		}
		chosen = "product " + thing.GetDisplayName()
	case *pb.ProductLicense:
		chosen = "license of " + thing.GetUser() // an order id may be drawn, or be that of a licence that is issued again
	default:
		return ""
	}
	return fmt.Sprintf("%s#%x", vendorOf(r.resource), sha256.Sum256([]byte(strings.ToLower(chosen))))
}

func vendorOf(resource string) string {
	parts := strings.Split(resource, "/") // vendors/{vendor}/…
	return strings.Join(parts[:min(len(parts), 2)], "/")
}

// takeLocks locks all resources for a mutation, or none: then holder is the mutation that has one of them.
func takeLocks(ctx context.Context, tx *sql.Tx, id string, resources []string) (holder string, err error) {
	for _, resource := range resources {
		if holder, err = takeLock(ctx, tx, id, resource); err != nil {
			return "", err
		}
		if holder != id {
			_, err := tx.ExecContext(ctx, "DELETE FROM locks WHERE mutation = $1", id)
			return holder, err
		}
	}
	return "", nil
}

// takeLock locks a resource, or tells who has it. To look first touches no row: who waits must not keep the one who holds it from letting go, nor the transactions of
// other replicas from their end.
func takeLock(ctx context.Context, tx *sql.Tx, id, resource string) (holder string, err error) {
	for range 3 { // between a conflict and the look at it, the holder may let go
		err = tx.QueryRowContext(ctx, "SELECT mutation FROM locks WHERE resource = $1", resource).Scan(&holder)
		if !errors.Is(err, sql.ErrNoRows) {
			return holder, err
		}
		taken, err := tx.ExecContext(ctx, "INSERT INTO locks (resource, mutation) VALUES ($1, $2) ON CONFLICT (resource) DO NOTHING", resource, id)
		if err != nil {
			return "", err
		}
		if n, err := taken.RowsAffected(); err != nil || n == 1 {
			return id, err
		}
	}
	return "", fmt.Errorf("journal: the lock of %s changes hands too fast", resource)
}

// alone is what stands together with locks where nothing else does.
func alone(context.Context, *sql.Tx) error { return nil }

// lock waits until no other mutation holds what this one changes, and writes something together with the locks. Where that takes too long, nothing is sent.
func (j *Journal) lock(ctx context.Context, r *record, resources []string, and func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, longestLockWait)
	defer cancel()
	var holder string
	for {
		changed := j.anyChange()
		err := j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
			if err = r.update(ctx, tx, "owner = owner"); err != nil { // or a lock would outlive the mutation that another run has brought to its end
				return err
			}
			if holder, err = takeLocks(ctx, tx, r.id, resources); err != nil || holder != "" {
				return err
			}
			// What has locks is settled by somebody, whatever becomes of this run.
			if err = r.update(ctx, tx, "settle_at = COALESCE(settle_at, $3)", time.Now().UnixMicro()); err != nil {
				return err
			}
			return and(ctx, tx)
		})
		switch {
		case err == nil && holder == "":
			return nil
		case err != nil && (ctx.Err() == nil || holder == ""):
			return unwritable(err)
		case !wait(ctx, changed):
			return inProgress("changes the same resource", holder)
		}
	}
}

func inProgress(what, holder string) error {
	return apierror.New(codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS, "not sent: %s %s and is not settled yet; call again, or look at it with GetMutation", namePrefix+holder, what)
}

// AwaitCreation waits until the mutation that holds what this resource is read back by has come to its end. The next one to hold it has begun after the resource was seen.
func (s *steps) AwaitCreation(ctx context.Context, resource proto.Message) error {
	ctx, cancel := context.WithTimeout(ctx, longestLockWait)
	defer cancel()
	first := ""
	for {
		changed := s.journal.anyChange()
		holder, err := s.journal.holder(ctx, s.record.identity(resource))
		switch {
		case err != nil && (ctx.Err() == nil || first == ""):
			return err
		case err == nil && (holder == "" || holder == s.record.id || first != "" && holder != first):
			return nil
		case err == nil && s.settling:
			return mutation.ErrNoEffect // nobody asked for what is still to be sent
		case err == nil:
			first = holder
		}
		if !wait(ctx, changed) {
			return inProgress("creates what may be the same resource", first)
		}
	}
}

// holder is the mutation that has locked something, or "". It is asked where locks are written, for the reason that loadSteps has.
func (j *Journal) holder(ctx context.Context, resource string) (holder string, err error) {
	err = j.db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT mutation FROM locks WHERE resource = $1", resource).Scan(&holder)
		if errors.Is(err, sql.ErrNoRows) {
			holder, err = "", nil
		}
		return err
	})
	return holder, unwritable(err)
}
