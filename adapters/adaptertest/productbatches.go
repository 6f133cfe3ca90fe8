package adaptertest

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var productBatchPromises = []Promise{
	{"BatchCreateProductLicenses with an item that is refused issues the others, and has its error in its place",
		needs("BatchCreateProductLicenses", "GetProductLicense"), createsTheOthers},
	{"BatchDeleteProductLicenses with an item that is refused revokes the others, and has its error in its place",
		needs("BatchDeleteProductLicenses", "GetProductLicense"), deletesTheOthers},
	{"BatchCreateProductLicenses settles each item on its own if responses are lost",
		needs("BatchCreateProductLicenses"), createBatch.settlesEach(AnswerLost)},
	{"BatchCreateProductLicenses settles each item on its own if some are cut before their effect",
		needs("BatchCreateProductLicenses"), createBatch.settlesEach(CutBeforeEffect)},
	{"BatchDeleteProductLicenses settles each item on its own if responses are lost",
		needs("BatchDeleteProductLicenses"), deleteBatch.settlesEach(AnswerLost)},
	{"BatchDeleteProductLicenses settles each item on its own if some are cut before their effect",
		needs("BatchDeleteProductLicenses"), deleteBatch.settlesEach(CutBeforeEffect)},
}

var productBatchWrites = []write{createBatch, deleteBatch}

// batchSize is how many items the suite's batches have.
const batchSize = 3

// A batchResponse is the response to a batch.
type batchResponse interface {
	proto.Message
	GetResults() []*pb.ProductLicenseResult
}

// batched returns the call of a batch. Its error is that of the first item that failed.
func (h Harness) batched(req proto.Message) call {
	return func(ctx context.Context) (proto.Message, error) {
		res, err := h.ask(ctx, req)
		for _, r := range res.(batchResponse).GetResults() {
			if err == nil && r.GetError() != nil {
				err = status.ErrorProto(r.GetError())
			}
		}
		return res, err
	}
}

var createBatch = write{
	needs:   needs("BatchCreateProductLicenses"),
	effects: batchSize,
	batch:   true,
	prepare: func(t T, h Harness) *attempt {
		sold := sellLicenses(t, h, 12)
		wanted := []*pb.ProductLicense{
			{User: viewers[1], Product: sold[0].GetProduct()},
			{User: viewers[1], Product: sold[0].GetProduct()}, // of another order
			bought(viewers[0], sold[0].GetProduct(), "order-1"),
		}
		create := creatingBatch(h, wanted...)
		return &attempt{create, wanting(func(t T, what string, res *pb.BatchCreateProductLicensesResponse) {
			wantResults(t, what, res, func(i int, got *pb.ProductLicense) bool { return isLicense(got, wanted[i]) })
		})}
	},
}

var deleteBatch = write{
	needs:   needs("BatchDeleteProductLicenses"),
	hides:   true,
	effects: batchSize,
	batch:   true,
	prepare: func(t T, h Harness) *attempt {
		sold := sellLicenses(t, h, 12)
		gone := []string{sold[2].GetName(), sold[0].GetName(), sold[7].GetName()}
		remove := deletingBatch(h, gone...)
		return &attempt{remove, wanting(func(t T, what string, res *pb.BatchDeleteProductLicensesResponse) {
			wantResults(t, what, res, func(i int, got *pb.ProductLicense) bool { return got.GetName() == gone[i] })
		})}
	},
}

// creatingBatch creates licenses. The second one names the parent too.
func creatingBatch(h Harness, wanted ...*pb.ProductLicense) call {
	req := &pb.BatchCreateProductLicensesRequest{Parent: vendorName(h)}
	for i, l := range wanted {
		req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{ProductLicense: l})
		if i == 1 {
			req.Requests[i].Parent = vendorName(h)
		}
	}
	return h.batched(req)
}

func deletingBatch(h Harness, gone ...string) call {
	return h.batched(&pb.BatchDeleteProductLicensesRequest{Parent: vendorName(h), Names: gone})
}

