package amino_test

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
)

// batch is a batch of n licenses of the same product, each of another user.
func batch(n int) *pb.BatchCreateProductLicensesRequest {
	req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/acme"}
	for i := range n {
		req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{ProductLicense: &pb.ProductLicense{User: fmt.Sprint("viewer-", i), Product: gold}})
	}
	return req
}

func TestItemsThatAreNoPartsOfTheBatch(t *testing.T) {
	for field, spoil := range map[string]func(*pb.CreateProductLicenseRequest){
		"requests[1].request_id":    func(r *pb.CreateProductLicenseRequest) { r.RequestId = "7f8b2f52-6d3a-4a0f-9f43-1f3f6f0f8a11" },
		"requests[1].validate_only": func(r *pb.CreateProductLicenseRequest) { r.ValidateOnly = true },
		"requests[1].parent":        func(r *pb.CreateProductLicenseRequest) { r.Parent = "vendors/other" },
		"requests[1].product_license.order_id": func(r *pb.CreateProductLicenseRequest) {
			r.ProductLicense.User, r.ProductLicense.OrderId = "viewer-0", "order-1"
		},
	} {
		a, _ := serve(t, config(), nil) // nothing is sent
		req := batch(2)
		req.Requests[0].ProductLicense.OrderId = "order-1"
		spoil(req.Requests[1])
		_, err := a.BatchCreateProductLicenses(in(t, mutation.NewMemory()), req)
		wantRefused(t, field, err, field)
	}
	a, _ := serve(t, config(), nil)
	_, err := a.BatchDeleteProductLicenses(in(t, mutation.NewMemory()), &pb.BatchDeleteProductLicensesRequest{
		Parent: "vendors/acme", Names: []string{licenseL1, "vendors/other/productLicenses/L2"},
	})
	wantRefused(t, "the license of another vendor", err, "names[1]")
}

