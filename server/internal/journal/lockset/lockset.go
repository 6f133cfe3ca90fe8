// Package lockset says which names a mutation must hold, so that no other mutation changes the same
// thing at the same time. It is pure: the journal takes the locks.
package lockset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// A Call is a mutating call.
type Call struct {
	// Method is written "drmhub.v1.SiteService/DisableSite".
	Method string
	// Resource is the name of what the call is for.
	Resource string
	// Digest is the HMAC of the request.
	Digest  []byte
	Request proto.Message
}

// Of returns the names that a call must hold, sorted: each resource in the request, cut to the
// level below the vendor. A create request names no resource yet. It locks the key by which its
// result will be looked up, or, if the result has no key, its own digest.
func Of(c Call) []string {
	var names []string
	m := c.Request.ProtoReflect()
	if f := m.Descriptor().Fields().ByName("names"); f != nil && f.IsList() {
		for i := range m.Get(f).List().Len() {
			names = append(names, m.Get(f).List().Get(i).String())
		}
	} else if name := contract.ResourceName(c.Request); name != contract.Text(m, "parent") {
		names = append(names, name)
	}
	for i, name := range names {
		names[i] = upTo(4, name) // vendors/{vendor}/sites/{site}/…
	}
	if len(names) == 0 || "/"+c.Method == pb.ProductLicenseService_ReplaceProductLicense_FullMethodName {
		names = append(names, c.created(m)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// created returns the keys of what a request, or one item of a batch, creates.
func (c Call) created(m protoreflect.Message) (keys []string) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsList() && field.Message() != nil:
			for i := range v.List().Len() {
				keys = append(keys, c.created(v.List().Get(i).Message())...)
			}
		case !field.IsList() && !field.IsMap() && field.Message() != nil:
			if key := Key(c.Resource, v.Message().Interface()); key != "" {
				keys = append(keys, key)
			}
		}
		return true
	})
	if len(keys) == 0 {
		keys = append(keys, c.Method+"#"+hex.EncodeToString(c.Digest))
	}
	return keys
}

// Key returns the key by which a created thing can be looked up if the response is lost. A creation
// below resource locks it. Key is "" for types that are never created, and hashed to bound its
// length.
func Key(resource string, thing proto.Message) string {
	var chosen string
	switch thing := thing.(type) {
	case *pb.SiteOrder:
		chosen = "site " + thing.GetDisplayName()
	case *pb.Site:
		chosen = "site " + thing.GetDisplayName()
	case *pb.Member:
		chosen = "member " + thing.GetEmail()
	case *pb.DrmAccount:
		if thing.GetUsername() == "" { // the adapter draws a username that nobody else has
			return ""
		}
		chosen = "account " + thing.GetUsername()
	case *pb.Product:
		if thing.GetDisplayName() == "" { // it cannot be read back
			return ""
		}
		chosen = "product " + thing.GetDisplayName()
	case *pb.ProductLicense:
		// Its order id may be random, or that of a license that is issued again.
		chosen = "license of " + thing.GetUser()
	default:
		return ""
	}
	return fmt.Sprintf("%s#%x", upTo(2, resource), sha256.Sum256([]byte(strings.ToLower(chosen))))
}

// upTo returns the first segments of a resource name.
func upTo(segments int, name string) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[:min(len(parts), segments)], "/")
}
