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

// withIrdeto returns an adapter to a twin with Irdeto behind it. The twin holds the license L1, and
// has this reading of what AminoTV does without Irdeto.
func withIrdeto(t *testing.T, stands bool) (*amino.Adapter, *emulator.Emulator) {
	t.Helper()
	vendor := emulator.New(emulator.Options{Assumptions: emulator.Assumptions{LicenseStandsWithoutIrdeto: stands}})
	vendor.PutProducts(emulator.Product{ID: "gold"}, emulator.Product{ID: "silver"})
	vendor.PutLicenses(emulator.License{ID: "L1", UserID: "viewer", ProductID: "gold", OrderID: "order-1"})
	c := twinConfig()
	c.LicenseStandsWithoutIrdeto = stands
	return adapterTo(t, c, twin.Transport(vendor)), vendor
}

// hold returns the ids of the licenses that AminoTV holds, and that Irdeto holds.
func hold(vendor *emulator.Emulator) (licenses, entitlements []string) {
	for _, l := range vendor.Licenses() {
		licenses = append(licenses, l.ID)
	}
	for _, e := range vendor.Entitlements() {
		entitlements = append(entitlements, e.LicenseID)
	}
	return licenses, entitlements
}

// wantAgreement demands that AminoTV and Irdeto hold the same n licenses, of which the last one is
// this one.
func wantAgreement(t *testing.T, vendor *emulator.Emulator, n int, l *pb.ProductLicense, err error) {
	t.Helper()
	licenses, entitlements := hold(vendor)
	agree := len(licenses) == n && slices.Equal(licenses, entitlements)
	if err != nil || !agree || nameOf(licenses[n-1]) != l.GetName() {
		t.Errorf("%v, %v; AminoTV holds %q, Irdeto %q", l, err, licenses, entitlements)
	}
}

func nameOf(id string) string { return "vendors/acme/productLicenses/" + id }

func silverFor(user string) *pb.ProductLicense {
	return &pb.ProductLicense{User: user, Product: "vendors/acme/products/silver"}
}

func TestWhereIrdetoFailsItIsAsIfTheCallHadNotBeenMade(t *testing.T) {
	for _, behavior := range []emulator.IrdetoBehavior{emulator.IrdetoRefuses, emulator.IrdetoDown} {
		a, vendor := withIrdeto(t, false)
		vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: behavior, Times: 2})
		creating, deleting := mutation.NewMemory(), mutation.NewMemory()
		_, err := issueAs(t, a, creating, silverFor("viewer"))
		told := wantUnknown(t, "CreateProductLicense", err).Metadata
		if told[apierror.VendorHTTPStatus] != "502" || told[apierror.VendorCode] == "" {
			t.Errorf("the metadata are %v", told)
		}
		wantUnknown(t, "DeleteProductLicense", revoke(t, a, deleting))
		if licenses, _ := hold(vendor); !slices.Equal(licenses, []string{"L1"}) {
			t.Fatalf("there stand %q", licenses)
		}
		created, err := issueAs(t, a, creating, silverFor("viewer")) // Irdeto works again
		if err := revoke(t, a, deleting); err != nil {
			t.Fatalf("DeleteProductLicense, run again: %v", err)
		}
		wantAgreement(t, vendor, 1, created, err)
	}
}

func TestALicenseThatStandsWithoutIrdetoIsNotCalledASuccess(t *testing.T) {
	a, vendor := withIrdeto(t, true)
	vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Times: 1})
	log := mutation.NewMemory()
	_, err := issueAs(t, a, log, silverFor("viewer"))
	wantUnknown(t, "CreateProductLicense", err)
	var standing string
	for range 2 { // a caller who asks again is told the same, and which license is held
		_, err = issueAs(t, a, log, silverFor("viewer"))
		standing = wantUnknown(t, "CreateProductLicense, run again", err).Metadata[apierror.Standing]
	}
	licenses, entitlements := hold(vendor)
	if len(licenses) != 2 || nameOf(licenses[1]) != standing || !slices.Equal(entitlements, []string{"L1"}) {
		t.Fatalf("AminoTV holds %q, Irdeto %q, and the error names %q", licenses, entitlements, standing)
	}
	// A replacement by its own terms repairs it.
	repair := &pb.ReplaceProductLicenseRequest{Name: standing, ProductLicense: silverFor("viewer")}
	repaired, err := a.ReplaceProductLicense(in(t, mutation.NewMemory()), repair)
	wantAgreement(t, vendor, 2, repaired, err)
}

func TestARevocationWithoutIrdetoIsNotCalledASuccess(t *testing.T) {
	a, vendor := withIrdeto(t, true)
	vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Times: 1})
	log := mutation.NewMemory()
	for range 3 {
		if e := wantUnknown(t, "DeleteProductLicense", revoke(t, a, log)); e.Metadata[apierror.Standing] != "" {
			t.Errorf("the error names %q", e.Metadata[apierror.Standing])
		}
	}
	if licenses, entitlements := hold(vendor); len(licenses) != 0 || len(entitlements) != 1 {
		t.Errorf("AminoTV holds %q, Irdeto %q", licenses, entitlements)
	}
	// A replacement goes on all the same, since the user must have a license.
	a, vendor = withIrdeto(t, true)
	vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Times: 1})
	log = mutation.NewMemory()
	_, err := replace(t, a, log)
	wantUnknown(t, "ReplaceProductLicense", err)
	for range 2 {
		_, err = replace(t, a, log)
		standing := wantUnknown(t, "ReplaceProductLicense, run again", err).Metadata[apierror.Standing]
		if licenses, _ := hold(vendor); len(licenses) != 1 || standing != nameOf(licenses[0]) {
			t.Errorf("AminoTV holds %q, and the error names %q", licenses, standing)
		}
	}
}

// TestASlowIrdeto has Irdeto respond later than drmhub waits for AminoTV. The next run finds what
// Irdeto did.
func TestASlowIrdeto(t *testing.T) {
	for _, takesEffect := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a, vendor := withIrdeto(t, false)
			vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: "stall", Times: 1, TakesEffect: takesEffect})
			log, began := mutation.NewMemory(), time.Now()
			_, err := issueAs(t, a, log, silverFor("viewer"))
			wantUnknown(t, "CreateProductLicense", err)
			if waited := time.Since(began); waited != 30*time.Second {
				t.Errorf("it waited %v", waited)
			}
			synctest.Wait()
			got, err := issueAs(t, a, log, silverFor("viewer"))
			wantAgreement(t, vendor, 2, got, err)
		})
	}
}

func TestACallerWhoseDeadlinePassesWhileIrdetoStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, vendor := withIrdeto(t, false)
		vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoStalls})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.GetProductLicense(ctx, &pb.GetProductLicenseRequest{Name: licenseL1}); err != nil {
			t.Errorf("a read needs no Irdeto: %v", err)
		}
		req := &pb.CreateProductLicenseRequest{Parent: "vendors/acme", ProductLicense: silverFor("viewer")}
		_, err := a.CreateProductLicense(mutation.NewContext(ctx, mutation.NewMemory()), req)
		// DEADLINE_EXCEEDED would read as "not done".
		wantError(t, "CreateProductLicense", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	})
}
