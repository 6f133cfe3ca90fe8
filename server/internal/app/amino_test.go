package app_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/amino"
	aminotwin "github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	aminoVendor = "vendors/amino"
	products    = aminoVendor + "/products"
	owned       = aminoVendor + "/productLicenses"
	movies      = products + "/movies"
)

// withAmino adds the vendor "amino", which updates products.
func withAmino(now time.Time) func(*testing.T, *testServer) {
	return func(t *testing.T, h *testServer) {
		h.amino = newAmino(now)
		h.add(t, "amino", "amino", h.amino.Twin).(*amino.Config).ProductUpdates = true
	}
}

// newAmino is a twin with two products and four licenses. Its clock stands at now.
func newAmino(now time.Time) *aminotwin.Emulator {
	e := aminotwin.New(aminotwin.Options{Clock: twin.FrozenClock(now), Assumptions: aminotwin.Assumptions{ProductUpdates: true}})
	e.PutProducts(
		aminotwin.Product{ID: "movies", Name: "Movies", Buyable: true, Visible: true, PriceAmount: 999, PriceCurrency: "EUR"},
		aminotwin.Product{ID: "sports", Name: "Sports", Buyable: true, Recurring: true, PriceAmount: 1499, PriceCurrency: "EUR"},
	)
	begun := now.Add(-24 * time.Hour)
	e.PutLicenses(
		aminotwin.License{ID: "L1", UserID: "ann", ProductID: "movies", OrderID: "o-1", StartDate: begun},
		aminotwin.License{ID: "L2", UserID: "ann", ProductID: "sports", OrderID: "o-2", StartDate: begun, Status: aminotwin.StatusSuspendedAdmin},
		aminotwin.License{ID: "L3", UserID: "bob", ProductID: "movies", OrderID: "o-3", StartDate: begun, StopDate: now.Add(-time.Hour)},
		aminotwin.License{ID: "L4", UserID: "eve", ProductID: "sports", OrderID: "o-4", StartDate: begun},
	)
	return e
}

