package app_test

import (
	"context"
	"errors"
	"path"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	aminotwin "github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	ncptwin "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A create that was cut is read back by what it looks like. What another mutation does in the
// meantime must not be taken for it.

// cutOnce makes a call whose write is cut before its effect, and settles it after something else
// has happened. It answers what the record then says.
func (h *testServer) cutOnce(t *testing.T, faults *twin.Faults, create func(context.Context) error, meanwhile func(context.Context) error) *pb.Mutation {
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
	}, func(context.Context) error { // by somebody at the console: drmhub would wait
		h.ncp.PutSites(ncptwin.Site{SiteID: path.Base(mySite), SiteName: "Kids_TV", Status: ncptwin.StatusReady, Enabled: true})
		return nil
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
	}, func(context.Context) error { // somebody, not through drmhub, which would wait
		h.amino.PutProducts(aminotwin.Product{ID: "movies", Name: "Films", Buyable: true, Visible: true})
		return nil
	})
	if m.GetState() != pb.Mutation_UNKNOWN {
		t.Errorf("%v, and no product was created", m)
	}
}

// What is created meanwhile, and renamed to what the first one is to be called, waits for it to be
// settled.
func TestNoNameIsTakenThatACreationInDoubtMayHave(t *testing.T) {
	soon := func(t *testing.T, h *testServer, rename func(context.Context) error) error {
		t.Helper()
		before := h.effects()
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		// whether it is ABORTED or the deadline passes first
		if err := rename(short); err == nil || h.effects() != before {
			t.Errorf("renamed while another one of this name is in doubt: %v, and %d effects", err, h.effects()-before)
		}
		return nil
	}
	t.Run("a product", func(t *testing.T) {
		h := start(t, withAmino(time.Now()))
		c := pb.NewProductLicenseServiceClient(h.conn)
		m := h.cutOnce(t, h.amino.Faults(), func(ctx context.Context) error {
			_, err := c.CreateProduct(ctx, &pb.CreateProductRequest{Parent: aminoVendor, Product: &pb.Product{DisplayName: "Films"}})
			return err
		}, func(ctx context.Context) error {
			other, err := c.CreateProduct(ctx, &pb.CreateProductRequest{Parent: aminoVendor, Product: &pb.Product{DisplayName: "Series"}})
			if err != nil {
				return err
			}
			return soon(t, h, func(ctx context.Context) error {
				_, err := c.UpdateProduct(ctx, &pb.UpdateProductRequest{Product: &pb.Product{Name: other.GetName(), DisplayName: "Films"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}}})
				return err
			})
		})
		if m.GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("%v, and no such product was created", m)
		}
	})
	t.Run("a site", func(t *testing.T) {
		h := start(t, withNCP(time.Now()))
		c := pb.NewSiteServiceClient(h.conn)
		m := h.cutOnce(t, h.ncp.Faults(), func(ctx context.Context) error {
			_, err := c.CreateSiteOrder(ctx, &pb.CreateSiteOrderRequest{Parent: "vendors/ncp", SiteOrder: &pb.SiteOrder{DisplayName: "Kids_TV"}})
			return err
		}, func(ctx context.Context) error {
			other, err := c.CreateSiteOrder(ctx, &pb.CreateSiteOrderRequest{Parent: "vendors/ncp", SiteOrder: &pb.SiteOrder{DisplayName: "Teens_TV"}})
			if err != nil {
				return err
			}
			if err := h.ncp.Finish(path.Base(other.GetSite())); err != nil {
				return err
			}
			return soon(t, h, func(ctx context.Context) error {
				_, err := c.UpdateSite(ctx, &pb.UpdateSiteRequest{Site: &pb.Site{Name: other.GetSite(), DisplayName: "Kids_TV"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}}})
				return err
			})
		})
		if m.GetState() != pb.Mutation_UNKNOWN {
			t.Errorf("%v, and no such site was ordered", m)
		}
	})
}

// A create whose answer was lost is read back by what it created: nobody may take that away before.

// createdAndLost makes a call whose write takes effect and whose answer is lost, has something done
// to what it created, and makes the call again. It demands that nothing is created twice.
func (h *testServer) createdAndLost(t *testing.T, kind string, create, change func(context.Context) error) {
	t.Helper()
	h.loseAnswers("POST", "/")
	lost := apierror.Convert(create(t.Context()))
	if lost.Reason != pb.ErrorReason_OUTCOME_UNKNOWN {
		t.Fatal(lost)
	}
	if err := change(t.Context()); err != nil {
		t.Errorf("the change: %v", err)
	}
	m, err := pb.NewMutationServiceClient(h.conn).GetMutation(t.Context(), &pb.GetMutationRequest{Name: lost.Metadata[apierror.MutationName]})
	if err != nil || m.GetState() != pb.Mutation_SUCCEEDED {
		t.Errorf("changed, while nobody knows whether it was created: %v, %v", m, err)
	}
	if err := create(t.Context()); err != nil {
		t.Errorf("called again: %v", err)
	}
	made := 0
	for _, v := range h.twins {
		for _, e := range v.Ledger().Effects() {
			if e.Kind == kind {
				made++
			}
		}
	}
	if made != 1 {
		t.Errorf("%d times %s, want once", made, kind)
	}
}

