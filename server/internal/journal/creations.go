package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

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

// identity is what a thing is read back by, should the answer to its creation be lost, and so what
// a creation locks; "" where it is none that is created. It is hashed, since a database takes no
// key of any length.
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
		// an order id may be drawn, or be that of a license that is issued again
		chosen = "license of " + thing.GetUser()
	default:
		return ""
	}
	return fmt.Sprintf("%s#%x", vendorName(r.resource), sha256.Sum256([]byte(strings.ToLower(chosen))))
}

func vendorName(resource string) string {
	parts := strings.Split(resource, "/") // vendors/{vendor}/…
	return strings.Join(parts[:min(len(parts), 2)], "/")
}

// AwaitCreation waits until the mutation that holds what this resource is read back by has come to
// its end. The next one to hold it has begun after the resource was seen.
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
			return mutation.NoEffect() // nobody asked for what is still to be sent
		case err == nil:
			first = holder
		}
		if !wait(ctx, changed) {
			return inProgress("creates what may be the same resource", first)
		}
	}
}

// holder is the mutation that has locked something, or "". It is asked where locks are written, for
// the reason that loadSteps has.
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
