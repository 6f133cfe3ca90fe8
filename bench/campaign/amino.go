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

// aminoProducts is how many products there are for all clients together.
const aminoProducts = 20

func aminoKinds() []*kind {
	const vendor = "amino"
	return []*kind{
		newKind(vendor, pb.ProductLicenseService_CreateProduct_FullMethodName, func(_ *world, o *op) {
			o.request = &pb.CreateProductRequest{Parent: "vendors/amino", Product: &pb.Product{DisplayName: o.token, Buyable: o.chance(0.5)}}
			o.claim(&claim{step: "create", effect: emulator.EffectProductCreated, by: "name", details: map[string]string{"name": o.token}})
		}, func(o *op, a *pb.Product) { o.claims[0].key = lastSegment(a.GetName()) }),
		newKind(vendor, pb.ProductLicenseService_UpdateProduct_FullMethodName, func(w *world, o *op) {
			name := anyProduct(o)
			if p, chosen := oneOfLast(o, w.amino.Products()); chosen {
				name = "vendors/amino/products/" + p.ID
			}
			o.request = &pb.UpdateProductRequest{
				Product:    &pb.Product{Name: name, DisplayName: o.token, Visible: o.chance(0.5)},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name", "visible"}},
			}
			o.claim(&claim{step: "update", effect: emulator.EffectProductUpdated, by: "name", key: lastSegment(name), details: map[string]string{"name": o.token}})
			o.sets["amino "+lastSegment(name)+" name"] = o.token
		}, func(*op, *pb.Product) {}),
		newKind(vendor, pb.ProductLicenseService_CreateProductLicense_FullMethodName, planLicense, func(o *op, a *pb.ProductLicense) {
			o.claims[0].key = lastSegment(a.GetName())
		}),
		newKind(vendor, pb.ProductLicenseService_DeleteProductLicense_FullMethodName, func(w *world, o *op) {
			id := w.heldLicense(o, "delete")
			if l, chosen := oneOfLast(o, w.issued()); chosen {
				id = l.ID
			}
			o.request = &pb.DeleteProductLicenseRequest{Name: "vendors/amino/productLicenses/" + id}
			o.claim(&claim{step: "revoke", effect: emulator.EffectLicenseDeleted, key: id})
		}, func(*op, *emptypb.Empty) {}),
		newKind(vendor, pb.ProductLicenseService_BatchCreateProductLicenses_FullMethodName, planBatchCreate, func(o *op, a *pb.BatchCreateProductLicensesResponse) {
			learnResults(o, a.GetResults())
		}),
		newKind(vendor, pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName, planBatchDelete, func(o *op, a *pb.BatchDeleteProductLicensesResponse) {
			learnResults(o, a.GetResults())
		}),
		newKind(vendor, pb.ProductLicenseService_ReplaceProductLicense_FullMethodName, planReplace, func(o *op, a *pb.ProductLicense) {
			o.claims[1].key = lastSegment(a.GetName())
		}),
	}
}

func productID(n int) string { return fmt.Sprintf("product-%02d", n) }

func anyProduct(o *op) string {
	return "vendors/amino/products/" + productID(o.random.IntN(aminoProducts))
}

// heldLicense is a license that it puts there for an op of such a purpose, or one that other ops
// revoke too.
func (w *world) heldLicense(o *op, purpose string) string {
	id := purpose + "-" + o.token
	if o.chance(0.2) {
		id = "delete-" + o.shared(30)
	}
	w.once("amino "+id, func() { w.putLicense(id) })
	return id
}

// issued are the licenses that ops have issued, and not putLicense.
func (w *world) issued() []emulator.License {
	return slices.DeleteFunc(w.amino.Licenses(), func(l emulator.License) bool { return l.UserID == "user-"+l.ID })
}

// putLicense gives a license to a user of its own, for an order of its own.
func (w *world) putLicense(id string) {
	w.amino.PutLicenses(emulator.License{ID: id, UserID: "user-" + id, ProductID: productID(0), OrderID: "old-" + id})
}

