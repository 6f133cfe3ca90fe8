package app_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
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
func withAmino(now time.Time) func(*testing.T, *hub) {
	return func(t *testing.T, h *hub) {
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
func aminoCases() []case_ {
	listProducts := operation(pb.ProductLicenseService_ListProducts_FullMethodName, &pb.ListProductsRequest{Parent: aminoVendor}, "GET /v1/"+products, "")
	getProduct := func(name string) call {
		return operation(pb.ProductLicenseService_GetProduct_FullMethodName, &pb.GetProductRequest{Name: name}, "GET /v1/"+name, "")
	}
	createProduct := func(p *pb.Product, body string) call {
		return operation(pb.ProductLicenseService_CreateProduct_FullMethodName, &pb.CreateProductRequest{Parent: aminoVendor, Product: p}, "POST /v1/"+products, body)
	}
	updateProduct := func(p *pb.Product, query, body string, mask ...string) call {
		return operation(pb.ProductLicenseService_UpdateProduct_FullMethodName, &pb.UpdateProductRequest{Product: p, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}}, "PATCH /v1/"+p.GetName()+query, body)
	}
	list := func(query string, filter *pb.ProductLicenseFilter) call {
		return operation(pb.ProductLicenseService_ListProductLicenses_FullMethodName, &pb.ListProductLicensesRequest{Parent: aminoVendor, Filter: filter}, "GET /v1/"+owned+query, "")
	}
	get := func(id string) call {
		return operation(pb.ProductLicenseService_GetProductLicense_FullMethodName, &pb.GetProductLicenseRequest{Name: owned + "/" + id}, "GET /v1/"+owned+"/"+id, "")
	}
	create := func(l *pb.ProductLicense, body string) call {
		return operation(pb.ProductLicenseService_CreateProductLicense_FullMethodName, &pb.CreateProductLicenseRequest{Parent: aminoVendor, ProductLicense: l}, "POST /v1/"+owned, body)
	}
	replace := func(id string, l *pb.ProductLicense, body string) call {
		return operation(pb.ProductLicenseService_ReplaceProductLicense_FullMethodName, &pb.ReplaceProductLicenseRequest{Name: owned + "/" + id, ProductLicense: l}, "POST /v1/"+owned+"/"+id+":replace", body)
	}
	remove := func(id string) call {
		return operation(pb.ProductLicenseService_DeleteProductLicense_FullMethodName, &pb.DeleteProductLicenseRequest{Name: owned + "/" + id}, "DELETE /v1/"+owned+"/"+id, "")
	}
	batchCreate := func(body string, items ...*pb.CreateProductLicenseRequest) call {
		return operation(pb.ProductLicenseService_BatchCreateProductLicenses_FullMethodName, &pb.BatchCreateProductLicensesRequest{Parent: aminoVendor, Requests: items}, "POST /v1/"+owned+":batchCreate", body)
	}
	batchDelete := func(body string, names ...string) call {
		return operation(pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName, &pb.BatchDeleteProductLicensesRequest{Parent: aminoVendor, Names: names}, "POST /v1/"+owned+":batchDelete", body)
	}
	item := func(user, product, order string) *pb.CreateProductLicenseRequest {
		return &pb.CreateProductLicenseRequest{ProductLicense: &pb.ProductLicense{User: user, Product: products + "/" + product, OrderId: order}}
	}
	const first = `{"productLicense":{"user":"ann","product":"` + movies + `","orderId":"o-7"}}`
	const second = `{"productLicense":{"user":"bob","product":"` + products + `/none","orderId":"o-8"}}`
	forged := proto.CloneOf(listProducts.req.(*pb.ListProductsRequest))
	forged.PageToken = "x"
	throttled := aminotwin.Refusal(429, "", "")
	renamed := &pb.Product{Name: movies, DisplayName: "Films", Price: &pb.Price{Amount: 1099, Currency: "EUR"}}
	terms := &pb.ProductLicense{User: "ann", Product: products + "/sports", OrderId: "o-6", StopTime: timestamppb.New(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))}
	invalid := case_{code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID}
	none := case_{code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND}
	of := func(name, field string, kind case_, c call) case_ {
		kind.name, kind.field, kind.call = name, field, c
		return kind
	}

	return []case_{
		{name: "ListProducts", http: 200, holds: `"price":{"amount":999,"currency":"EUR"}`, call: listProducts},
		of("ListProducts: a forged token", "page_token", invalid, operation(listProducts.method, forged, listProducts.rest+"?pageToken=x", "")),
		{name: "GetProduct", http: 200, holds: `"displayName":"Movies"`, call: getProduct(movies)},
		of("GetProduct: none", "", none, getProduct(products+"/none")),
		{name: "CreateProduct", http: 200, holds: `"displayName":"News"`, call: createProduct(&pb.Product{DisplayName: "News", Visible: true}, `{"displayName":"News","visible":true}`)},
		of("CreateProduct: a price of no currency", "product.price.currency", invalid, createProduct(&pb.Product{DisplayName: "News", Price: &pb.Price{Amount: 5}}, `{"displayName":"News","price":{"amount":5}}`)),
		{name: "UpdateProduct", http: 200, holds: `"amount":1099`, call: updateProduct(renamed, "?updateMask=displayName,price", `{"displayName":"Films","price":{"amount":1099,"currency":"EUR"}}`, "display_name", "price")},
		{name: "UpdateProduct: what is set", http: 200, holds: `"description":"All of them"`, call: updateProduct(&pb.Product{Name: movies, Description: "All of them"}, "", `{"description":"All of them"}`)},
		of("UpdateProduct: none", "", none, updateProduct(&pb.Product{Name: products + "/none", DisplayName: "None"}, "", `{"displayName":"None"}`)),

		{name: "ListProductLicenses", http: 200, holds: `"vendorStatus":"SUSPENDEDADMIN"`, call: list("", nil)},
		{name: "ListProductLicenses: of a user", http: 200, holds: `"orderId":"o-3"`, call: list("?filter.user=bob", &pb.ProductLicenseFilter{User: "bob"})},
		{name: "ListProductLicenses: of a product", http: 200, holds: `"orderId":"o-4"`, call: list("?filter.product=sports", &pb.ProductLicenseFilter{Product: "sports"})},
		{name: "ListProductLicenses: of a status", http: 200, holds: `"status":"EXPIRED"`, call: list("?filter.status=EXPIRED", &pb.ProductLicenseFilter{Status: pb.ProductLicense_EXPIRED})},
		{name: "ListProductLicenses: all conditions", http: 200, holds: `"playable":true,"product":"` + movies + `"`, call: list("?filter.user=ann&filter.status=ACTIVE&filter.product="+movies, &pb.ProductLicenseFilter{User: "ann", Status: pb.ProductLicense_ACTIVE, Product: movies})},
		{name: "ListProductLicenses: of nobody", http: 200, holds: `"productLicenses":[]`, call: list("?filter.user=nobody", &pb.ProductLicenseFilter{User: "nobody"})},
		{name: "ListProductLicenses: too many calls", fault: &throttled, code: codes.ResourceExhausted, http: 429, reason: pb.ErrorReason_VENDOR_RATE_LIMITED, call: list("", nil)},
		{name: "GetProductLicense", http: 200, holds: `"playable":true`, call: get("L1")},
		of("GetProductLicense: none", "", none, get("none")),

		{name: "CreateProductLicense", http: 200, holds: `"price":{"amount":1499,"currency":"EUR"}`, call: create(&pb.ProductLicense{User: "bob", Product: products + "/sports", OrderId: "o-5"}, `{"user":"bob","product":"`+products+`/sports","orderId":"o-5"}`)},
		of("CreateProductLicense: of no product", "", none, create(item("bob", "none", "o-5").GetProductLicense(), `{"user":"bob","product":"`+products+`/none","orderId":"o-5"}`)),
		of("CreateProductLicense: of another vendor's product", "product_license.product", invalid, create(&pb.ProductLicense{User: "bob", Product: "vendors/other/products/p"}, `{"user":"bob","product":"vendors/other/products/p"}`)),
		{name: "ReplaceProductLicense", http: 200, holds: `"stopTime":"2100-01-01T00:00:00Z"`, call: replace("L1", terms, `{"productLicense":{"user":"ann","product":"`+products+`/sports","orderId":"o-6","stopTime":"2100-01-01T00:00:00Z"}}`)},
		of("ReplaceProductLicense: another user's", "product_license.user", invalid, replace("L3", item("ann", "movies", "").GetProductLicense(), `{"productLicense":{"user":"ann","product":"`+movies+`"}}`)),
		{name: "DeleteProductLicense", http: 200, holds: `{}`, call: remove("L2")},
		of("DeleteProductLicense: no longer there", "", none, remove("L2")),

		{name: "BatchCreateProductLicenses: one of two", http: 200, holds: `{"error":{"code":5,"details":[`, call: batchCreate(`{"requests":[`+first+`,`+second+`]}`, item("ann", "movies", "o-7"), item("bob", "none", "o-8"))},
		of("BatchCreateProductLicenses: two that cannot be told apart", "requests[1].product_license.order_id", invalid, batchCreate(`{"requests":[`+first+`,`+first+`]}`, item("ann", "movies", "o-7"), item("ann", "movies", "o-7"))),
		of("BatchCreateProductLicenses: an item with a request_id", "requests[1].request_id", invalid, batchCreate(`{"requests":[`+second+`,{"requestId":"6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11",`+first[1:]+`]}`,
			item("bob", "none", "o-8"), &pb.CreateProductLicenseRequest{ProductLicense: item("ann", "movies", "o-7").GetProductLicense(), RequestId: "6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11"})),
		of("BatchCreateProductLicenses: an item with validate_only", "requests[0].validate_only", invalid, batchCreate(`{"requests":[{"validateOnly":true,`+first[1:]+`]}`,
			&pb.CreateProductLicenseRequest{ProductLicense: item("ann", "movies", "o-7").GetProductLicense(), ValidateOnly: true})),
		{name: "BatchDeleteProductLicenses: one of two", http: 200, holds: `"reason":"RESOURCE_NOT_FOUND"`, call: batchDelete(`{"names":["`+owned+`/L2","`+owned+`/L4"]}`, owned+"/L2", owned+"/L4")},
		of("BatchDeleteProductLicenses: another vendor's", "names[1]", invalid, batchDelete(`{"names":["`+owned+`/L3","vendors/other/productLicenses/L3"]}`, owned+"/L3", "vendors/other/productLicenses/L3")),
	}
}

func TestAminoOverBothFaces(t *testing.T) {
	now := time.Now()
	overGRPC, overREST := start(t, withAmino(now)), start(t, withAmino(now))
	for _, c := range aminoCases() {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}
	for _, h := range []*hub{overGRPC, overREST} {
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
	h := start(t, withAmino(time.Now()), func(_ *testing.T, h *hub) {
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
