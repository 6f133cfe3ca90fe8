package amino_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// These tests hold what testdata/scenarios cannot say.

func TestAnOrderIDIsDrawn(t *testing.T) {
	c := config()
	c.ContentType = "application/vnd.api+json"
	a, vendor := serve(t, c, map[string][]reply{
		postLicense: {created(theCreatedL2)}, getLicenses: {ok(nothing)},
	})
	drawn, orders := regexp.MustCompile(`"order_id":"(drmhub-[A-Z2-7]{26})"`), map[string]bool{}
	wanted := &pb.ProductLicense{
		User: "viewer", Product: gold, Renewal: &pb.ProductLicense_Renewal{}, Purchase: &pb.ProductLicense_Purchase{},
	}
	for range 2 { // without a read: no license can have this order id
		if _, err := issueAs(t, a, mutation.NewMemory(), wanted); err != nil {
			t.Fatal(err)
		}
	}
	for _, sent := range vendor.Made(postLicense) {
		order := drawn.FindStringSubmatch(sent.Body)
		if len(order) != 2 || orders[order[1]] || sent.Header.Get("Content-Type") != c.ContentType {
			t.Fatalf("sent %s as %q", sent.Body, sent.Header.Get("Content-Type"))
		}
		orders[order[1]] = true
		wiretest.SameJSON(t, "the body", sent.Body, `{"data":{"type":"License","attributes":`+
			`{"order_id":"`+order[1]+`","renew_record":{},"purchase_record":{}},"relationships":`+
			`{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}}`)
	}
	if _, err := list(t, a, &pb.ListProductLicensesRequest{}); err != nil {
		t.Fatal(err)
	}
	if accept := vendor.Only(getLicenses).Header.Get("Accept"); accept != c.ContentType {
		t.Errorf("a read accepts %q", accept)
	}
}

