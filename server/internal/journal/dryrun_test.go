package journal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestADryRunSendsNothingAndStoresNothing(t *testing.T) {
	v := &fakeVendor{}
	r := start(t, v, noBackground)
	req := replace(id)
	req.ValidateOnly = true
	var header metadata.MD
	license, err := r.licenses.ReplaceProductLicense(t.Context(), req, grpc.Header(&header))
	if err != nil || license.GetProduct() != "vendors/v/products/p" {
		t.Errorf("%v, %v; want the response as it would be", license, err)
	}
	want := []string{"curl revoke vendors/v/productLicenses/l", "curl issue vendors/v/products/p"}
	if got := header.Get("drmhub-planned-request"); !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
	if named := header.Get("drmhub-mutation"); named != nil {
		t.Errorf("there is no record, and it is named: %q", named)
	}
	if v.calls != 0 || count(t, r, "mutations") != 0 || count(t, r, "steps") != 0 || count(t, r, "audit_events") != 0 {
		t.Errorf("%d writes at the vendor; the store holds\n%s", v.calls, dump(t, r))
	}
	// The request_id is not used up, either.
	ok(t, r.replace(t, id))
	// Now the vendor's present state is another one.
	_, err = r.licenses.ReplaceProductLicense(t.Context(), req)
	wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func TestPlannedRequestsFitIntoHeaders(t *testing.T) {
	r := start(t, &fakeVendor{}, noBackground)
	for _, c := range []struct{ requests, longest int }{{1, 10}, {3, 100}, {1000, 10}, {2, 100_000}} {
		req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", ValidateOnly: true}
		for i := range c.requests {
			user := fmt.Sprint(i, strings.Repeat("u", min(c.longest, 120)))
			l := &pb.ProductLicense{User: user, Product: newLicense}
			req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{Parent: "vendors/v", ProductLicense: l})
		}
		var header metadata.MD
		if _, err := r.licenses.BatchCreateProductLicenses(t.Context(), req, grpc.Header(&header)); err != nil {
			t.Fatal(err)
		}
		planned, size := header.Get("drmhub-planned-request"), 0
		for _, p := range planned {
			size += 2 * len("Drmhub-Planned-Request-10: "+p+"\r\n") // REST also sends each with a number
		}
		if size > 8192-512 || !strings.HasPrefix(planned[0], "curl create 0u") {
			t.Errorf("%d requests: %d bytes in %d headers, from %q", c.requests, size, len(planned), planned[0])
		}
		last, more := planned[len(planned)-1], fmt.Sprintf("... and %d more", c.requests-len(planned)+1)
		if c.requests <= 3 && len(planned) != c.requests || c.requests > 3 && last != more {
			t.Errorf("%d requests: %d headers, ending with %q", c.requests, len(planned), last)
		}
	}
}

func TestADryRunOfWhatHoldsSecrets(t *testing.T) {
	r := start(t, &fakeVendor{before: func(context.Context, string) error { panic("sent") }}, noBackground)
	req := create(id)
	req.ValidateOnly = true
	account, err := r.accounts.CreateDrmAccount(t.Context(), req)
	if err != nil || account.GetPassword() != "" || account.GetUsername() != "username" {
		t.Errorf("%v, %v; want the response without its secret", account, err)
	}
	req.DrmAccount.Password = ""
	var header metadata.MD
	_, err = r.accounts.CreateDrmAccount(t.Context(), req, grpc.Header(&header))
	wantError(t, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	if len(header.Get("drmhub-planned-request")) > 0 || apierror.Convert(err).Metadata[apierror.MutationName] != "" {
		t.Errorf("%v, %v", header, err)
	}
}
