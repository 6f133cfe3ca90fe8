package amino_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// issue creates a license, as a mutation of its own.
func issue(t *testing.T, a *amino.Adapter, l *pb.ProductLicense) (*pb.ProductLicense, error) {
	t.Helper()
	return issueAs(t, a, mutation.NewMemory(), l)
}

func issueAs(t *testing.T, a *amino.Adapter, log mutation.Log, l *pb.ProductLicense) (*pb.ProductLicense, error) {
	t.Helper()
	return a.CreateProductLicense(in(t, log), &pb.CreateProductLicenseRequest{Parent: "vendors/acme", ProductLicense: l})
}

func revoke(t *testing.T, a *amino.Adapter, log mutation.Log) error {
	t.Helper()
	_, err := a.DeleteProductLicense(in(t, log), &pb.DeleteProductLicenseRequest{Name: licenseL1})
	return err
}

func TestALicenseIsSentWithAllItsTerms(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]reply{getViewers: {ok(nothing)}, postLicense: {created(one(row("L2", whole)))}})
	wanted := wholeLicense("ignored")
	wanted.VendorStatus, wanted.Playable = "WHATEVER", true // output only
	wanted.StartTime = &timestamppb.Timestamp{Seconds: 1583191411, Nanos: 999_999_999}
	got, err := issue(t, a, wanted)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the license", got, wholeLicense("L2"))
	sent := vendor.Only(postLicense)
	sameJSON(t, "the body", sent.Body, `{"data":{"type":"License","attributes":{`+whole+`},
		"relationships":{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}}`)
	if sent.Header.Get("Content-Type") != "application/json" || len(sent.Query) > 0 {
		t.Errorf("sent as %q, with the query %q", sent.Header.Get("Content-Type"), sent.Query)
	}
}

func TestWhatIsLeftOutIsAminoTVsToSay(t *testing.T) {
	c := config()
	c.ContentType = "application/vnd.api+json"
	// and no read: nothing can have this order id
	a, vendor := serve(t, c, map[string][]reply{postLicense: {created(theCreatedL2)}})
	orders := map[string]bool{}
	for range 2 {
		got, err := issue(t, a, &pb.ProductLicense{User: "viewer", Product: gold, Renewal: &pb.ProductLicense_Renewal{}, Purchase: &pb.ProductLicense_Purchase{}})
		if err != nil || got.GetName() != "vendors/acme/productLicenses/L2" || !got.GetPlayable() {
			t.Fatalf("%v, %v", got, err)
		}
	}
	drawn := regexp.MustCompile(`"order_id":"(drmhub-[A-Z2-7]{26})"`)
	for _, sent := range vendor.Made(postLicense) {
		order := drawn.FindStringSubmatch(sent.Body)
		if len(order) != 2 || orders[order[1]] || sent.Header.Get("Content-Type") != "application/vnd.api+json" {
			t.Fatalf("sent %s as %q", sent.Body, sent.Header.Get("Content-Type"))
		}
		orders[order[1]] = true
		sameJSON(t, "the body", sent.Body, `{"data":{"type":"License","attributes":{"order_id":"`+order[1]+`","renew_record":{},"purchase_record":{}},
			"relationships":{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"gold"}}}}}`)
	}
}

func TestTermsThatCannotBe(t *testing.T) {
	fine := func() *pb.ProductLicense { return &pb.ProductLicense{User: "viewer", Product: gold} }
	for field, spoil := range map[string]func(*pb.ProductLicense){
		"product_license.user":    func(l *pb.ProductLicense) { l.User = "" },
		"product_license.product": func(l *pb.ProductLicense) { l.Product = "gold" },
		"product_license.stop_time": func(l *pb.ProductLicense) {
			l.StartTime, l.StopTime = at(1000), &timestamppb.Timestamp{Seconds: 1000, Nanos: 5}
		},
		"product_license.start_time":          func(l *pb.ProductLicense) { l.StartTime = at(1 << 40) },
		"product_license.renewal.expire_time": func(l *pb.ProductLicense) { l.Renewal = &pb.ProductLicense_Renewal{ExpireTime: at(1 << 40)} },
		"product_license.purchase.time":       func(l *pb.ProductLicense) { l.Purchase = &pb.ProductLicense_Purchase{Time: at(-1 << 40)} },
	} {
		a, _ := serve(t, config(), nil)
		l := fine()
		spoil(l)
		_, err := issue(t, a, l)
		wantRefused(t, field, err, field)
	}
	a, _ := serve(t, config(), nil)
	other := fine()
	other.Product = "vendors/other/products/gold"
	_, err := issue(t, a, other)
	wantRefused(t, "the product of another vendor", err, "product_license.product")
}

