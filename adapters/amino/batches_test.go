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

	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
)

// batch returns a batch of n licenses of one product, each of another user.
func batch(n int) *pb.BatchCreateProductLicensesRequest {
	req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/acme"}
	for i := range n {
		l := &pb.ProductLicense{User: fmt.Sprint("viewer-", i), Product: gold}
		req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{ProductLicense: l})
	}
	return req
}

// holding returns a twin with these licenses of gold, and the request to delete them all.
func holding(ids ...string) (*emulator.Emulator, *pb.BatchDeleteProductLicensesRequest) {
	vendor := emulator.New(emulator.Options{})
	vendor.PutProducts(emulator.Product{ID: "gold"})
	req := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/acme"}
	for _, id := range ids {
		vendor.PutLicenses(emulator.License{ID: id, UserID: "user-" + id, ProductID: "gold"})
		req.Names = append(req.Names, nameOf(id))
	}
	return vendor, req
}

// oneByOne returns an adapter to a twin that makes one item of a batch at a time. The twin takes
// the requests for which up reports true.
func oneByOne(t *testing.T, vendor *emulator.Emulator, up func(*http.Request) bool) *amino.Adapter {
	t.Helper()
	c := twinConfig()
	c.BatchConcurrency = 1
	return adapterTo(t, c, twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up(r) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		vendor.ServeHTTP(w, r)
	})))
}

func itemError(r *pb.ProductLicenseResult) error { return status.ErrorProto(r.GetError()) }

func wantHeld(t *testing.T, vendor *emulator.Emulator, n int) {
	t.Helper()
	if licenses, entitlements := hold(vendor); len(licenses) != n || len(entitlements) != n {
		t.Fatalf("AminoTV holds %d licenses and Irdeto %d, want %d", len(licenses), len(entitlements), n)
	}
}

func TestItemsThatAreNotPartsOfTheBatch(t *testing.T) {
	type item = pb.CreateProductLicenseRequest
	for field, spoil := range map[string]func(*item){
		"requests[1].request_id":    func(r *item) { r.RequestId = "7f8b2f52-6d3a-4a0f-9f43-1f3f6f0f8a11" },
		"requests[1].validate_only": func(r *item) { r.ValidateOnly = true },
		"requests[1].parent":        func(r *item) { r.Parent = "vendors/other" },
		"requests[1].product_license.order_id": func(r *item) {
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
	vendor, _ := holding()
	var now, most atomic.Int32
	a := adapterTo(t, twinConfig(), twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
				wantError(t, "item 17", itemError(r), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
			case 500:
				wantRefused(t, "item 500", itemError(r), "requests[500].product_license.product")
			default:
				if r.GetProductLicense().GetUser() != fmt.Sprint("viewer-", i) {
					t.Errorf("item %d is %v", i, r)
				}
				names = append(names, r.GetProductLicense().GetName())
			}
		}
	}
	wantHeld(t, vendor, 998)
	if m := most.Load(); m > 8 {
		t.Errorf("%d requests were under way at once", m)
	}
	all := &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/acme", Names: names}
	res, err := a.BatchDeleteProductLicenses(in(t, mutation.NewMemory()), all)
	if err != nil {
		t.Fatal(err)
	}
	wantHeld(t, vendor, 0)
	for i, r := range res.GetResults() {
		if l := r.GetProductLicense(); l.GetName() != names[i] || l.GetPlayable() {
			t.Errorf("item %d is %v, which was %s", i, r, names[i])
		}
	}
}

func TestABatchGoesOnWithoutItsCaller(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	a, vendor := serve(t, config(), map[string][]reply{postLicense: {created(`{"data":{"type":"License","id":"L2"}}`)}})
	vendor.Inspect = func(*http.Request) { leave() }
	res, err := a.BatchCreateProductLicenses(mutation.NewContext(ctx, mutation.NewMemory()), batch(3))
	if err != nil {
		t.Errorf("%v, %v", res, err)
	}
	vendor.WantMade(postLicense, 3)
}

func TestABatchThatIsTriedTellsItsRequestsInOrder(t *testing.T) {
	c := config()
	c.BatchConcurrency = 8
	a, vendor := serve(t, c, map[string][]reply{getGold: {ok(goldProduct)}})
	ctx, trial := mutation.WithDryRun(t.Context())
	res, err := a.BatchCreateProductLicenses(ctx, batch(1000))
	vendor.WantMade(getGold, 1) // all items are of one product
	if err != nil || len(res.GetResults()) != 1000 || len(trial.Requests()) != 1000 {
		t.Fatalf("%d results, %d requests, %v", len(res.GetResults()), len(trial.Requests()), err)
	}
	for i, request := range trial.Requests() {
		if !strings.Contains(request, fmt.Sprintf(`"id":"viewer-%d"`, i)) {
			t.Fatalf("request %d is %s", i, request)
		}
	}
}

// A broken log panics at one item.
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
	t.Errorf("it returns %v, and does not panic", err)
}

