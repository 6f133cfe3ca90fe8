package main

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// aminoProducts is the number of products, which all clients share.
const aminoProducts = 20

func aminoKinds() []*opKind {
	const vendor = "amino"
	return []*opKind{
		newKind(vendor, pb.ProductLicenseService_CreateProduct_FullMethodName, func(_ *testbed, o *op) {
			product := &pb.Product{DisplayName: o.token, Buyable: o.chance(0.5)}
			o.request = &pb.CreateProductRequest{Parent: "vendors/amino", Product: product}
			o.claim(claimBy("create", emulator.EffectProductCreated, "name", o.token))
		}, func(o *op, a *pb.Product) { o.claims[0].key = lastSegment(a.GetName()) }),
		newKind(vendor, pb.ProductLicenseService_UpdateProduct_FullMethodName, func(b *testbed, o *op) {
			name := anyProduct(o)
			if p, chosen := oneOfLast(o, b.amino.Products()); chosen {
				name = "vendors/amino/products/" + p.ID
			}
			o.request = &pb.UpdateProductRequest{
				Product:    &pb.Product{Name: name, DisplayName: o.token, Visible: o.chance(0.5)},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name", "visible"}},
			}
			c := claimBy("update", emulator.EffectProductUpdated, "name", o.token)
			c.key = lastSegment(name)
			o.claim(c)
			o.sets["amino "+lastSegment(name)+" name"] = o.token
		}, func(*op, *pb.Product) {}),
		newKind(vendor, pb.ProductLicenseService_CreateProductLicense_FullMethodName, planLicense,
			func(o *op, a *pb.ProductLicense) { o.claims[0].key = lastSegment(a.GetName()) }),
		newKind(vendor, pb.ProductLicenseService_DeleteProductLicense_FullMethodName, func(b *testbed, o *op) {
			id := b.heldLicense(o, "delete")
			if l, chosen := oneOfLast(o, b.issued()); chosen {
				id = l.ID
			}
			o.request = &pb.DeleteProductLicenseRequest{Name: "vendors/amino/productLicenses/" + id}
			o.claim(&claim{step: "revoke", effect: emulator.EffectLicenseDeleted, key: id})
		}, func(*op, *emptypb.Empty) {}),
		newKind(vendor, pb.ProductLicenseService_BatchCreateProductLicenses_FullMethodName, planBatchCreate,
			func(o *op, a *pb.BatchCreateProductLicensesResponse) { learnResults(o, a.GetResults()) }),
		newKind(vendor, pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName, planBatchDelete,
			func(o *op, a *pb.BatchDeleteProductLicensesResponse) { learnResults(o, a.GetResults()) }),
		newKind(vendor, pb.ProductLicenseService_ReplaceProductLicense_FullMethodName, planReplace,
			func(o *op, a *pb.ProductLicense) { o.claims[1].key = lastSegment(a.GetName()) }),
	}
}

func productID(n int) string { return fmt.Sprintf("product-%02d", n) }

func anyProduct(o *op) string {
	return "vendors/amino/products/" + productID(o.random.IntN(aminoProducts))
}

// heldLicense returns a license for an op of this purpose, or one that other ops revoke too. It
// puts the license there.
func (b *testbed) heldLicense(o *op, purpose string) string {
	id := purpose + "-" + o.token
	if o.chance(0.2) {
		id = "delete-" + o.shared(30)
	}
	b.once("amino "+id, func() { b.putLicense(id) })
	return id
}

// issued returns the licenses that ops have issued, without those of putLicense.
func (b *testbed) issued() []emulator.License {
	return slices.DeleteFunc(b.amino.Licenses(), func(l emulator.License) bool { return l.UserID == "user-"+l.ID })
}

// putLicense gives a license to a user of its own, for an order of its own.
func (b *testbed) putLicense(id string) {
	b.amino.PutLicenses(emulator.License{ID: id, UserID: "user-" + id, ProductID: productID(0), OrderID: "old-" + id})
}

func claimIssue(step, user, order string) *claim {
	c := &claim{step: step, effect: emulator.EffectLicenseCreated, by: "user", details: map[string]string{"user": user}}
	if order != "" {
		c.by = "order_id"
		c.details["order_id"] = order
	}
	return c
}

