package amino_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	kidsAttributes = `"name":"Kids","description":"Cartoons.","is_buyable":true,"is_visible":false,"recurring":true,"price_currency_amount":999,"price_currency_iso4217":"EUR"`
	kidsRow        = `{"type":"Product","id":"kids","attributes":{` + kidsAttributes + `}}`
)

func kids(name string) *pb.Product {
	return &pb.Product{Name: name, DisplayName: "Kids", Description: "Cartoons.", Buyable: true, Recurring: true, Price: &pb.Price{Amount: 999, Currency: "EUR"}}
}

func createProduct(t *testing.T, a *amino.Adapter, log mutation.Log, p *pb.Product) (*pb.Product, error) {
	t.Helper()
	return a.CreateProduct(in(t, log), &pb.CreateProductRequest{Parent: "vendors/acme", Product: p})
}

func TestProductsAreReadAsAminoTVShowsThem(t *testing.T) {
	least := `{"type":"Product","id":"least","attributes":{"name":null,"is_buyable":false,"is_visible":true,"price_currency_amount":null,"price_currency_iso4217":null}}`
	a, vendor := serve(t, config(), map[string][]reply{getProducts: {ok(several(kidsRow, least)), ok(nothing)}})
	res, err := a.ListProducts(t.Context(), &pb.ListProductsRequest{Parent: "vendors/acme"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the list", res, &pb.ListProductsResponse{Products: []*pb.Product{
		kids("vendors/acme/products/kids"), {Name: "vendors/acme/products/least", Visible: true},
	}})
	if got, want := queries(vendor, getProducts), []string{"limit=100&offset=0", "limit=99&offset=2"}; !slices.Equal(got, want) {
		t.Errorf("the queries are %q, want %q", got, want)
	}
}

func TestAProductIsSentWithAllThatItSays(t *testing.T) {
	for want, p := range map[string]*pb.Product{
		kidsAttributes: kids("ignored"),
		`"is_buyable":false,"is_visible":true,"recurring":false`: {Visible: true},
	} {
		a, vendor := serve(t, config(), map[string][]reply{getProducts: {ok(nothing)}, postProduct: {created(one(kidsRow))}})
		got, err := createProduct(t, a, mutation.NewMemory(), p)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the product", got, kids("vendors/acme/products/kids"))
		sameJSON(t, "the body", vendor.Only(postProduct).Body, `{"data":{"type":"Product","attributes":{`+want+`}}}`)
	}
}

func TestALostProductIsTheNewOneThatIsLikeIt(t *testing.T) {
	older := strings.Replace(kidsRow, `"kids"`, `"older"`, 1)
	cheaper := strings.Replace(strings.Replace(kidsRow, `"kids"`, `"cheaper"`, 1), "999", "899", 1)
	before := []reply{ok(several(older)), ok(several(older))}
	changed := []reply{ok(several(older, cheaper)), ok(several(cheaper))}
	after := []reply{ok(several(older, cheaper, kidsRow)), ok(several(kidsRow))}
	a, vendor := serve(t, config(), map[string][]reply{getProducts: slices.Concat(before, changed, after), postProduct: {cut}})
	log := mutation.NewMemory()
	for range 2 { // the second time, one that is there is older, and the other one is not like it
		_, err := createProduct(t, a, log, kids(""))
		wantUnknown(t, "CreateProduct", err)
	}
	got, err := createProduct(t, a, log, kids(""))
	if err != nil || got.GetName() != "vendors/acme/products/kids" || len(vendor.Made(postProduct)) != 2 {
		t.Errorf("%v, %v; made %q", got, err, made(vendor))
	}
}

func TestANameThatAVendorMayTrimIsRefused(t *testing.T) {
	for _, name := range []string{" Kids", "Kids ", "\u00a0"} {
		a, _ := serve(t, config(), nil) // nothing is sent
		wanted := kids("")
		wanted.DisplayName = name
		_, err := createProduct(t, a, mutation.NewMemory(), wanted)
		wantRefused(t, name, err, "product.display_name")
		u, _ := updater(t, nil)
		_, err = update(t, u, mutation.NewMemory(), &pb.Product{Name: gold, DisplayName: name}, "display_name")
		wantRefused(t, name+", renamed", err, "product.display_name")
	}
}

func TestALostProductWithoutANameCouldBeAnybodys(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]reply{postProduct: {cut}})
	log := mutation.NewMemory()
	for range 2 {
		wanted := kids("")
		wanted.DisplayName = ""
		_, err := createProduct(t, a, log, wanted)
		wantUnknown(t, "CreateProduct", err)
	}
	if log.Get("create").State != mutation.Unverifiable || len(made(vendor)) != 1 {
		t.Errorf("%v; made %q", log.Get("create"), made(vendor))
	}
}