func TestALostLicenseIsFoundByItsOrder(t *testing.T) {
	older := row("L0", `"status":"ACTIVE","order_id":"order-1"`)
	otherProduct := strings.Replace(row("L4", `"status":"ACTIVE","order_id":"order-1"`), "gold", "silver", 1)
	mine := row("L5", `"status":"ACTIVE","order_id":"order-1"`)
	before, after := several(older, otherProduct), several(older, otherProduct, mine)
	last := func(r string) reply { return ok(several(r)) }
	a, vendor := serve(t, config(), map[string][]reply{
		getViewers:  {ok(before), last(otherProduct), ok(before), last(otherProduct), ok(after), last(mine)},
		postLicense: {cut, cut},
	})
	log, wanted := mutation.NewMemory(), &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-1"}
	_, err := issueAs(t, a, log, wanted)
	wantUnknown(t, "the call", err)
	// the license that was there before is not it, so that it is sent again
	_, err = issueAs(t, a, log, wanted)
	wantUnknown(t, "run again", err)
	got, err := issueAs(t, a, log, wanted)
	if err != nil || got.GetName() != "vendors/acme/productLicenses/L5" || len(vendor.Made(postLicense)) != 2 {
		t.Errorf("%v, %v, after %q", got, err, made(vendor))
	}
}

