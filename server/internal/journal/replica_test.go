package journal_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/interceptors"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
	"github.com/drmhub/drmhub/server/internal/validation"
)

// replica is a server with a journal, and clients of it.
type replica struct {
	*journal.Journal
	db        *store.DB
	sites     pb.SiteServiceClient
	licenses  pb.ProductLicenseServiceClient
	accounts  pb.DrmAccountServiceClient
	mutations pb.MutationServiceClient
}

// rules takes long to make, and is the same for all.
var rules = validation.New()

// services are what a replica serves, beside the MutationService.
type services interface {
	register(grpc.ServiceRegistrar)
}

// newReplica serves the services behind the chain of the server. Its journal settles by calls
// without the chain.
func newReplica(t *testing.T, db *store.DB, served services, options journal.Options) *replica {
	t.Helper()
	direct := inproc.New(nil, nil)
	served.register(direct)
	if options.DigestKey == nil { // A slow digest would take most of the time.
		options.DigestKey = []byte("outside of the store")
	}
	j, err := journal.New(t.Context(), db, direct.Call, options)
	if err != nil {
		t.Fatal(err)
	}
	parts := interceptors.Parts{
		Log: slog.New(slog.DiscardHandler), Rules: rules, Journal: j,
		Authenticator: auth.None(), Confinement: &auth.Confinement{},
	}
	conn := inproc.New(interceptors.Chain(parts))
	served.register(conn)
	pb.RegisterMutationServiceServer(conn, journal.NewService(j, &auth.Confinement{}))
	return &replica{
		j, db, pb.NewSiteServiceClient(conn), pb.NewProductLicenseServiceClient(conn),
		pb.NewDrmAccountServiceClient(conn), pb.NewMutationServiceClient(conn),
	}
}

// start is newReplica on a store in memory, until the end of the test.
func start(t *testing.T, served services, options journal.Options) *replica {
	t.Helper()
	r := newReplica(t, storetest.Open(t, store.Memory), served, options)
	stop(t, r.Journal)
	return r
}

// stop closes a journal at the end of the test.
func stop(t *testing.T, j *journal.Journal) {
	t.Cleanup(func() {
		ok(t, j.Close(context.Background()))
	})
}

// newJournal is a journal in memory, which settles by calls over direct.
func newJournal(t *testing.T, direct *inproc.Conn, options journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.New(t.Context(), storetest.Open(t, store.Memory), direct.Call, options)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, j)
	return j
}

// Pass makes an hour pass in the store. Then every other replica is dead, the vendor no longer
// works on any write, and every open mutation is due.
func (r *replica) Pass(ctx context.Context) error {
	return r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, query := range []string{
			"UPDATE replicas SET alive_until = 0 WHERE alive_until > 0 AND id <> '" + r.Lease().Replica() + "'",
			`UPDATE steps SET send_time = send_time - 3600000000, over_time = over_time - 3600000000
				WHERE mutation IN (SELECT id FROM mutations WHERE settle_at IS NOT NULL)`,
			"UPDATE mutations SET settle_at = 0 WHERE settle_at IS NOT NULL",
		} {
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		return nil
	})
}

// SettleDue settles what is due, and returns how many mutations are still to be settled.
func (r *replica) SettleDue(ctx context.Context) (open int, err error) {
	r.Journal.SettleDue(ctx)
	err = r.db.Reads().QueryRowContext(ctx, "SELECT count(*) FROM mutations WHERE settle_at IS NOT NULL").Scan(&open)
	return open, err
}

// background runs f in a goroutine, and returns a function that waits for its end.
func background(f func()) (wait func()) {
	var running sync.WaitGroup
	running.Go(f)
	return running.Wait
}

// gate returns a function that blocks until the gate is opened, and the one that opens it.
func gate() (pass, open func()) {
	opened := make(chan struct{})
	return func() { <-opened }, func() { close(opened) }
}

// ok demands that a call succeeds.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// wantUnknown demands OUTCOME_UNKNOWN. UNAVAILABLE and DEADLINE_EXCEEDED would read as "not done".
func wantUnknown(t *testing.T, err error) {
	t.Helper()
	wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
}

func (r *replica) disable(t *testing.T, requestID string) error {
	return r.disableAt(t, site, requestID)
}

func (r *replica) disableAt(t *testing.T, name, requestID string) error {
	_, err := r.sites.DisableSite(t.Context(), &pb.DisableSiteRequest{Name: name, RequestId: requestID})
	return err
}

func (r *replica) enable(t *testing.T, requestID string) error { return r.enableAt(t, site, requestID) }

func (r *replica) enableAt(t *testing.T, name, requestID string) error {
	_, err := r.sites.EnableSite(t.Context(), &pb.EnableSiteRequest{Name: name, RequestId: requestID})
	return err
}

func (r *replica) replace(t *testing.T, requestID string) error {
	_, err := r.licenses.ReplaceProductLicense(t.Context(), replace(requestID))
	return err
}

func (r *replica) create(t *testing.T, requestID string) error {
	_, err := r.accounts.CreateDrmAccount(t.Context(), create(requestID))
	return err
}

// passAndSettle is Pass, and then SettleDue.
func (r *replica) passAndSettle(t *testing.T) {
	t.Helper()
	ok(t, r.Pass(t.Context()))
	_, err := r.SettleDue(t.Context())
	ok(t, err)
}

// wantRetryAfter demands OUTCOME_UNKNOWN with this retry delay.
func wantRetryAfter(t *testing.T, err error, want time.Duration) {
	t.Helper()
	wantUnknown(t, err)
	if got := apierror.Convert(err).RetryAfter; got != want {
		t.Errorf("to be called again after %v, want %v", got, want)
	}
}

func wantError(t *testing.T, err error, code codes.Code, reason pb.ErrorReason) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s %s", code, reason)
	}
	if e := apierror.Convert(err); e.Code != code || e.Reason != reason {
		t.Errorf("%s %s %q, want %s %s", e.Code, e.Reason, e.Message, code, reason)
	}
}

// events are the outcomes in the audit trail of a resource, in order.
func events(t *testing.T, r *replica, resource string) []string {
	t.Helper()
	const query = "SELECT outcome FROM audit_events WHERE resource = $1 ORDER BY time, position"
	return storetest.Texts(t, r.db, query, resource)
}

// trail is the audit trail, an event a line.
func trail(t *testing.T, r *replica) []string {
	t.Helper()
	return storetest.Texts(t, r.db, `
		SELECT subject || ' ' || method || ' ' || resource || ' ' || outcome || ' ' || vendor_code
		FROM audit_events ORDER BY time, position`)
}

func replace(requestID string) *pb.ReplaceProductLicenseRequest {
	return &pb.ReplaceProductLicenseRequest{
		Name: oldLicense, RequestId: requestID, ProductLicense: &pb.ProductLicense{User: "u", Product: newLicense},
	}
}

// count counts the rows of a table.
func count(t *testing.T, r *replica, table string) (n int) {
	t.Helper()
	ok(t, r.db.Reads().QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

const password = "hunter2hunter2"

func create(requestID string) *pb.CreateDrmAccountRequest {
	return &pb.CreateDrmAccountRequest{
		Parent: "vendors/v", RequestId: requestID, View: pb.DrmAccount_FULL,
		DrmAccount: &pb.DrmAccount{Customer: "c", Username: "username", Password: password},
	}
}