func TestOldTermsWithoutAnOrderGetOneWhenTheyAreRestored(t *testing.T) {
	a, vendor := serve(t, config(), replies(`"status":"ACTIVE","start_date":5`, notSold, created(theCreatedL2)))
	_, err := replace(t, a, mutation.NewMemory())
	wantError(t, "ReplaceProductLicense", err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
	if sent := vendor.Made(postLicense); !strings.Contains(sent[1].Body, `"order_id":"drmhub-`) {
		t.Errorf("restored as %s", sent[1].Body)
	}
}

// JSON cannot name these times.
func TestTimesOutOfRange(t *testing.T) {
	early, late := &timestamppb.Timestamp{Seconds: -1 << 40}, &timestamppb.Timestamp{Seconds: 1 << 40}
	for field, wanted := range map[string]*pb.ProductLicense{
		"product_license.start_time":          {StartTime: late},
		"product_license.renewal.expire_time": {Renewal: &pb.ProductLicense_Renewal{ExpireTime: late}},
		"product_license.purchase.time":       {Purchase: &pb.ProductLicense_Purchase{Time: early}},
	} {
		a, _ := serve(t, config(), nil)
		wanted.User, wanted.Product = "viewer", gold
		_, err := issueAs(t, a, mutation.NewMemory(), wanted)
		wantRefused(t, field, err, field)
	}
}

// TestAScanIsBounded has one license of a product behind many others. No call reads them all.
func TestAScanIsBounded(t *testing.T) {
	vendor := emulator.New(emulator.Options{})
	vendor.PutProducts(emulator.Product{ID: "gold"}, emulator.Product{ID: "rare"})
	for range 3000 {
		vendor.PutLicenses(emulator.License{UserID: "viewer", ProductID: "gold"})
	}
	vendor.PutLicenses(emulator.License{ID: "the-one", UserID: "viewer", ProductID: "rare"})
	a := adapterTo(t, twinConfig(), twin.Transport(vendor))
	req := &pb.ListProductLicensesRequest{Filter: &pb.ProductLicenseFilter{Product: "rare"}}
	found, calls := 0, 0
	for calls == 0 || req.GetPageToken() != "" {
		before := len(vendor.Ledger().Requests())
		res, err := list(t, a, req)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(vendor.Ledger().Requests()) - before; n > 12 {
			t.Errorf("one call made %d requests", n)
		}
		found, calls, req.PageToken = found+len(res.GetProductLicenses()), calls+1, res.GetNextPageToken()
	}
	if found != 1 || calls < 3 {
		t.Errorf("%d licenses were found with %d calls", found, calls)
	}
}

func TestACallerWhoLeavesAfterTheRevocationLosesNothing(t *testing.T) {
	a, vendor := serve(t, config(), replies(goldTerms, notSold, created(theCreatedL2)))
	ctx, leave := context.WithCancel(t.Context())
	vendor.Inspect = func(r *http.Request) {
		if r.Method == http.MethodDelete {
			leave()
		}
	}
	_, err := a.ReplaceProductLicense(mutation.NewContext(ctx, mutation.NewMemory()), toSilver())
	wantError(t, "ReplaceProductLicense", err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
	vendor.WantMade(postLicense, 2)
}

// A forgetful log cannot keep the first refusals.
type forgetful struct {
	*mutation.Memory
	fails int
	lost  bool // a refusal that Flush is to keep
}

func (f *forgetful) Note(step string, r mutation.Record) error {
	if r.State == mutation.Refused && f.fails > 0 {
		f.fails--
		f.lost = true
		return nil
	}
	return f.Memory.Note(step, r)
}

func (f *forgetful) Flush(context.Context) error {
	if f.lost {
		f.lost = false
		return errNotKept
	}
	return nil
}

func TestARefusalThatIsNotKeptIsNotActedUpon(t *testing.T) {
	a, vendor := serve(t, config(), replies(goldTerms, notSold, notSold, created(theCreatedL2)))
	log := &forgetful{Memory: mutation.NewMemory(), fails: 1}
	_, err := replace(t, a, log)
	wantUnknown(t, "the call", err)
	vendor.WantMade(postLicense, 1)
	_, err = replace(t, a, log)
	wantError(t, "run again", err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
}

// TestTimePassesBetweenTheRevocationAndTheRestoration has the vendor unreachable for a month at the
// worst moment. The restored license is what the old one would be by then.
func TestTimePassesBetweenTheRevocationAndTheRestoration(t *testing.T) {
	type license = emulator.License
	day := func(n int) time.Time { return time.Now().UTC().AddDate(0, 0, n) }
	for what, c := range map[string]struct{ old, want func(*license) }{
		"it has ended": {
			func(l *license) { l.StopDate = day(1) }, func(l *license) { l.Status = emulator.StatusExpired },
		},
		"it was suspended, and has ended": {
			func(l *license) { l.Status, l.StopDate = emulator.StatusSuspended, day(1) }, func(*license) {},
		},
		"it has renewed, with a period of 30 days": {
			func(l *license) { l.Recurring, l.ExpiryDate = true, day(20) }, func(l *license) { l.ExpiryDate = day(50) },
		},
		"its period has ended, and it does not recur": {
			func(l *license) { l.ExpiryDate = day(1) }, func(*license) {},
		},
		"it has not ended": {func(l *license) { l.StopDate = day(60) }, func(*license) {}},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old := license{
					ID: "L1", UserID: "viewer", ProductID: "gold", Status: emulator.StatusActive, OrderID: "order-1",
					StartDate: day(-10), PriceAmount: 99, PriceCurrency: "EUR", PurchaseTimestamp: day(-11),
					PaymentMethod: "billing",
				}
				c.old(&old)
				want := old
				c.want(&want)
				restoreLater(t, old, want)
			})
		})
	}
}

// restoreLater replaces a license. A month passes after its revocation, and then the new terms are
// refused.
func restoreLater(t *testing.T, old, want emulator.License) {
	vendor := emulator.New(emulator.Options{})
	vendor.PutProducts(emulator.Product{ID: "gold"}, emulator.Product{ID: "silver"})
	vendor.PutLicenses(old)
	vendor.Faults().Add(twin.Fault{Kind: twin.FaultCut, Method: http.MethodPost, Times: 1})
	a, log := adapterTo(t, twinConfig(), twin.Transport(vendor)), mutation.NewMemory()
	_, err := replace(t, a, log)
	wantUnknown(t, "the call", err)
	time.Sleep(30 * 24 * time.Hour)
	refuse := emulator.Refusal(http.StatusUnprocessableEntity, "NOT_SOLD", "no")
	refuse.Method, refuse.Times = http.MethodPost, 1
	vendor.Faults().Add(refuse)
	_, err = replace(t, a, log)
	wantError(t, "run again", err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
	held := vendor.Licenses()
	if len(held) != 1 {
		t.Fatalf("AminoTV holds %v", held)
	}
	if want.ID = held[0].ID; held[0] != want {
		t.Errorf("AminoTV holds\n%+v\nwant\n%+v", held[0], want)
	}
	// An AminoTV that does not look at stop_date by itself learns the status, too.
	requests := vendor.Ledger().Requests()
	last := requests[len(requests)-1]
	if last.Method != http.MethodPost || !strings.Contains(last.Body, `"status":"`+want.Status+`"`) {
		t.Errorf("sent last %s %s, want the status %s", last.Method, last.Body, want.Status)
	}
}