type settling struct{ *mutation.Memory }

func (settling) Settling() bool { return true }

func TestABatchIsSettledItemByItem(t *testing.T) {
	vendor, _ := holding()
	a := oneByOne(t, vendor, func(*http.Request) bool { return true })
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
				all = append(all, apierror.Convert(itemError(r)).Reason.String())
			} else {
				all = append(all, r.GetProductLicense().GetUser())
			}
		}
		return all
	}
	for _, run := range []struct {
		log  mutation.Log
		want []string
	}{
		{log, []string{"OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN", "viewer-2"}},
		// Nobody asks again: an effect is found, and nothing more is sent.
		{settling{log}, []string{"viewer-0", "VENDOR_UNAVAILABLE", "viewer-2"}},
		{log, []string{"viewer-0", "viewer-1", "viewer-2"}},
	} {
		if got := outcomes(run.log); !slices.Equal(got, run.want) {
			t.Errorf("the outcomes are %q, want %q", got, run.want)
		}
	}
	wantHeld(t, vendor, 3)
}

// An inDoubt log is that of a mutation while the creation of one user's license is in doubt.
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
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = fmt.Sprint("L", i)
	}
	vendor, req := holding(ids...)
	req.Names = append([]string{nameOf("none")}, req.GetNames()...)
	a := adapterTo(t, twinConfig(), twin.Transport(vendor))
	log := &inDoubt{mutation.NewMemory(), "user-L13"}
	_, err := a.BatchDeleteProductLicenses(in(t, log), req)
	wantError(t, "one is in doubt", err, codes.Aborted, pb.ErrorReason_MUTATION_IN_PROGRESS)
	wantHeld(t, vendor, 20)
	log.user = ""
	res, err := a.BatchDeleteProductLicenses(in(t, log), req)
	if err != nil {
		t.Fatal(err)
	}
	wantMissing(t, res, 0)
	wantHeld(t, vendor, 0)
}

// wantMissing demands that all items succeed but one, which is not found.
func wantMissing(t *testing.T, res *pb.BatchDeleteProductLicensesResponse, at int) {
	t.Helper()
	for i, r := range res.GetResults() {
		missing := status.Code(itemError(r)) == codes.NotFound
		if missing != (i == at) || !missing && r.GetError() != nil {
			t.Errorf("item %d: %v", i, r)
		}
	}
}

func TestNothingOfABatchIsDeletedWhileOneOfItCannotBeRead(t *testing.T) {
	vendor, req := holding("L0", "L1")
	req.Names = append(req.Names, nameOf("none"))
	reads, up := map[string]int{}, false
	a := oneByOne(t, vendor, func(r *http.Request) bool {
		id := path.Base(r.URL.Path)
		if r.Method == http.MethodGet {
			reads[id]++
		}
		return up || r.Method != http.MethodGet || id != "L1"
	})
	log := mutation.NewMemory()
	_, err := a.BatchDeleteProductLicenses(in(t, log), req)
	wantError(t, "one cannot be read", err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	wantHeld(t, vendor, 2)
	up, reads = true, map[string]int{}
	res, err := a.BatchDeleteProductLicenses(in(t, log), req)
	if err != nil {
		t.Fatal(err)
	}
	wantMissing(t, res, 2)
	if reads["none"] != 1 {
		t.Errorf("the license that is not there was read %d times, want once", reads["none"])
	}
}
