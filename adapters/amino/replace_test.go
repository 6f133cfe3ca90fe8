package amino_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const getSilver = "GET " + root + "/products/silver"

var (
	refusal   = respond(http.StatusUnprocessableEntity, notSold)
	noContent = respond(http.StatusNoContent, "")
)

// held are the reads of a replacement of L1, with these attributes.
func held(attributes string) map[string][]reply {
	return map[string][]reply{
		getLicense: {ok(one(row("L1", attributes)))}, getSilver: {ok(strings.ReplaceAll(goldProduct, "gold", "silver"))}, getGold: {ok(goldProduct)},
		getViewers: {ok(several(row("L1", attributes)))}, deleteL1: {noContent},
	}
}

func silver() *pb.ProductLicense {
	return &pb.ProductLicense{User: "viewer", Product: "vendors/acme/products/silver", OrderId: "order-2"}
}

func replace(t *testing.T, a *amino.Adapter, log mutation.Log, terms *pb.ProductLicense) (*pb.ProductLicense, error) {
	t.Helper()
	return a.ReplaceProductLicense(in(t, log), &pb.ReplaceProductLicenseRequest{Name: licenseL1, ProductLicense: terms})
}

func TestAReplacementReadsAllBeforeItWrites(t *testing.T) {
	turns := held(whole)
	turns[postLicense] = []reply{created(theCreatedL2)}
	a, vendor := serve(t, config(), turns)
	got, err := replace(t, a, mutation.NewMemory(), silver())
	if err != nil || got.GetName() != "vendors/acme/productLicenses/L2" {
		t.Errorf("%v, %v", got, err)
	}
	want := []string{"GET /licenses/L1", "GET /products/silver", "GET /users/viewer/licenses", "GET /users/viewer/licenses", "DELETE /licenses/L1", "POST /licenses"}
	if !slices.Equal(made(vendor), want) {
		t.Errorf("made %q", made(vendor))
	}
}

