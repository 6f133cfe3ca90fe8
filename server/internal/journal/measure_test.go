package journal_test

import (
	"context"
	"flag"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/postgres"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// BenchmarkMutation makes mutations of one write each, by one caller and by many. Each is at a site
// of its own.
func BenchmarkMutation(b *testing.B) {
	for _, kind := range []string{"memory", "sqlite", "postgres"} {
		for _, callers := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", kind, callers*2), func(b *testing.B) {
				_, sites := sitesOn(b, kind)
				mutate(b, sites, callers)
			})
		}
	}
}

var kept = flag.Int("kept", 100_000, "how many `mutations` BenchmarkMutationBesideKept keeps")

// BenchmarkMutationBesideKept makes mutations in an empty store, and in one that keeps many.
func BenchmarkMutationBesideKept(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		for _, n := range []int{0, *kept} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				db, sites := sitesOn(b, kind)
				keep(b, db, n)
				b.ResetTimer()
				mutate(b, sites, 1)
			})
		}
	}
}

// keep writes mutations that were settled. Their ids are in order of time, as those of all
// mutations.
func keep(b *testing.B, db *store.DB, n int) {
	b.Helper()
	const chunk = 5000 // A transaction takes a bounded time.
	for first := 0; first < n; first += chunk {
		err := db.Write(b.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (
					SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2
				)
				INSERT INTO mutations (id, subject, request_id, method, resource, digest, request, secrets, state,
					create_time, send_time, settle_time)
				SELECT '0' || CAST(1000000000 + i AS TEXT), 'caller', CAST(i AS TEXT),
					'drmhub.v1.SiteService/DisableSite', 'vendors/v/sites/kept', '', '', 0, 3, i, i, i FROM n`,
				first, min(first+chunk, n))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// mutate makes b.N mutations by this number of callers for each processor.
func mutate(b *testing.B, sites pb.SiteServiceClient, callers int) {
	b.Helper()
	var caller atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(callers)
	b.RunParallel(func(turns *testing.PB) {
		name := fmt.Sprintf("vendors/v/sites/s%d", caller.Add(1))
		for turns.Next() {
			req := &pb.DisableSiteRequest{Name: name, RequestId: uuid.NewString()}
			if _, err := sites.DisableSite(context.Background(), req); err != nil {
				b.Error(err)
			}
		}
	})
}

// sitesOn returns a store of this kind, and a client of a vendor behind a journal in it.
func sitesOn(b *testing.B, kind string) (*store.DB, pb.SiteServiceClient) {
	b.Helper()
	dsn := store.Memory
	switch kind {
	case "sqlite":
		dsn = storetest.SQLite(b)
	case "postgres":
		dsn = postgres.ForTest(b)
	}
	db, err := store.Open(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	v := &fakeVendor{}
	direct := inproc.New(nil, nil)
	v.register(direct)
	j, err := journal.New(b.Context(), db, direct.Call, journal.Options{DigestKey: []byte("outside of the store")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.Close(context.Background()) })
	conn := inproc.New([]grpc.UnaryServerInterceptor{j.Unary}, nil)
	v.register(conn)
	return db, pb.NewSiteServiceClient(conn)
}
