package audit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

func check(ctx context.Context, t *testing.T, db *store.DB) (*pb.VerifyAuditEventsResponse, error) {
	t.Helper()
	return audit.NewService(db).VerifyAuditEvents(ctx, &pb.VerifyAuditEventsRequest{})
}

func TestVerifyAuditEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		ctx := auth.WithCaller(t.Context(), auth.Anyone)
		want := func(events, chains, breaks int32, text string) {
			t.Helper()
			res, err := check(ctx, t, db)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range res.GetBreaks() {
				if !strings.HasPrefix(b.GetMessage(), b.GetAuditEvent()+" ") {
					t.Errorf("the message does not name the event: %s", b.GetMessage())
				}
				got = append(got, fmt.Sprint(b.GetChain(), " ", b.GetAuditEvent(), " ", b.GetKind()))
			}
			counts := [3]int32{res.GetEventCount(), res.GetChainCount(), res.GetBreakCount()}
			if counts != [3]int32{events, chains, breaks} || res.GetIntact() != (breaks == 0) {
				t.Errorf("%v, want %d events, %d chains, %d breaks", res, events, chains, breaks)
			}
			if all := strings.Join(got, "\n"); text != "" && all != text || len(got) > 100 {
				t.Errorf("breaks:\n%s\nwant:\n%s", all, text)
			}
		}
		want(0, 0, 0, "")
		for _, chain := range []string{"a", "b", "c", "d"} {
			grow(t, db, chain)
		}
		want(20, 4, 0, "")
		storetest.Exec(t, db, "UPDATE audit_events SET subject = 'x' WHERE chain = 'a' AND position = 2")
		storetest.Exec(t, db, "DELETE FROM audit_events WHERE chain = 'b' AND position IN (1, 4)")
		storetest.Exec(t, db, "UPDATE audit_events SET position = 0 WHERE chain = 'd' AND position = 1")
		want(18, 4, 3, "a auditEvents/a-2 CHANGED\nb auditEvents/b-1 MISSING\nd auditEvents/d-0 INSERTED")

		for i := range 120 {
			insert(t, db, audit.Event{Chain: fmt.Sprint("e", i), Position: 2})
		}
		want(138, 124, 123, "")
	})
}

func TestWhoMayVerifyAuditEvents(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	grow(t, db, "a")
	const denied = codes.PermissionDenied
	for name, c := range map[string]struct {
		who  auth.Identity
		code codes.Code
	}{
		"a caller without confinement": {auth.Identity{Subject: "ann"}, codes.OK},
		"of vendors":                   {auth.Identity{Subject: "ann", Vendors: []string{"acme"}}, denied},
		"of no vendor":                 {auth.Identity{Subject: "ann", Vendors: []string{}}, denied},
		"of sites":                     {auth.Identity{Subject: "ann", Sites: []string{"vendors/v/sites/s"}}, denied},
		"of customers":                 {auth.Identity{Subject: "ann", Customers: []string{"7"}}, denied},
		"a caller without an identity": {auth.Identity{}, denied},
	} {
		_, err := check(auth.WithCaller(t.Context(), &auth.Caller{Identity: c.who}), t, db)
		if got := apierror.Convert(err).Code; err != nil && got != c.code || err == nil && c.code != codes.OK {
			t.Errorf("%s: %v, want %v", name, err, c.code)
		}
	}
}

func TestVerifyEndsWithItsCaller(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	grow(t, db, "a")
	grow(t, db, "b")
	ctx, cancel := context.WithCancel(t.Context())
	chains := 0
	err := audit.Verify(ctx, db, func(audit.Chain) { chains++; cancel() })
	if err == nil || chains != 1 {
		t.Errorf("after its caller left, it checked %d chains: %v", chains, err)
	}
	past, cancel := context.WithDeadline(auth.WithCaller(t.Context(), auth.Anyone), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := check(past, t, db); apierror.Convert(err).Code != codes.DeadlineExceeded {
		t.Errorf("after the deadline: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = check(auth.WithCaller(t.Context(), auth.Anyone), t, db)
	if apierror.Convert(err).Code != codes.Unavailable {
		t.Errorf("a store that cannot be read: %v", err)
	}
}