func TestWhatCanBeRefusedIsRefusedBeforeTheRevocation(t *testing.T) {
	for what, c := range map[string]struct {
		terms  func(*pb.ProductLicense)
		turns  map[string][]reply
		code   codes.Code
		reason pb.ErrorReason
	}{
		"terms that cannot be":   {func(l *pb.ProductLicense) { l.StartTime, l.StopTime = at(5), at(5) }, nil, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID},
		"another user":           {func(l *pb.ProductLicense) { l.User = "Viewer" }, nil, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID},
		"no such license":        {nil, map[string][]reply{getLicense: {gone()}}, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"no such product":        {nil, map[string][]reply{getSilver: {gone()}}, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"an order that is taken": {nil, map[string][]reply{getViewers: {ok(several(strings.Replace(row("L9", `"order_id":"order-2"`), "gold", "silver", 1)))}}, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS},
		"a license of which the product is not told": {nil, map[string][]reply{getLicense: {ok(`{"data":{"type":"License","id":"L1","attributes":{},"relationships":{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":null}}}}`)}},
			codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"a vendor that is not read":    {nil, map[string][]reply{getViewers: {respond(http.StatusTooManyRequests, "")}}, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED},
		"a revocation that is refused": {nil, map[string][]reply{deleteL1: {respond(http.StatusForbidden, "")}}, codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED},
	} {
		turns := held(whole)
		maps.Copy(turns, c.turns)
		conf := config()
		conf.UniqueOrders = true
		a, vendor := serve(t, conf, turns)
		terms := silver()
		if c.terms != nil {
			c.terms(terms)
		}
		_, err := replace(t, a, mutation.NewMemory(), terms)
		wantError(t, what, err, c.code, c.reason)
		if len(vendor.Made(postLicense)) > 0 || len(vendor.Made(deleteL1)) > 0 && c.turns[deleteL1] == nil {
			t.Errorf("%s: made %q", what, made(vendor))
		}
	}
}

func TestRefusedTermsAreRolledBack(t *testing.T) {
	for what, attributes := range map[string]string{
		"a license with everything":     whole,
		"a status that nobody knows":    strings.Replace(whole, "SUSPENDEDADMIN", "ON_HOLD", 1),
		"a license that does not recur": strings.Replace(whole, `"recurring":true`, `"recurring":false`, 1),
		"a license for nothing":         `"status":"ACTIVE","order_id":"order-1","start_date":5,"renew_record":{"recurring":false},"purchase_record":{"price_currency_amount":0,"price_currency_iso4217":"EUR"}`,
	} {
		turns := held(attributes)
		turns[postLicense] = []reply{refusal, created(one(row("L3", attributes)))}
		a, vendor := serve(t, config(), turns)
		log := mutation.NewMemory()
		for range 2 { // once more, from the record
			_, err := replace(t, a, log, silver())
			e := wantError(t, what, err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
			if e.Metadata[apierror.Standing] != "vendors/acme/productLicenses/L3" || e.Metadata[apierror.VendorCode] != "NOT_SOLD" || !strings.Contains(e.Message, "productLicenses/L3") {
				t.Errorf("%s: it says %q, with %v", what, e.Message, e.Metadata)
			}
		}
		sent := vendor.Made(postLicense)
		if len(sent) != 2 {
			t.Fatalf("%s: made %q", what, made(vendor))
		}
		sameJSON(t, what+", restored", sent[1].Body, `{"data":{"type":"License","attributes":{`+attributes+`},
			"relationships":{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}}`)
	}
}

func TestOldTermsWithoutAnOrderGetOneWhenTheyAreRestored(t *testing.T) {
	turns := held(`"status":"ACTIVE","start_date":5`)
	turns[postLicense] = []reply{refusal, created(theCreatedL2)}
	a, vendor := serve(t, config(), turns)
	_, err := replace(t, a, mutation.NewMemory(), silver())
	wantError(t, "ReplaceProductLicense", err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
	if sent := vendor.Made(postLicense); !strings.Contains(sent[1].Body, `"order_id":"drmhub-`) {
		t.Errorf("restored as %s", sent[1].Body)
	}
}

func TestWhenNothingStandsItIsSaid(t *testing.T) {
	turns := held(whole)
	turns[postLicense] = []reply{refusal, respond(http.StatusForbidden, `{"errors":[{"code":"NOT_YOU"}]}`)}
	a, _ := serve(t, config(), turns)
	_, err := replace(t, a, mutation.NewMemory(), silver())
	e := wantError(t, "ReplaceProductLicense", err, codes.Aborted, pb.ErrorReason_REPLACE_INCOMPLETE)
	if standing, there := e.Metadata[apierror.Standing]; there || standing != "" || !strings.Contains(e.Message, "no license stands") || !strings.Contains(e.Message, licenseL1) {
		t.Errorf("it says %q, with %v", e.Message, e.Metadata)
	}
}

// TestWhatMayPassIsNoRefusalOfTerms has something come between the two writes that has nothing to
// do with the terms.
func TestWhatMayPassIsNoRefusalOfTerms(t *testing.T) {
	for what, between := range map[string]struct {
		reply
		step mutation.State // Fresh: AminoTV is known not to have done it
	}{
		"credentials that have ended": {respond(http.StatusUnauthorized, ""), mutation.NotSent},
		"a vendor that throttles":     {respond(http.StatusTooManyRequests, ""), mutation.NotSent},
		"a vendor that is down":       {respond(http.StatusServiceUnavailable, ""), mutation.Sent},
		"a connection that breaks":    {cut, mutation.Sent},
	} {
		turns := held(whole)
		turns[postLicense] = []reply{between.reply, created(theCreatedL2)}
		a, vendor := serve(t, config(), turns)
		log := mutation.NewMemory()
		_, err := replace(t, a, log, silver())
		wantUnknown(t, what, err)
		if log.Get("issue").State != between.step {
			t.Errorf("%s: the step is recorded as %v, want %v", what, log.Get("issue").State, between.step)
		}
		got, err := replace(t, a, log, silver())
		if err != nil || got.GetName() != "vendors/acme/productLicenses/L2" || len(vendor.Made(deleteL1)) != 1 {
			t.Errorf("%s, run again: %v, %v; made %q", what, got, err, made(vendor))
		}
	}
}

func TestACallerWhoLeavesAfterTheRevocationLosesNothing(t *testing.T) {
	turns := held(whole)
	turns[postLicense] = []reply{refusal, created(theCreatedL2)}
	a, vendor := serve(t, config(), turns)
	ctx, leave := context.WithCancel(t.Context())
	vendor.Inspect = func(r *http.Request) {
		if r.Method == http.MethodDelete {
			leave()
		}
	}
	_, err := a.ReplaceProductLicense(mutation.NewContext(ctx, mutation.NewMemory()), &pb.ReplaceProductLicenseRequest{Name: licenseL1, ProductLicense: silver()})
	wantError(t, "ReplaceProductLicense", err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
	if len(vendor.Made(postLicense)) != 2 {
		t.Errorf("made %q", made(vendor))
	}
}

// forgetful is a log that cannot keep refusals.
type forgetful struct {
	*mutation.Memory
	fails int
}

func (f *forgetful) Put(ctx context.Context, step string, r mutation.Record) error {
	if r.State == mutation.Refused && f.fails > 0 {
		f.fails--
		return errNotKept
	}
	return f.Memory.Put(ctx, step, r)
}

func TestARefusalThatIsNotKeptIsNotActedUpon(t *testing.T) {
	turns := held(whole)
	turns[postLicense] = []reply{refusal, refusal, created(one(row("L3", whole)))}
	a, vendor := serve(t, config(), turns)
	log := &forgetful{mutation.NewMemory(), 1}
	_, err := replace(t, a, log, silver())
	wantUnknown(t, "the call", err)
	if len(vendor.Made(postLicense)) != 1 {
		t.Errorf("made %q", made(vendor))
	}
	_, err = replace(t, a, log, silver())
	wantError(t, "run again", err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
}

// TestTimePassesBetweenTheRevocationAndTheRestoration has the vendor unreachable for a month at the
// worst moment: what is restored is what the old license would be by then.
func TestTimePassesBetweenTheRevocationAndTheRestoration(t *testing.T) {
	const month = 30 * 24 * time.Hour
	for what, c := range map[string]struct {
		old  func(l *emulator.License, now time.Time)
		want func(l *emulator.License, now time.Time)
	}{
		"it has ended": {
			func(l *emulator.License, now time.Time) { l.StopDate = now.Add(time.Hour) },
			func(l *emulator.License, _ time.Time) { l.Status = emulator.StatusExpired },
		},
		"it was suspended, and has ended": {
			func(l *emulator.License, now time.Time) {
				l.Status, l.StopDate = emulator.StatusSuspended, now.Add(time.Hour)
			},
			func(*emulator.License, time.Time) {},
		},
		"it has renewed": {
			func(l *emulator.License, now time.Time) { l.Recurring, l.ExpiryDate = true, now.Add(20*24*time.Hour) },
			// the period was of 30 days
			func(l *emulator.License, now time.Time) { l.ExpiryDate = now.Add(50 * 24 * time.Hour) },
		},
		"its period has ended, and it does not recur": {
			func(l *emulator.License, now time.Time) { l.ExpiryDate = now.Add(time.Hour) },
			func(*emulator.License, time.Time) {},
		},
		"it has not ended": {
			func(l *emulator.License, now time.Time) { l.StopDate = now.Add(2 * month) },
			func(*emulator.License, time.Time) {},
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now().UTC()
				vendor := emulator.New(emulator.Options{})
				vendor.PutProducts(emulator.Product{ID: "gold"}, emulator.Product{ID: "silver"})
				old := emulator.License{
					ID: "L1", UserID: "viewer", ProductID: "gold", Status: emulator.StatusActive, OrderID: "order-1", StartDate: now.Add(-10 * 24 * time.Hour),
					PriceAmount: 99, PriceCurrency: "EUR", PurchaseTimestamp: now.Add(-11 * 24 * time.Hour), PaymentMethod: "billing",
				}
				c.old(&old, now)
				vendor.PutLicenses(old)
				vendor.Faults().Add(twin.Fault{Kind: twin.FaultCut, Method: http.MethodPost, Times: 1})
				a := adapterTo(t, twinConfig(), twin.Transport(vendor))
				log := mutation.NewMemory()
				_, err := replace(t, a, log, silver())
				wantUnknown(t, "the call", err)

				time.Sleep(month)
				refuse := emulator.Refusal(http.StatusUnprocessableEntity, "NOT_SOLD", "no")
				refuse.Method, refuse.Times = http.MethodPost, 1
				vendor.Faults().Add(refuse)
				_, err = replace(t, a, log, silver())
				wantError(t, "run again", err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
				want := old
				c.want(&want, now)
				stands := vendor.Licenses()
				if len(stands) != 1 {
					t.Fatalf("there stand %v", stands)
				}
				// An AminoTV that does not look at stop_date by itself is told, too.
				if sent := lastBody(vendor, http.MethodPost); !strings.Contains(sent, `"status":"`+want.Status+`"`) {
					t.Errorf("sent %s, want the status %s", sent, want.Status)
				}
				if want.ID = stands[0].ID; stands[0] != want {
					t.Errorf("there stands\n%+v\nwant\n%+v", stands[0], want)
				}
			})
		})
	}
}

// lastBody is that of the last request with this method.
func lastBody(vendor *emulator.Emulator, method string) string {
	body := ""
	for _, r := range vendor.Ledger().Requests() {
		if r.Method == method {
			body = r.Body
		}
	}
	return body
}

func TestALicenseIsReplacedUnderItsOwnOrder(t *testing.T) {
	turns := held(whole)
	mine := strings.Replace(row("L7", whole), "DKK", "EUR", 1)
	turns[postLicense] = []reply{cut}
	turns[getViewers] = []reply{ok(several(row("L1", whole))), ok(several(row("L1", whole))), ok(several(mine))}
	c := config()
	c.UniqueOrders = true
	a, _ := serve(t, c, turns)
	log, terms := mutation.NewMemory(), wholeLicense("")
	terms.Purchase.Price.Currency = "EUR"
	_, err := replace(t, a, log, terms)
	wantUnknown(t, "the call", err)
	got, err := replace(t, a, log, terms)
	if err != nil || got.GetName() != "vendors/acme/productLicenses/L7" {
		t.Errorf("run again: %v, %v", got, err)
	}
}

func TestADryRunOfAReplacementTellsBothWrites(t *testing.T) {
	a, vendor := serve(t, config(), held(whole))
	ctx, trial := mutation.WithDryRun(t.Context())
	got, err := a.ReplaceProductLicense(ctx, &pb.ReplaceProductLicenseRequest{Name: licenseL1, ProductLicense: silver()})
	want := proto.CloneOf(silver())
	want.Status, want.VendorStatus, want.Playable = pb.ProductLicense_ACTIVE, "ACTIVE", true
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what would be answered", got, want)
	if r := trial.Requests(); len(r) != 2 || !strings.Contains(r[0], "--request DELETE") || !strings.Contains(r[1], "--request POST") || len(vendor.Made(deleteL1)) > 0 {
		t.Errorf("it would send %q, and made %q", r, made(vendor))
	}
}