func claimIssue(step, user, order string) *claim {
	c := &claim{step: step, effect: emulator.EffectLicenseCreated, by: "user", details: map[string]string{"user": user}}
	if order != "" {
		c.by = "order_id"
		c.details["order_id"] = order
	}
	return c
}

// planLicense creates licenses: some without an order id, and some for one order, which are
// licenses of their own.
func planLicense(_ *world, o *op) {
	l := &pb.ProductLicense{
		User: "user-" + o.token, Product: anyProduct(o), OrderId: "create-" + o.token,
		Purchase: &pb.ProductLicense_Purchase{PaymentMethod: o.token, Time: &timestamppb.Timestamp{Seconds: int64(1767225600 + o.number)}},
	}
	switch which := o.random.Float64(); {
	case which < 0.2:
		l.OrderId = ""
	case which < 0.4:
		l.User, l.OrderId, l.Product = "user-"+o.shared(40), "create-"+o.shared(40), "vendors/amino/products/"+productID(0)
	}
	o.request = &pb.CreateProductLicenseRequest{Parent: "vendors/amino", ProductLicense: l}
	o.claim(claimIssue("issue", l.GetUser(), l.GetOrderId()))
}

// planBatchCreate creates some licenses, now and then one of a product that does not exist.
func planBatchCreate(_ *world, o *op) {
	req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/amino"}
	for i := range 2 + o.random.IntN(4) {
		l := &pb.ProductLicense{User: "user-" + o.token, Product: anyProduct(o), OrderId: fmt.Sprintf("batch-%s-%d", o.token, i)}
		if o.chance(0.1) {
			l.Product = "vendors/amino/products/none"
		}
		req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{ProductLicense: l})
		o.claim(claimIssue(fmt.Sprintf("item %d: issue", i), l.GetUser(), l.GetOrderId()))
	}
	o.request = req
}

// planBatchDelete revokes some licenses, now and then one that is not there.
func planBatchDelete(w *world, o *op) {
	req := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/amino"}
	for i := range 2 + o.random.IntN(4) {
		id := fmt.Sprintf("batch-%s-%d", o.token, i)
		switch which := o.random.Float64(); {
		case which < 0.1: // not there
		case which < 0.3 && i == 0:
			id = w.heldLicense(o, "batch")
		default:
			w.putLicense(id)
		}
		req.Names = append(req.Names, "vendors/amino/productLicenses/"+id)
		o.claim(&claim{step: fmt.Sprintf("item %d: revoke", i), effect: emulator.EffectLicenseDeleted, key: id})
	}
	o.request = req
}

// learnResults notes what the answer says of every item.
func learnResults(o *op, results []*pb.ProductLicenseResult) {
	for i, r := range results {
		o.claims[i].told = new(r.GetError() == nil)
		if r.GetProductLicense().GetName() != "" {
			o.claims[i].key = lastSegment(r.GetProductLicense().GetName())
		}
	}
}

// planReplace replaces a license, now and then by terms that AminoTV refuses, so that the old ones
// are to be issued again.
func planReplace(w *world, o *op) {
	id := w.heldLicense(o, "replace")
	l := &pb.ProductLicense{User: "user-" + id, Product: anyProduct(o), OrderId: "replace-" + o.token}
	if o.chance(0.2) {
		l.StartTime = &timestamppb.Timestamp{Seconds: int64(1767225600 + o.number)}
		l.Renewal = &pb.ProductLicense_Renewal{ExpireTime: l.GetStartTime()}
	}
	o.request = &pb.ReplaceProductLicenseRequest{Name: "vendors/amino/productLicenses/" + id, ProductLicense: l}
	o.claim(&claim{step: "revoke", effect: emulator.EffectLicenseDeleted, key: id})
	o.claim(claimIssue("issue", l.GetUser(), l.GetOrderId()))
	o.claim(claimIssue("restore", l.GetUser(), "old-"+id))
}

// aminoWrite is the RPC that makes a write; "" if the request makes no write. The ids say what they are
// for.
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