// hasty takes what is not seen at once for not made.
func hasty(_ *testing.T, h *testServer) { h.cfg.Store.Quiet = time.Millisecond }

func TestALicenseIsNotRevokedBeforeItIsKnownWhoIssuedIt(t *testing.T) {
	for what, revoke := range map[string]func(context.Context, pb.ProductLicenseServiceClient, string) error{
		"DeleteProductLicense": func(ctx context.Context, c pb.ProductLicenseServiceClient, name string) error {
			_, err := c.DeleteProductLicense(ctx, &pb.DeleteProductLicenseRequest{Name: name})
			return err
		},
		"BatchDeleteProductLicenses": func(ctx context.Context, c pb.ProductLicenseServiceClient, name string) error {
			res, err := c.BatchDeleteProductLicenses(ctx, &pb.BatchDeleteProductLicensesRequest{Parent: aminoVendor, Names: []string{name}})
			return errors.Join(err, status.ErrorProto(res.GetResults()[0].GetError()))
		},
		"ReplaceProductLicense": func(ctx context.Context, c pb.ProductLicenseServiceClient, name string) error {
			_, err := c.ReplaceProductLicense(ctx, &pb.ReplaceProductLicenseRequest{Name: name, ProductLicense: &pb.ProductLicense{User: "zoe", Product: products + "/sports"}})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			h := start(t, withAmino(time.Now()), hasty)
			c := pb.NewProductLicenseServiceClient(h.conn)
			req := &pb.CreateProductLicenseRequest{Parent: aminoVendor, ProductLicense: &pb.ProductLicense{User: "zoe", Product: movies, OrderId: "o-77"}, RequestId: uuid.NewString()}
			kind := "licenseCreated"
			if what == "ReplaceProductLicense" {
				kind = "licenseDeleted" // the replacement creates another one
			}
			h.createdAndLost(t, kind, func(ctx context.Context) error {
				_, err := c.CreateProductLicense(ctx, req)
				return err
			}, func(ctx context.Context) error {
				list, err := c.ListProductLicenses(ctx, &pb.ListProductLicensesRequest{Parent: aminoVendor, Filter: &pb.ProductLicenseFilter{User: "zoe"}})
				if err != nil {
					return err
				}
				return revoke(ctx, c, list.GetProductLicenses()[0].GetName())
			})
		})
	}
}

func TestAProductIsNotUpdatedBeforeItIsKnownWhoCreatedIt(t *testing.T) {
	h := start(t, withAmino(time.Now()), hasty)
	c := pb.NewProductLicenseServiceClient(h.conn)
	req := &pb.CreateProductRequest{Parent: aminoVendor, Product: &pb.Product{DisplayName: "News"}, RequestId: uuid.NewString()}
	h.createdAndLost(t, "productCreated", func(ctx context.Context) error {
		_, err := c.CreateProduct(ctx, req)
		return err
	}, func(ctx context.Context) error {
		list, err := c.ListProducts(ctx, &pb.ListProductsRequest{Parent: aminoVendor})
		for _, p := range list.GetProducts() {
			if p.GetDisplayName() == "News" {
				_, err = c.UpdateProduct(ctx, &pb.UpdateProductRequest{Product: &pb.Product{Name: p.GetName(), DisplayName: "World news"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}}})
			}
		}
		return err
	})
}

func TestASiteIsNotRenamedBeforeItIsKnownWhoOrderedIt(t *testing.T) {
	h := start(t, withNCP(time.Now()), hasty)
	c := pb.NewSiteServiceClient(h.conn)
	req := &pb.CreateSiteOrderRequest{Parent: "vendors/ncp", SiteOrder: &pb.SiteOrder{DisplayName: "Kids_TV"}, RequestId: uuid.NewString()}
	h.createdAndLost(t, "siteCreated", func(ctx context.Context) error {
		_, err := c.CreateSiteOrder(ctx, req)
		return err
	}, func(ctx context.Context) error {
		list, err := c.ListSites(ctx, &pb.ListSitesRequest{Parent: "vendors/ncp"})
		for _, s := range list.GetSites() {
			if s.GetDisplayName() == "Kids_TV" {
				if err := h.ncp.Finish(s.GetSiteId()); err != nil {
					return err
				}
				_, err = c.UpdateSite(ctx, &pb.UpdateSiteRequest{Site: &pb.Site{Name: s.GetName(), DisplayName: "Renamed"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}}})
			}
		}
		return err
	})
}
