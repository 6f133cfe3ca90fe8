package app_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A create that was cut is read back by what it looks like. What another mutation does in the meantime must not be taken for it.

// cutOnce makes a call whose write is cut before its effect, and settles it after something else has happened. It answers what the record then says.
func (h *hub) cutOnce(t *testing.T, faults *twin.Faults, create func(context.Context) error, meanwhile func(context.Context) error) *pb.Mutation {
	t.Helper()
	faults.Add(twin.Fault{Kind: twin.FaultCut, Method: "POST", Times: 1})
	cut := apierror.Convert(create(t.Context()))
	if cut.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		t.Fatal(cut)
	}
	if err := meanwhile(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := pb.NewMutationServiceClient(h.conn).SettleMutation(t.Context(), &pb.SettleMutationRequest{Name: cut.Metadata[apierror.MutationName]})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestASiteThatIsRenamedIsNoOrder(t *testing.T) {
	h := start(t, withNCP(time.Now()))
	sites := pb.NewSiteServiceClient(h.conn)
	m := h.cutOnce(t, h.ncp.Faults(), func(ctx context.Context) error {
		_, err := sites.CreateSiteOrder(ctx, &pb.CreateSiteOrderRequest{Parent: "vendors/ncp", SiteOrder: &pb.SiteOrder{DisplayName: "Kids_TV"}})
		return err
	}, func(ctx context.Context) error {
		_, err := sites.UpdateSite(ctx, &pb.UpdateSiteRequest{
			Site: &pb.Site{Name: mySite, DisplayName: "Kids_TV", PolicyId: "0"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name", "policy_id"}},
		})
		return err
	})
	if m.GetState() != pb.Mutation_UNKNOWN {
		t.Errorf("%v, and no site was ordered", m)
	}
}

func TestAProductThatIsUpdatedIsNoNewOne(t *testing.T) {
	h := start(t, withAmino(time.Now()))
	c := pb.NewProductLicenseServiceClient(h.conn)
	m := h.cutOnce(t, h.amino.Faults(), func(ctx context.Context) error {
		_, err := c.CreateProduct(ctx, &pb.CreateProductRequest{Parent: aminoVendor, Product: &pb.Product{DisplayName: "Films", Buyable: true, Visible: true}})
		return err
	}, func(ctx context.Context) error {
		_, err := c.UpdateProduct(ctx, &pb.UpdateProductRequest{Product: &pb.Product{Name: movies, DisplayName: "Films"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}}})
		return err
	})
	if m.GetState() != pb.Mutation_UNKNOWN {
		t.Errorf("%v, and no product was created", m)
	}
}

func TestProductsAreCreatedOneAfterTheOther(t *testing.T) {
	h := start(t, withAmino(time.Now()))
	c := pb.NewProductLicenseServiceClient(h.conn)
	m := h.cutOnce(t, h.amino.Faults(), func(ctx context.Context) error {
		_, err := c.CreateProduct(ctx, &pb.CreateProductRequest{Parent: aminoVendor, Product: &pb.Product{Description: "d"}})
		return err
	}, func(ctx context.Context) error {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err := c.CreateProduct(short, &pb.CreateProductRequest{Parent: aminoVendor, Product: &pb.Product{DisplayName: "other", Description: "d"}})
		if n := h.effects(); err == nil || n != 0 { // whether it is ABORTED or the deadline passes first
			t.Errorf("another product, while that one is in doubt: %v, and %d effects", err, n)
		}
		return nil
	})
	if m.GetState() != pb.Mutation_UNKNOWN {
		t.Errorf("%v, and no product was created", m)
	}
}
