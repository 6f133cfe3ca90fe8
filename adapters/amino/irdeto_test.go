package amino_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// withIrdeto is an adapter to a twin with Irdeto behind it, which holds the license L1, by this
// reading of what AminoTV does without Irdeto.
func withIrdeto(t *testing.T, stands bool) (*amino.Adapter, *emulator.Emulator) {
	t.Helper()
	vendor := emulator.New(emulator.Options{Assumptions: emulator.Assumptions{LicenseStandsWithoutIrdeto: stands}})
	vendor.PutProducts(emulator.Product{ID: "gold"}, emulator.Product{ID: "silver"})
	vendor.PutLicenses(emulator.License{ID: "L1", UserID: "viewer", ProductID: "gold", OrderID: "order-1"})
	c := twinConfig()
	c.LicenseStandsWithoutIrdeto = stands
	return adapterTo(t, c, twin.Transport(vendor)), vendor
}

// hold is what AminoTV and Irdeto hold, by the ids of licenses.
func hold(vendor *emulator.Emulator) (licenses, entitlements []string) {
	for _, l := range vendor.Licenses() {
		licenses = append(licenses, l.ID)
	}
	for _, e := range vendor.Entitlements() {
		entitlements = append(entitlements, e.LicenseID)
	}
	return licenses, entitlements
}

func silverFor(user string) *pb.ProductLicense {
	return &pb.ProductLicense{User: user, Product: "vendors/acme/products/silver"}
}

func TestWhereIrdetoFailsItIsAsIfTheCallHadNotBeenMade(t *testing.T) {
	for _, behavior := range []emulator.IrdetoBehavior{emulator.IrdetoRefuses, emulator.IrdetoDown} {
		a, vendor := withIrdeto(t, false)
		vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: behavior, Times: 2})
		creating, deleting := mutation.NewMemory(), mutation.NewMemory()
		_, err := issueAs(t, a, creating, silverFor("viewer"))
		if e := wantUnknown(t, "CreateProductLicense", err); e.Metadata[apierror.VendorHTTPStatus] != "502" || e.Metadata[apierror.VendorCode] == "" {
			t.Errorf("the metadata are %v", e.Metadata)
		}
		wantUnknown(t, "DeleteProductLicense", revoke(t, a, deleting))
		if licenses, _ := hold(vendor); !slices.Equal(licenses, []string{"L1"}) {
			t.Fatalf("there stand %q", licenses)
		}
		// Irdeto is well again.
		created, err := issueAs(t, a, creating, silverFor("viewer"))
		if err != nil {
			t.Fatalf("CreateProductLicense, run again: %v", err)
		}
		if err := revoke(t, a, deleting); err != nil {
			t.Fatalf("DeleteProductLicense, run again: %v", err)
		}
		licenses, entitlements := hold(vendor)
		if len(licenses) != 1 || "vendors/acme/productLicenses/"+licenses[0] != created.GetName() || !slices.Equal(licenses, entitlements) {
			t.Errorf("AminoTV holds %q, Irdeto %q", licenses, entitlements)
		}
	}
}

func TestALicenseThatStandsWithoutIrdetoIsNotCalledASuccess(t *testing.T) {
	a, vendor := withIrdeto(t, true)
	vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Times: 1})
	log := mutation.NewMemory()
	_, err := issueAs(t, a, log, silverFor("viewer"))
	wantUnknown(t, "CreateProductLicense", err)
	var standing string
	for range 2 { // whoever asks again is told the same, and what stands
		_, err = issueAs(t, a, log, silverFor("viewer"))
		standing = wantUnknown(t, "CreateProductLicense, run again", err).Metadata[apierror.Standing]
	}
	licenses, entitlements := hold(vendor)
	if len(licenses) != 2 || "vendors/acme/productLicenses/"+licenses[1] != standing || !slices.Equal(entitlements, []string{"L1"}) {
		t.Fatalf("AminoTV holds %q, Irdeto %q, and it says that %q stands", licenses, entitlements, standing)
	}

	// To replace it by its own terms is what repairs it.
	repaired, err := a.ReplaceProductLicense(in(t, mutation.NewMemory()), &pb.ReplaceProductLicenseRequest{Name: standing, ProductLicense: silverFor("viewer")})
	if err != nil {
		t.Fatal(err)
	}
	licenses, entitlements = hold(vendor)
	if len(licenses) != 2 || "vendors/acme/productLicenses/"+licenses[1] != repaired.GetName() || !slices.Equal(licenses, entitlements) {
		t.Errorf("AminoTV holds %q, Irdeto %q", licenses, entitlements)
	}
}

