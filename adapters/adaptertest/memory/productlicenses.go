package memory

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	_ adapters.ProductLicenseLister  = (*Adapter)(nil)
	_ adapters.ProductLicenseGetter  = (*Adapter)(nil)
	_ adapters.ProductLicenseCreator = (*Adapter)(nil)
	_ adapters.ProductLicenseDeleter = (*Adapter)(nil)
)

// ListProductLicenses answers the vendor's product licenses, a page at a time.
func (a *Adapter) ListProductLicenses(ctx context.Context, req *pb.ListProductLicensesRequest) (*pb.ListProductLicensesResponse, error) {
	licenses, err := a.productLicenses(ctx)
	if err != nil {
		return nil, err
	}
	f := req.GetFilter()
	licenses = slices.DeleteFunc(licenses, func(l *pb.ProductLicense) bool {
		return f.GetUser() != "" && f.GetUser() != l.GetUser() || f.GetStatus() != 0 && f.GetStatus() != l.GetStatus() ||
			f.GetProduct() != "" && f.GetProduct() != l.GetProduct() && f.GetProduct() != idIn(names.Product, l.GetProduct())
	})
	page, next, err := paging.Slice(req, licenses)
	return &pb.ListProductLicensesResponse{ProductLicenses: page, NextPageToken: next, TotalSize: int32(len(licenses))}, err
}

// GetProductLicense looks the license up in the vendor's list.
func (a *Adapter) GetProductLicense(ctx context.Context, req *pb.GetProductLicenseRequest) (*pb.ProductLicense, error) {
	licenses, err := a.productLicenses(ctx)
	return named(licenses, err, req.GetName(), "product license")
}

// CreateProductLicense issues a license.
func (a *Adapter) CreateProductLicense(ctx context.Context, req *pb.CreateProductLicenseRequest) (*pb.ProductLicense, error) {
	i, err := a.issuing(ctx, "issue", req.GetProductLicense())
	if err != nil {
		return nil, err
	}
	return i.issue(ctx)
}

// DeleteProductLicense revokes a license.
func (a *Adapter) DeleteProductLicense(ctx context.Context, req *pb.DeleteProductLicenseRequest) (*emptypb.Empty, error) {
	l, err := a.standing(ctx, req.GetName())
	if err == nil {
		err = a.revoke(ctx, l)
	}
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// issuing is a license that is about to be issued. All that is read for it was read before any
// write.
type issuing struct {
	*Adapter
	step  string
	terms *pb.ProductLicense
	alike []*pb.ProductLicense // held before
}

// issuing gives the terms an order_id where they have none. Whether a lost license arrived is seen
// by one of that order that was not there before.
func (a *Adapter) issuing(ctx context.Context, step string, terms *pb.ProductLicense) (i issuing, err error) {
	i = issuing{Adapter: a, step: step}
	i.terms, err = mutation.Snapshot(ctx, step+": terms", func(context.Context) (*pb.ProductLicense, error) {
		terms := proto.CloneOf(terms)
		terms.Name, terms.VendorStatus, terms.Playable = "", "", false
		if terms.GetOrderId() == "" {
			terms.OrderId = "drmhub-" + rand.Text()
		}
		return terms, nil
	})
	if err != nil {
		return i, err
	}
	before, err := mutation.Snapshot(ctx, step+": before", i.ofThisOrder)
	i.alike = before.GetProductLicenses()
	return i, err
}

func (i issuing) ofThisOrder(ctx context.Context) (*pb.ListProductLicensesResponse, error) {
	licenses, err := i.productLicenses(ctx)
	licenses = slices.DeleteFunc(licenses, func(l *pb.ProductLicense) bool {
		return l.GetUser() != i.terms.GetUser() || l.GetProduct() != i.terms.GetProduct() || l.GetOrderId() != i.terms.GetOrderId()
	})
	return &pb.ListProductLicensesResponse{ProductLicenses: licenses}, err
}

func (i issuing) issue(ctx context.Context) (*pb.ProductLicense, error) {
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.ProductLicense, error) {
		issued, err := i.vendor.Issue(ctx, i.terms)
		if err != nil {
			return nil, mutation.ExplainRefusal(ctx, i.explainWrite(ctx, err), i.terms.GetProduct(), func(ctx context.Context) error {
				_, err := i.GetProduct(ctx, &pb.GetProductRequest{Name: i.terms.GetProduct()})
				return err
			})
		}
		return i.productLicense(issued), nil
	}
	check := func(ctx context.Context) (*pb.ProductLicense, bool, error) {
		now, err := i.ofThisOrder(ctx)
		issued := newcomer(i.alike, now.GetProductLicenses())
		return issued, issued != nil, err
	}
	expect := func() *pb.ProductLicense { return proto.CloneOf(i.terms) }
	return mutation.Do(ctx, mutation.Write[*pb.ProductLicense]{Step: i.step, Send: send, ReadBack: check, Preview: expect})
}

// standing is the license as it stood before the mutation.
func (a *Adapter) standing(ctx context.Context, name string) (*pb.ProductLicense, error) {
	return mutation.SnapshotExisting(ctx, "standing", func(ctx context.Context) (*pb.ProductLicense, error) {
		return a.GetProductLicense(ctx, &pb.GetProductLicenseRequest{Name: name})
	})
}

func (a *Adapter) revoke(ctx context.Context, l *pb.ProductLicense) error {
	send := func(ctx context.Context, _ mutation.Attempt) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, a.explainWrite(ctx, a.vendor.Revoke(ctx, idIn(names.ProductLicense, l.GetName())))
	}
	check := func(ctx context.Context) (*emptypb.Empty, bool, error) {
		_, err := a.GetProductLicense(ctx, &pb.GetProductLicenseRequest{Name: l.GetName()})
		if isNotFound(err) {
			return &emptypb.Empty{}, true, nil
		}
		return nil, false, err
	}
	expect := func() *emptypb.Empty { return &emptypb.Empty{} }
	_, err := mutation.Do(ctx, mutation.Write[*emptypb.Empty]{Step: "revoke", Send: send, ReadBack: check, Preview: expect})
	return err
}

func (a *Adapter) productLicenses(ctx context.Context) ([]*pb.ProductLicense, error) {
	licenses, err := a.vendor.ProductLicenses(ctx)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	for _, l := range licenses {
		a.productLicense(l)
	}
	return licenses, nil
}

// productLicense is a license of the vendor's, by its names here.
func (a *Adapter) productLicense(held *pb.ProductLicense) *pb.ProductLicense {
	now := time.Now()
	held.Name, held.Product = names.ProductLicense.Name(a.id, held.GetName()), names.Product.Name(a.id, held.GetProduct())
	held.Playable = held.GetStatus() == pb.ProductLicense_ACTIVE && !held.GetStartTime().AsTime().After(now) &&
		(held.GetStopTime() == nil || held.GetStopTime().AsTime().After(now))
	return held
}

// idIn is the last id in a name of this form; empty in one of another form.
func idIn(form names.Pattern, name string) string {
	ids, err := form.IDs(name)
	if err != nil {
		return ""
	}
	return ids[len(ids)-1]
}