// updater is an adapter to a vendor that changes products.
func updater(t *testing.T, turns map[string][]reply) (adapters.ProductUpdater, *wiretest.Server) {
	t.Helper()
	c, s := config(), wiretest.NewServer(t, turns)
	c.ProductUpdates = true
	a, err := amino.New("acme", c, twin.Transport(s))
	if err != nil {
		t.Fatal(err)
	}
	return a.(adapters.ProductUpdater), s
}

func update(t *testing.T, a adapters.ProductUpdater, log mutation.Log, p *pb.Product, mask ...string) (*pb.Product, error) {
	t.Helper()
	return a.UpdateProduct(in(t, log), &pb.UpdateProductRequest{Product: p, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
}

func TestAnUpdateSendsWhatTheMaskNames(t *testing.T) {
	wanted := kids(gold)
	for mask, want := range map[string]string{
		"display_name":              `{"name":"Kids"}`,
		"description buyable":       `{"description":"Cartoons.","is_buyable":true}`,
		"visible recurring":         `{"is_visible":false,"recurring":true}`,
		"price":                     `{"price_currency_amount":999,"price_currency_iso4217":"EUR"}`,
		"-display_name -price":      `{"name":null,"price_currency_amount":null,"price_currency_iso4217":null}`,
		"-description display_name": `{"description":null,"name":"Kids"}`,
	} {
		p, fields := kids(gold), strings.Fields(mask)
		for i, field := range fields {
			if name, away := strings.CutPrefix(field, "-"); away {
				fields[i] = name
				p.ProtoReflect().Clear(p.ProtoReflect().Descriptor().Fields().ByTextName(name))
			}
		}
		a, vendor := updater(t, map[string][]reply{getGold: {ok(goldProduct), ok(one(strings.Replace(kidsRow, `"kids"`, `"gold"`, 1)))}, patchGold: {noContent}})
		got, err := update(t, a, mutation.NewMemory(), p, fields...)
		switch {
		case strings.Contains(mask, "-"): // this vendor takes nothing away, whatever it says
			wantError(t, mask, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		case err != nil:
			t.Fatal(err)
		default:
			same(t, "the product, as read back", got, wanted)
		}
		sameJSON(t, mask, vendor.Only(patchGold).Body, `{"data":{"type":"Product","id":"gold","attributes":`+want+`}}`)
	}
}

func TestAnUpdateThatCannotBe(t *testing.T) {
	for _, mask := range [][]string{nil, {"name"}, {"price.amount"}} {
		a, _ := updater(t, nil)
		_, err := update(t, a, mutation.NewMemory(), kids(gold), mask...)
		wantRefused(t, strings.Join(mask, ","), err, "update_mask")
	}
	a, _ := updater(t, nil)
	_, err := update(t, a, mutation.NewMemory(), kids("vendors/other/products/gold"), "price")
	wantRefused(t, "another vendor's", err, "product.name")
	a, _ = updater(t, map[string][]reply{getGold: {gone()}})
	_, err = update(t, a, mutation.NewMemory(), kids(gold), "price")
	wantError(t, "of no product", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	a, _ = updater(t, map[string][]reply{getGold: {ok(goldProduct)}, patchGold: {respond(http.StatusMethodNotAllowed, "")}})
	_, err = update(t, a, mutation.NewMemory(), kids(gold), "price")
	wantError(t, "of a vendor that does not change products", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
}

func TestALostUpdateIsReadBack(t *testing.T) {
	changed := ok(one(strings.Replace(kidsRow, `"kids"`, `"gold"`, 1)))
	a, vendor := updater(t, map[string][]reply{getGold: {ok(goldProduct), ok(goldProduct), changed}, patchGold: {cut}})
	log := mutation.NewMemory()
	for range 2 {
		_, err := update(t, a, log, kids(gold), "display_name", "price")
		wantUnknown(t, "UpdateProduct", err)
	}
	got, err := update(t, a, log, kids(gold), "display_name", "price")
	if err != nil || len(vendor.Made(patchGold)) != 2 {
		t.Fatalf("%v; made %q", err, made(vendor))
	}
	same(t, "the product", got, kids(gold))
	// What was taken and cannot be read is not a failure of the update.
	a, _ = updater(t, map[string][]reply{getGold: {ok(goldProduct), respond(http.StatusForbidden, ""), changed}, patchGold: {noContent}})
	log = mutation.NewMemory()
	_, err = update(t, a, log, kids(gold), "display_name", "price")
	if e := wantUnknown(t, "taken, and not read", err); e.Metadata[apierror.Standing] != "" {
		t.Errorf("it says %v", e.Metadata)
	}
	if got, err := update(t, a, log, kids(gold), "display_name", "price"); err != nil || got.GetDisplayName() != "Kids" {
		t.Errorf("run again: %v, %v", got, err)
	}
}