// planLicense creates licenses. Some have no order id, and some share an order but are different
// licenses.
func planLicense(_ *testbed, o *op) {
	l := &pb.ProductLicense{
		User: "user-" + o.token, Product: anyProduct(o), OrderId: "create-" + o.token,
		Purchase: &pb.ProductLicense_Purchase{PaymentMethod: o.token, Time: o.instant()},
	}
	switch which := o.random.Float64(); {
	case which < 0.2:
		l.OrderId = ""
	case which < 0.4:
		l.User, l.OrderId = "user-"+o.shared(40), "create-"+o.shared(40)
		l.Product = "vendors/amino/products/" + productID(0)
	}
	o.request = &pb.CreateProductLicenseRequest{Parent: "vendors/amino", ProductLicense: l}
	o.claim(claimIssue("issue", l.GetUser(), l.GetOrderId()))
}

// instant returns a time of the op's own.
func (o *op) instant() *timestamppb.Timestamp {
	return &timestamppb.Timestamp{Seconds: int64(1767225600 + o.number)}
}

// planBatchCreate creates some licenses. Now and then a product does not exist.
func planBatchCreate(_ *testbed, o *op) {
	req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/amino"}
	for i := range 2 + o.random.IntN(4) {
		order := fmt.Sprintf("batch-%s-%d", o.token, i)
		l := &pb.ProductLicense{User: "user-" + o.token, Product: anyProduct(o), OrderId: order}
		if o.chance(0.1) {
			l.Product = "vendors/amino/products/none"
		}
		req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{ProductLicense: l})
		o.claim(claimIssue(fmt.Sprintf("item %d: issue", i), l.GetUser(), l.GetOrderId()))
	}
	o.request = req
}

// planBatchDelete revokes some licenses. Now and then a license does not exist.
func planBatchDelete(b *testbed, o *op) {
	req := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/amino"}
	for i := range 2 + o.random.IntN(4) {
		id := fmt.Sprintf("batch-%s-%d", o.token, i)
		switch which := o.random.Float64(); {
		case which < 0.1: // not there
		case which < 0.3 && i == 0:
			id = b.heldLicense(o, "batch")
		default:
			b.putLicense(id)
		}
		req.Names = append(req.Names, "vendors/amino/productLicenses/"+id)
		o.claim(&claim{step: fmt.Sprintf("item %d: revoke", i), effect: emulator.EffectLicenseDeleted, key: id})
	}
	o.request = req
}

// learnResults learns from the result of each item.
func learnResults(o *op, results []*pb.ProductLicenseResult) {
	for i, r := range results {
		o.claims[i].told = new(r.GetError() == nil)
		if r.GetProductLicense().GetName() != "" {
			o.claims[i].key = lastSegment(r.GetProductLicense().GetName())
		}
	}
}

// planReplace replaces a license. Now and then AminoTV refuses the new terms, and the old ones must
// be issued again.
func planReplace(b *testbed, o *op) {
	id := b.heldLicense(o, "replace")
	l := &pb.ProductLicense{User: "user-" + id, Product: anyProduct(o), OrderId: "replace-" + o.token}
	if o.chance(0.2) {
		l.StartTime = o.instant()
		l.Renewal = &pb.ProductLicense_Renewal{ExpireTime: l.GetStartTime()}
	}
	o.request = &pb.ReplaceProductLicenseRequest{Name: "vendors/amino/productLicenses/" + id, ProductLicense: l}
	o.claim(&claim{step: "revoke", effect: emulator.EffectLicenseDeleted, key: id})
	o.claim(claimIssue("issue", l.GetUser(), l.GetOrderId()))
	o.claim(claimIssue("restore", l.GetUser(), "old-"+id))
}

// aminoWrite returns the RPC that makes a write, or "" for a read. The ids in the request tell it.
func aminoWrite(method, path, body string) string {
	of := func(text string) string {
		switch {
		case strings.Contains(text, "batch-") && method == "POST":
			return "BatchCreateProductLicenses"
		case strings.Contains(text, "batch-"):
			return "BatchDeleteProductLicenses"
		case strings.Contains(text, "replace-"), strings.Contains(text, "old-"):
			return "ReplaceProductLicense"
		case method == "POST":
			return "CreateProductLicense"
		}
		return "DeleteProductLicense"
	}
	switch {
	case method == "GET":
		return ""
	case method == "DELETE":
		return of(path)
	case strings.HasSuffix(path, "/licenses"):
		return of(body)
	case method == "PATCH":
		return "UpdateProduct"
	}
	return "CreateProduct"
}
