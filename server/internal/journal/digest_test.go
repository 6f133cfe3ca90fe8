package journal_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// A key that comes, goes or changes between two calls never has a change made twice. The same holds
// for digests of an older version.
func TestARequestWithSecretsIsRecognizedAgain(t *testing.T) {
	none := []byte{}
	for name, c := range map[string]struct {
		before, after   []byte
		former, unknown bool
	}{
		"without a key":  {before: none, after: none},
		"with a key":     {before: []byte("a"), after: []byte("a")},
		"a new key":      {before: none, after: []byte("a")},
		"a lost key":     {before: []byte("a"), after: none, unknown: true},
		"another key":    {before: []byte("a"), after: []byte("b"), unknown: true},
		"an upgrade":     {before: none, after: none, former: true},
		"both, and late": {before: none, after: []byte("a"), former: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, db := &fakeVendor{}, storetest.Open(t, store.Memory)
			with := func(key []byte) *replica {
				o := noBackground
				o.DigestKey = key
				r := newReplica(t, db, v, o)
				stop(t, r.Journal)
				return r
			}
			one := with(c.before)
			ok(t, one.create(t, id))
			const method = pb.DrmAccountService_CreateDrmAccount_FullMethodName
			former := one.FormerDigest(method, create(id))
			stored := storetest.Texts(t, db, "SELECT digest FROM mutations")
			if c.former {
				storetest.Exec(t, db, "UPDATE mutations SET digest = $1", former)
			} else if stored[0] == string(former) {
				t.Error("the digest is fast to compute for who reads the store")
			}
			other := with(c.after)
			changed := create(id)
			changed.DrmAccount.Password += "!"
			_, err := other.accounts.CreateDrmAccount(t.Context(), changed)
			if c.unknown {
				wantUnknown(t, other.create(t, id))
				wantUnknown(t, err)
			} else {
				ok(t, other.create(t, id))
				wantError(t, err, codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED)
			}
			// A request without secrets is another request, whatever the key is.
			wantError(t, other.disable(t, id), codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED)
			v.want(t, "create username", 1)
		})
	}
}