func TestALargeBatchIsAnsweredInOrder(t *testing.T) {
	vendor := emulator.New(emulator.Options{})
	vendor.PutProducts(emulator.Product{ID: "gold"})
	c := twinConfig()
	var now, most atomic.Int32
	a := adapterTo(t, c, twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n, m := now.Add(1), most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		defer now.Add(-1)
		vendor.ServeHTTP(w, r)
	})))
	req, log := batch(1000), mutation.NewMemory()
	req.Requests[17].ProductLicense.Product = "vendors/acme/products/none"
	req.Requests[500].ProductLicense.Product = "none"
	var names []string
	for range 2 { // once more, from the record
		res, err := a.BatchCreateProductLicenses(in(t, log), req)
		if err != nil || len(res.GetResults()) != 1000 {
			t.Fatalf("%d results, %v", len(res.GetResults()), err)
		}
		names = nil
		for i, r := range res.GetResults() {
			switch i {
			case 17:
				wantError(t, "item 17", status.ErrorProto(r.GetError()), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
			case 500:
				wantRefused(t, "item 500", status.ErrorProto(r.GetError()), "requests[500].product_license.product")
			default:
				if r.GetProductLicense().GetUser() != fmt.Sprint("viewer-", i) {
					t.Errorf("item %d is %v", i, r)
				}
				names = append(names, r.GetProductLicense().GetName())
			}
		}
	}
	if n := len(vendor.Licenses()); n != 998 {
		t.Errorf("%d licenses stand", n)
	}
	if m := most.Load(); m > 8 {
		t.Errorf("%d requests were under way at once", m)
	}
	res, err := a.BatchDeleteProductLicenses(in(t, mutation.NewMemory()), &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/acme", Names: names})
	if err != nil || len(vendor.Licenses()) != 0 || len(vendor.Entitlements()) != 0 {
		t.Fatalf("%v; %d licenses stand", err, len(vendor.Licenses()))
	}
	for i, r := range res.GetResults() {
		if l := r.GetProductLicense(); l.GetName() != names[i] || l.GetPlayable() {
			t.Errorf("item %d is %v, which was %s", i, r, names[i])
		}
	}
}

func TestABatchGoesOnWithoutItsCaller(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	a, vendor := serve(t, config(), map[string][]reply{postLicense: {created(theCreatedL2)}})
	vendor.Inspect = func(*http.Request) { leave() }
	res, err := a.BatchCreateProductLicenses(mutation.NewContext(ctx, mutation.NewMemory()), batch(3))
	if err != nil || len(vendor.Made(postLicense)) != 3 {
		t.Errorf("%v, %v; made %q", res, err, made(vendor))
	}
}

func TestABatchThatIsTriedTellsItsRequestsInOrder(t *testing.T) {
	c := config()
	c.BatchConcurrency = 8
	a, vendor := serve(t, c, map[string][]reply{getGold: {ok(goldProduct)}})
	ctx, trial := mutation.WithDryRun(t.Context())
	res, err := a.BatchCreateProductLicenses(ctx, batch(1000))
	if reads := made(vendor); len(reads) != 1 {
		t.Errorf("it reads %d times, and all items are of one product", len(reads))
	}
	if err != nil || len(res.GetResults()) != 1000 || len(trial.Requests()) != 1000 {
		t.Fatalf("%d results, %d requests, %v", len(res.GetResults()), len(trial.Requests()), err)
	}
	for i, request := range trial.Requests() {
		if !strings.Contains(request, fmt.Sprintf(`"id":"viewer-%d"`, i)) {
			t.Fatalf("request %d is %s", i, request)
		}
	}
}

// broken is a log that panics at one item.
type broken struct{ *mutation.Memory }

func (b broken) Put(ctx context.Context, step string, r mutation.Record) error {
	if strings.HasPrefix(step, "item 1:") {
		panic("boom")
	}
	return b.Memory.Put(ctx, step, r)
}

func TestAPanicReachesTheCaller(t *testing.T) {
	a, _ := serve(t, config(), map[string][]reply{postLicense: {created(theCreatedL2)}})
	defer func() {
		if p, ok := recover().(*panics.Panic); !ok || p.Value != "boom" {
			t.Errorf("it panics with %v", p)
		}
	}()
	_, err := a.BatchCreateProductLicenses(in(t, broken{mutation.NewMemory()}), batch(3))
	t.Errorf("it does not panic, but answers %v", err)
}

type settling struct{ *mutation.Memory }

func (settling) Settling() bool { return true }

func TestABatchIsSettledItemByItem(t *testing.T) {
	vendor := emulator.New(emulator.Options{})
	vendor.PutProducts(emulator.Product{ID: "gold"})
	c := twinConfig()
	c.BatchConcurrency = 1
	a := adapterTo(t, c, twin.Transport(vendor))
	log := mutation.NewMemory()
	vendor.Faults().Add(twin.Fault{Kind: twin.FaultLoseAnswer, Method: http.MethodPost, Times: 1})
	vendor.Faults().Add(twin.Fault{Kind: twin.FaultCut, Method: http.MethodPost, Times: 1})
	outcomes := func(log mutation.Log) []string {
		res, err := a.BatchCreateProductLicenses(in(t, log), batch(3))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, r := range res.GetResults() {
			if r.GetError() != nil {
				all = append(all, apierror.Convert(status.ErrorProto(r.GetError())).Reason.String())
			} else {
				all = append(all, r.GetProductLicense().GetUser())
			}
		}
		return all
	}
	if got, want := outcomes(log), []string{"OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN", "viewer-2"}; !slices.Equal(got, want) {
		t.Errorf("the call: %q, want %q", got, want)
	}
	// Nobody asks again: what took effect is found, and what did not is not sent.
	if got, want := outcomes(settling{log}), []string{"viewer-0", "VENDOR_UNAVAILABLE", "viewer-2"}; !slices.Equal(got, want) {
		t.Errorf("settled: %q, want %q", got, want)
	}
	if got, want := outcomes(log), []string{"viewer-0", "viewer-1", "viewer-2"}; !slices.Equal(got, want) || len(vendor.Licenses()) != 3 {
		t.Errorf("asked again: %q, want %q; %d licenses stand", got, want, len(vendor.Licenses()))
	}
}

// inDoubt is the log of a mutation while the creation of one user's license is in doubt.
type inDoubt struct {
	*mutation.Memory
	user string
}

func (d *inDoubt) AwaitCreation(ctx context.Context, resource proto.Message) error {
	if l, ok := resource.(*pb.ProductLicense); ok && l.GetUser() == d.user {
		return apierror.New(codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS, "a creation is in doubt")
	}
	return ctx.Err()
}

func TestABatchIsDeletedAsAWholeOnceNoCreationIsInDoubt(t *testing.T) {
	vendor := emulator.New(emulator.Options{})
	vendor.PutProducts(emulator.Product{ID: "gold"})
	req := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/acme", Names: []string{"vendors/acme/productLicenses/none"}}
	for i := range 20 {
		l := emulator.License{ID: fmt.Sprint("L", i), UserID: fmt.Sprint("viewer-", i), ProductID: "gold"}
		vendor.PutLicenses(l)
		req.Names = append(req.Names, "vendors/acme/productLicenses/"+l.ID)
	}
	a := adapterTo(t, twinConfig(), twin.Transport(vendor))
	log := &inDoubt{mutation.NewMemory(), "viewer-13"}
	_, err := a.BatchDeleteProductLicenses(in(t, log), req)
	wantError(t, "one is in doubt", err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
	if n := len(vendor.Licenses()); n != 20 {
		t.Errorf("%d licenses stand", n)
	}
	log.user = ""
	res, err := a.BatchDeleteProductLicenses(in(t, log), req)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range res.GetResults() {
		if missing := codes.Code(r.GetError().GetCode()) == codes.NotFound; missing != (i == 0) || !missing && r.GetError() != nil {
			t.Errorf("item %d: %v", i, r)
		}
	}
	if n := len(vendor.Licenses()); n != 0 {
		t.Errorf("%d licenses stand", n)
	}
}

func TestNothingOfABatchIsDeletedWhileOneOfItCannotBeRead(t *testing.T) {
	vendor := emulator.New(emulator.Options{})
	vendor.PutProducts(emulator.Product{ID: "gold"})
	req := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/acme"}
	for _, id := range []string{"L0", "L1", "none"} {
		if id != "none" {
			vendor.PutLicenses(emulator.License{ID: id, UserID: "viewer", ProductID: "gold"})
		}
		req.Names = append(req.Names, "vendors/acme/productLicenses/"+id)
	}
	reads, down := map[string]int{}, true
	c := twinConfig()
	c.BatchConcurrency = 1
	a := adapterTo(t, c, twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := path.Base(r.URL.Path); r.Method == http.MethodGet {
			if reads[id]++; down && id == "L1" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		}
		vendor.ServeHTTP(w, r)
	})))
	log := mutation.NewMemory()
	_, err := a.BatchDeleteProductLicenses(in(t, log), req)
	wantError(t, "one cannot be read", err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	if n := len(vendor.Licenses()); n != 2 {
		t.Errorf("%d licenses stand, want both", n)
	}
	down, reads = false, map[string]int{}
	res, err := a.BatchDeleteProductLicenses(in(t, log), req)
	if err != nil || res.GetResults()[0].GetError() != nil || res.GetResults()[1].GetError() != nil || codes.Code(res.GetResults()[2].GetError().GetCode()) != codes.NotFound {
		t.Errorf("called again: %v, %v", res, err)
	}
	if reads["none"] != 1 {
		t.Errorf("the one that is not there was read %d times, want once", reads["none"])
	}
}
