package journal_test

import (
	"context"
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

// BenchmarkMutation makes mutations of one write each, by one caller and by many. Each is at a site of
// its own.
func BenchmarkMutation(b *testing.B) {
	for _, kind := range []string{"memory", "sqlite", "postgres"} {
		for _, callers := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", kind, callers*2), func(b *testing.B) {
				sites := sitesOn(b, kind)
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
			})
		}
	}
}

// sitesOn returns a client of a vendor behind a journal in such a store.
func sitesOn(b *testing.B, kind string) pb.SiteServiceClient {
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
	w := &world{}
	direct := inproc.New(nil, nil)
	w.register(direct)
	j, err := journal.New(b.Context(), db, direct.Call, journal.Options{DigestKey: []byte("outside of the store")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.Close(context.Background()) })
	conn := inproc.New([]grpc.UnaryServerInterceptor{j.Unary}, nil)
	w.register(conn)
	return pb.NewSiteServiceClient(conn)
}