func TestARevocationWithoutIrdetoIsNotCalledASuccess(t *testing.T) {
	a, vendor := withIrdeto(t, true)
	vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Times: 1})
	log := mutation.NewMemory()
	for range 3 {
		if e := wantUnknown(t, "DeleteProductLicense", revoke(t, a, log)); e.Metadata[apierror.Standing] != "" {
			t.Errorf("it says that %q stands", e.Metadata[apierror.Standing])
		}
	}
	if licenses, entitlements := hold(vendor); len(licenses) != 0 || len(entitlements) != 1 {
		t.Errorf("AminoTV holds %q, Irdeto %q", licenses, entitlements)
	}
	// A replacement goes on all the same: the user is not to be left without a license.
	a, vendor = withIrdeto(t, true)
	vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Times: 1})
	log = mutation.NewMemory()
	_, err := replace(t, a, log, silverFor("viewer"))
	wantUnknown(t, "ReplaceProductLicense", err)
	for range 2 {
		_, err = replace(t, a, log, silverFor("viewer"))
		e := wantUnknown(t, "ReplaceProductLicense, run again", err)
		if licenses, _ := hold(vendor); len(licenses) != 1 || e.Metadata[apierror.Standing] != "vendors/acme/productLicenses/"+licenses[0] {
			t.Errorf("AminoTV holds %q, and it says that %q stands", licenses, e.Metadata[apierror.Standing])
		}
	}
}

// TestASlowIrdeto has Irdeto answer later than drmhub waits for AminoTV. What it did is found once
// it is done.
func TestASlowIrdeto(t *testing.T) {
	for _, takesEffect := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a, vendor := withIrdeto(t, false)
			vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoStalls, Times: 1, TakesEffect: takesEffect})
			log, began := mutation.NewMemory(), time.Now()
			_, err := issueAs(t, a, log, silverFor("viewer"))
			wantUnknown(t, "CreateProductLicense", err)
			if waited := time.Since(began); waited != 30*time.Second {
				t.Errorf("it waited %v", waited)
			}
			synctest.Wait()
			got, err := issueAs(t, a, log, silverFor("viewer"))
			licenses, entitlements := hold(vendor)
			if err != nil || len(licenses) != 2 || "vendors/acme/productLicenses/"+licenses[1] != got.GetName() || !slices.Equal(licenses, entitlements) {
				t.Errorf("run again: %v, %v; AminoTV holds %q, Irdeto %q", got, err, licenses, entitlements)
			}
		})
	}
}

func TestACallerWhoseDeadlinePassesWhileIrdetoStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, vendor := withIrdeto(t, false)
		vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoStalls})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := a.GetProductLicense(ctx, &pb.GetProductLicenseRequest{Name: licenseL1})
		if err != nil {
			t.Errorf("a read needs no Irdeto: %v", err)
		}
		_, err = a.CreateProductLicense(mutation.NewContext(ctx, mutation.NewMemory()), &pb.CreateProductLicenseRequest{Parent: "vendors/acme", ProductLicense: silverFor("viewer")})
		// never DEADLINE_EXCEEDED, which reads as "not done"
		wantError(t, "CreateProductLicense", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	})
}