// aminoCases are ordinary cases and the most important errors of every RPC that AminoTV has.
func aminoCases() []rpcCase {
	listProducts := rpc(&pb.ListProductsRequest{Parent: aminoVendor})
	getProduct := func(name string) call {
		return rpc(&pb.GetProductRequest{Name: name})
	}
	createProduct := func(p *pb.Product) call {
		return rpc(&pb.CreateProductRequest{Parent: aminoVendor, Product: p})
	}
	updateProduct := func(p *pb.Product, mask ...string) call {
		return rpc(&pb.UpdateProductRequest{Product: p, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
	}
	list := func(filter *pb.ProductLicenseFilter) call {
		return rpc(&pb.ListProductLicensesRequest{Parent: aminoVendor, Filter: filter})
	}
	get := func(id string) call {
		return rpc(&pb.GetProductLicenseRequest{Name: owned + "/" + id})
	}
	create := func(l *pb.ProductLicense) call {
		return rpc(&pb.CreateProductLicenseRequest{Parent: aminoVendor, ProductLicense: l})
	}
	replace := func(id string, l *pb.ProductLicense) call {
		return rpc(&pb.ReplaceProductLicenseRequest{Name: owned + "/" + id, ProductLicense: l})
	}
	remove := func(id string) call {
		return rpc(&pb.DeleteProductLicenseRequest{Name: owned + "/" + id})
	}
	batchCreate := func(items ...*pb.CreateProductLicenseRequest) call {
		return rpc(&pb.BatchCreateProductLicensesRequest{Parent: aminoVendor, Requests: items})
	}
	batchDelete := func(names ...string) call {
		return rpc(&pb.BatchDeleteProductLicensesRequest{Parent: aminoVendor, Names: names})
	}
	item := func(user, product, order string) *pb.CreateProductLicenseRequest {
		return &pb.CreateProductLicenseRequest{ProductLicense: &pb.ProductLicense{User: user, Product: products + "/" + product, OrderId: order}}
	}
	throttled := aminotwin.Refusal(429, "", "")
	renamed := &pb.Product{Name: movies, DisplayName: "Films", Price: &pb.Price{Amount: 1099, Currency: "EUR"}}
	terms := &pb.ProductLicense{User: "ann", Product: products + "/sports", OrderId: "o-6", StopTime: timestamppb.New(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))}
	return []rpcCase{
		ok("ListProducts", `"price":{"amount":999,"currency":"EUR"}`, listProducts),
		invalid("ListProducts: a forged token", "page_token", rpc(&pb.ListProductsRequest{Parent: aminoVendor, PageToken: "x"})),
		ok("GetProduct", `"displayName":"Movies"`, getProduct(movies)),
		missing("GetProduct: none", "", getProduct(products+"/none")),
		ok("CreateProduct", `"displayName":"News"`, createProduct(&pb.Product{DisplayName: "News", Visible: true})),
		invalid("CreateProduct: a price of no currency", "product.price.currency",
			createProduct(&pb.Product{DisplayName: "News", Price: &pb.Price{Amount: 5}})),
		ok("UpdateProduct", `"amount":1099`, updateProduct(renamed, "display_name", "price")),
		ok("UpdateProduct: what is set", `"description":"All of them"`,
			updateProduct(&pb.Product{Name: movies, Description: "All of them"})),
		missing("UpdateProduct: none", "", updateProduct(&pb.Product{Name: products + "/none", DisplayName: "None"})),

		ok("ListProductLicenses", `"vendorStatus":"SUSPENDEDADMIN"`, list(nil)),
		ok("ListProductLicenses: of a user", `"orderId":"o-3"`, list(&pb.ProductLicenseFilter{User: "bob"})),
		ok("ListProductLicenses: of a product", `"orderId":"o-4"`, list(&pb.ProductLicenseFilter{Product: "sports"})),
		ok("ListProductLicenses: of a status", `"status":"EXPIRED"`,
			list(&pb.ProductLicenseFilter{Status: pb.ProductLicense_EXPIRED})),
		ok("ListProductLicenses: all conditions", `"playable":true,"product":"`+movies+`"`,
			list(&pb.ProductLicenseFilter{User: "ann", Status: pb.ProductLicense_ACTIVE, Product: movies})),
		ok("ListProductLicenses: of nobody", `"productLicenses":[]`, list(&pb.ProductLicenseFilter{User: "nobody"})),
		fails("ListProductLicenses: too many calls", pb.ErrorReason_VENDOR_RATE_LIMITED, "",
			list(nil)).during(throttled),
		ok("GetProductLicense", `"playable":true`, get("L1")),
		missing("GetProductLicense: none", "", get("none")),

		ok("CreateProductLicense", `"price":{"amount":1499,"currency":"EUR"}`,
			create(&pb.ProductLicense{User: "bob", Product: products + "/sports", OrderId: "o-5"})),
		missing("CreateProductLicense: of no product", "", create(item("bob", "none", "o-5").GetProductLicense())),
		invalid("CreateProductLicense: of another vendor's product", "product_license.product",
			create(&pb.ProductLicense{User: "bob", Product: "vendors/other/products/p"})),
		ok("ReplaceProductLicense", `"stopTime":"2100-01-01T00:00:00Z"`, replace("L1", terms)),
		invalid("ReplaceProductLicense: another user's", "product_license.user",
			replace("L3", item("ann", "movies", "").GetProductLicense())),
		ok("DeleteProductLicense", `{}`, remove("L2")),
		missing("DeleteProductLicense: no longer there", "", remove("L2")),

		ok("BatchCreateProductLicenses: one of two", `{"error":{"code":5,"details":[`,
			batchCreate(item("ann", "movies", "o-7"), item("bob", "none", "o-8"))),
		invalid("BatchCreateProductLicenses: two that cannot be told apart", "requests[1].product_license.order_id",
			batchCreate(item("ann", "movies", "o-7"), item("ann", "movies", "o-7"))),
		invalid("BatchCreateProductLicenses: an item with a request_id", "requests[1].request_id", batchCreate(item("bob", "none", "o-8"), &pb.CreateProductLicenseRequest{
			ProductLicense: item("ann", "movies", "o-7").GetProductLicense(),
			RequestId:      "6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11",
		})),
		invalid("BatchCreateProductLicenses: an item with validate_only", "requests[0].validate_only", batchCreate(&pb.CreateProductLicenseRequest{
			ProductLicense: item("ann", "movies", "o-7").GetProductLicense(), ValidateOnly: true,
		})),
		ok("BatchDeleteProductLicenses: one of two", `"reason":"RESOURCE_NOT_FOUND"`,
			batchDelete(owned+"/L2", owned+"/L4")),
		invalid("BatchDeleteProductLicenses: another vendor's", "names[1]",
			batchDelete(owned+"/L3", "vendors/other/productLicenses/L3")),
	}
}

func TestAminoOverBothFaces(t *testing.T) {
	now := time.Now()
	overGRPC, overREST := start(t, withAmino(now)), start(t, withAmino(now))
	for _, c := range aminoCases() {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}
	for _, h := range []*testServer{overGRPC, overREST} {
		var kinds []string
		for _, e := range h.amino.Ledger().Effects() {
			kinds = append(kinds, e.Kind)
		}
		created, deleted := aminotwin.EffectLicenseCreated, aminotwin.EffectLicenseDeleted
		wantEqual(t, kinds, []string{
			aminotwin.EffectProductCreated, aminotwin.EffectProductUpdated, aminotwin.EffectProductUpdated,
			created, deleted, created, deleted, created, deleted,
		})
		var orders, entitled []string
		byID := map[string]string{}
		for _, l := range h.amino.Licenses() {
			orders, byID[l.ID] = append(orders, l.OrderID), l.OrderID
		}
		for _, e := range h.amino.Entitlements() {
			entitled = append(entitled, byID[e.LicenseID])
		}
		wantEqual(t, orders, []string{"o-3", "o-5", "o-6", "o-7"})
		wantEqual(t, entitled, orders) // Irdeto holds what AminoTV holds
	}
}

// What AminoTV can never tell, through all layers: the journal has to learn that nothing is left to
// settle.
func TestADoubtThatNobodyCanSettleIsLetGo(t *testing.T) {
	h := start(t, withAmino(time.Now()), func(_ *testing.T, h *testServer) {
		h.cfg.Vendors[len(h.cfg.Vendors)-1].Settings.(*amino.Config).LicenseStandsWithoutIrdeto = true
	})
	licenses, mutations := pb.NewProductLicenseServiceClient(h.conn), pb.NewMutationServiceClient(h.conn)
	h.amino.Faults().Add(twin.Fault{Kind: twin.FaultLoseAnswer, Method: "POST", Times: 1})
	_, err := licenses.CreateProductLicense(t.Context(), &pb.CreateProductLicenseRequest{
		Parent: aminoVendor, ProductLicense: &pb.ProductLicense{User: "ann", Product: movies, OrderId: "o-9"},
	})
	name := apierror.Convert(err).Metadata[apierror.MutationName]
	if m, err := mutations.SettleMutation(t.Context(), &pb.SettleMutationRequest{Name: name}); err != nil || m.GetState() != pb.Mutation_UNKNOWN || m.GetNextSettleTime() != nil {
		t.Errorf("%v, %v; want it UNKNOWN, and never to be settled again", m, err)
	}
}