func TestAnOrderThatIsTaken(t *testing.T) {
	c := config()
	c.UniqueOrders = true
	held := row("L1", `"order_id":"order-1"`)
	a, vendor := serve(t, c, map[string][]reply{getViewers: {ok(several(held))}})
	_, err := issue(t, a, &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-1"})
	e := wantError(t, "CreateProductLicense", err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
	if !strings.Contains(e.Message, licenseL1) || len(vendor.Made(postLicense)) > 0 {
		t.Errorf("it says %q, after %q", e.Message, made(vendor))
	}
}

func TestASuccessThatNamesNoLicense(t *testing.T) {
	for what, answer := range map[string]reply{
		"nothing":       created(""),
		"no data":       created(`{}`),
		"no id":         created(one(row("", ""))),
		"two":           created(several(row("L1", ""), row("L2", ""))),
		"a page":        created("<html>Welcome"),
		"a redirection": respond(http.StatusFound, ""),
	} {
		a, _ := serve(t, config(), map[string][]reply{postLicense: {answer}})
		_, err := issue(t, a, &pb.ProductLicense{User: "viewer", Product: gold})
		wantUnknown(t, what, err)
	}
}

func TestALicenseOfAnUnknownProduct(t *testing.T) {
	refusal := respond(http.StatusUnprocessableEntity, notSold)
	a, _ := serve(t, config(), map[string][]reply{postLicense: {refusal}, getGold: {gone()}})
	_, err := issue(t, a, &pb.ProductLicense{User: "viewer", Product: gold})
	wantError(t, "of no product", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	for what, product := range map[string]reply{"of a product": ok(goldProduct), "of a product that cannot be read": respond(http.StatusForbidden, "")} {
		a, _ := serve(t, config(), map[string][]reply{postLicense: {refusal}, getGold: {product}})
		_, err := issue(t, a, &pb.ProductLicense{User: "viewer", Product: gold})
		e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED)
		if e.Metadata["vendor_code"] != "NOT_SOLD" || e.Metadata["vendor_message"] != "Not sold: not in this country" {
			t.Errorf("%s: the metadata are %v", what, e.Metadata)
		}
	}
}

func TestALicenseIsRevoked(t *testing.T) {
	for _, answer := range []reply{respond(http.StatusNoContent, ""), ok(""), ok(`{"meta":{}}`), respond(http.StatusAccepted, "")} {
		a, vendor := serve(t, config(), map[string][]reply{getLicense: {ok(one(row("L1", whole))), gone()}, deleteL1: {answer}})
		if err := revoke(t, a, mutation.NewMemory()); err != nil {
			t.Errorf("%v: %v", answer, err)
		}
		if sent := vendor.Only(deleteL1); sent.Body != "" || len(sent.Query) != 0 {
			t.Errorf("sent %+v", sent)
		}
	}
}

func TestARevocationThatCannotBeTold(t *testing.T) {
	held, page := ok(one(row("L1", whole))), ok("<html>Please log in")
	for _, lost := range []reply{cut, page, respond(http.StatusInternalServerError, ""), respond(http.StatusFound, "")} {
		a, vendor := serve(t, config(), map[string][]reply{getLicense: {held, held, gone()}, deleteL1: {lost, lost, respond(http.StatusNoContent, "")}})
		log := mutation.NewMemory()
		for range 2 {
			wantUnknown(t, "the call", revoke(t, a, log))
		}
		if err := revoke(t, a, log); err != nil {
			t.Error(err)
		}
		if want := []string{"GET /licenses/L1", "DELETE /licenses/L1", "GET /licenses/L1", "DELETE /licenses/L1", "GET /licenses/L1"}; !slices.Equal(made(vendor), want) {
			t.Errorf("made %q", made(vendor))
		}
	}
}

func TestARevocationThatCameLateIsOne(t *testing.T) {
	held := ok(one(row("L1", whole)))
	a, _ := serve(t, config(), map[string][]reply{getLicense: {held}, deleteL1: {cut, gone()}})
	log := mutation.NewMemory()
	wantUnknown(t, "the call", revoke(t, a, log))
	if err := revoke(t, a, log); err != nil {
		t.Errorf("gone by the time that it is sent again: %v", err)
	}
	// Whoever finds it gone at the first attempt did not revoke it.
	a, _ = serve(t, config(), map[string][]reply{getLicense: {held}, deleteL1: {gone()}})
	wantError(t, "somebody else's", revoke(t, a, mutation.NewMemory()), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func TestALicenseThatCameLateIsTheOne(t *testing.T) {
	const order = `"status":"ACTIVE","order_id":"order-1"`
	mine := ok(several(row("L5", order)))
	wanted := &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-1"}
	a, vendor := serve(t, config(), map[string][]reply{getViewers: {ok(nothing), ok(nothing), mine}, postLicense: {cut, respond(http.StatusConflict, "")}})
	log := mutation.NewMemory()
	_, err := issueAs(t, a, log, wanted)
	wantUnknown(t, "the call", err)
	// not seen, sent again, and refused since it is there by now
	got, err := issueAs(t, a, log, wanted)
	if err != nil || got.GetName() != "vendors/acme/productLicenses/L5" || len(vendor.Made(postLicense)) != 2 {
		t.Errorf("run again: %v, %v; made %q", got, err, made(vendor))
	}
	// Where it cannot be read whether that is why, nothing is certain; where it is not there, the
	// refusal is.
	for _, c := range []struct {
		read   reply
		code   codes.Code
		reason pb.ErrorReason
	}{
		{respond(http.StatusForbidden, ""), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN},
		{ok(nothing), codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS},
	} {
		a, _ := serve(t, config(), map[string][]reply{getViewers: {ok(nothing), ok(nothing), c.read}, postLicense: {cut, respond(http.StatusConflict, "")}})
		log := mutation.NewMemory()
		_, _ = issueAs(t, a, log, wanted)
		_, err := issueAs(t, a, log, wanted)
		wantError(t, "run again", err, c.code, c.reason)
	}
}

func TestADryRunTellsWhatIsMissing(t *testing.T) {
	vendor := emulator.New(emulator.Options{})
	a := adapterTo(t, twinConfig(), twin.Transport(vendor))
	ctx, trial := mutation.WithDryRun(t.Context())
	_, err := a.DeleteProductLicense(ctx, &pb.DeleteProductLicenseRequest{Name: licenseL1})
	wantError(t, "DeleteProductLicense, tried", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	if len(trial.Requests()) > 0 {
		t.Errorf("it would send %q", trial.Requests())
	}
	unknown := &pb.ProductLicense{User: "viewer", Product: gold}
	_, err = a.CreateProductLicense(ctx, &pb.CreateProductLicenseRequest{Parent: "vendors/acme", ProductLicense: unknown})
	wantError(t, "CreateProductLicense of no product, tried", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	vendor.PutProducts(emulator.Product{ID: "gold"})
	ctx, trial = mutation.WithDryRun(t.Context())
	stop := timestamppb.New(time.Now().Add(time.Hour).Truncate(time.Second))
	wanted := &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-1", StopTime: stop}
	got, err := a.CreateProductLicense(ctx, &pb.CreateProductLicenseRequest{Parent: "vendors/acme", ProductLicense: wanted})
	want := proto.CloneOf(wanted)
	want.Status, want.VendorStatus, want.Playable = pb.ProductLicense_ACTIVE, "ACTIVE", true
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what would be answered", got, want)
	if requests := trial.Requests(); len(requests) != 1 || !strings.Contains(requests[0], "--request POST 'http://amino.invalid/api/license/management/v4/licenses'") ||
		!strings.Contains(requests[0], "Authorization: [redacted]") || !strings.Contains(requests[0], `"order_id":"order-1"`) {
		t.Errorf("it would send %q", requests)
	}
}