// wantResults demands a result for each item of a batch, in its place: a license that no other item
// has.
func wantResults(t T, what string, res batchResponse, is func(i int, got *pb.ProductLicense) bool) {
	t.Helper()
	if len(res.GetResults()) != batchSize {
		t.Errorf("%s: %d results, want one for each of %d items", what, len(res.GetResults()), batchSize)
		return
	}
	seen := map[string]bool{}
	for i, r := range res.GetResults() {
		got := r.GetProductLicense()
		if !is(i, got) || seen[got.GetName()] {
			t.Errorf("%s: the result of item %d is %v, which it did not ask for, or another item's", what, i, r)
		}
		seen[got.GetName()] = true
	}
}

// settlesEach checks a batch of which a fault hits some items. The results must say which items
// have an unknown outcome, and another run must carry out each item once. A vendor that accepts a
// batch as one call fails again and again, until there are no faults left.
func (w write) settlesEach(fault WriteFault) func(T, Harness) {
	const faults = batchSize - 1
	return w.prepared(func(c checked, t T, h Harness) {
		log := newSteps()
		h.Writes.Fail(fault, faults)
		for run := range faults + 1 {
			answer, err := c.call.in(t.Context(), log)
			res, ok := answer.(batchResponse)
			if !ok || len(res.GetResults()) != batchSize {
				t.Fatalf("run %d: it returns %v, %v, want a result for each of %d items", run, answer, err, batchSize)
			}
			if run == 0 {
				wantUnknown(t, "the call, the first item that failed", err)
			} else if err == nil {
				break
			}
			wantUnknownItems(t, run, res)
			if run == 0 && !log.unsettled() {
				t.Errorf("the outcome of an item is unknown, and the log does not say so")
			}
		}
		answer, err := c.call.in(t.Context(), log)
		c.wantSuccess(t, "run again", h, log, answer, err)
	})
}

// wantUnknownItems demands an unknown outcome of each item that failed.
func wantUnknownItems(t T, run int, res batchResponse) {
	t.Helper()
	for i, r := range res.GetResults() {
		if r.GetError() != nil && !apierror.IsOutcomeUnknown(status.ErrorProto(r.GetError())) {
			t.Errorf("run %d: the result of item %d is %v, want an unknown outcome", run, i, r)
		}
	}
}

// wantRefused demands a batch of which the second item is not found and the others are carried out,
// also if it runs again.
func wantRefused(t T, h Harness, batch call) []*pb.ProductLicenseResult {
	t.Helper()
	h = countFromNow(h)
	log := newSteps()
	var first []*pb.ProductLicenseResult
	for _, what := range []string{"the call", "run again"} {
		answer, err := batch.in(t.Context(), log)
		WantError(t, what+", item 1", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
		res, ok := answer.(batchResponse)
		if !ok || len(res.GetResults()) != batchSize || res.GetResults()[1].GetError() == nil ||
			res.GetResults()[0].GetProductLicense() == nil || res.GetResults()[2].GetProductLicense() == nil {
			t.Fatalf("%s: it returns %v, want two licenses with an error between them", what, answer)
		}
		wantWrites(t, what, h, batchSize-1)
		if log.unsettled() {
			t.Errorf("%s: its log says that a write is unsettled", what)
		}
		first = res.GetResults()
	}
	return first
}

func createsTheOthers(t T, h Harness) {
	product := putProducts(t, h, 1)[0].GetName()
	wanted := []*pb.ProductLicense{
		bought(viewers[0], product, "order-1"),
		bought(viewers[0], names.Product.Name(h.Vendor, noID), "order-2"),
		bought(viewers[0], product, "order-3"),
	}
	results := wantRefused(t, h, creatingBatch(h, wanted...))
	for _, i := range []int{0, 2} {
		got := getProductLicense(t, h, results[i].GetProductLicense().GetName())
		wantLicense(t, "GetProductLicense of what was created", got, wanted[i])
	}
}

func deletesTheOthers(t T, h Harness) {
	sold := sellLicenses(t, h, 4)
	unknown := names.ProductLicense.Name(h.Vendor, noID)
	wantRefused(t, h, deletingBatch(h, sold[0].GetName(), unknown, sold[1].GetName()))
	for _, l := range sold[:2] {
		wantGone(t, h, "after BatchDeleteProductLicenses", l.GetName())
	}
	wantHeld(t, h, "after BatchDeleteProductLicenses", sold[2:]...)
}
